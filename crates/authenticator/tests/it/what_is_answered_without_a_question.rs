//! Every answer that is given without a question, for each preset and each transport: one table,
//! and for transports whose other end may be anybody's, that such an answer is the same whatever is
//! stored.

use crate::rig::{commands::fragment, platform::Platform, *};
use towline_authenticator::{Config, ConfigError, LargeBlobs};
use towline_ctap::{
    BioEnrollmentRequest, ClientPinRequest, ConfigRequest, ConfigSubcommand, CredentialId,
    CredentialManagementRequest, CredentialManagementSubcommand as Manage, GetInfo,
    LargeBlobsRequest, Request, Status, Transport,
    u2f::{Control, StatusWord, U2fRequest, split_response},
};

/// What is decided of a request that the standard answers without a question, or after one.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Decision {
    /// The person is asked, however it came.
    Asks,
    /// On the machine, or at the end of a cable, it is answered at once; everywhere else the person
    /// is asked.
    SilentHere,
    /// It is answered at once everywhere: the answer says nothing of what is stored.
    TellsNothing,
}
use Decision::{Asks, SilentHere, TellsNothing};

struct Probe {
    name: &'static str,
    request: Request,
    decision: Decision,
    /// Whether the preset has what is asked for; otherwise it is refused, which tells nothing.
    there: bool,
}

fn probes(rig: &mut Rig, config: &Config, known: &CredentialId) -> Vec<Probe> {
    let probe = |name, request, decision, there| Probe { name, request, decision, there };
    let look_up = |rp: &str, id: Option<&CredentialId>, up| {
        let mut request = assertion(rp);
        request.allow_list = id.map(listing);
        request.options.up = up;
        Request::from(request)
    };
    let unknown = CredentialId::new(&[7; 32]).unwrap();
    let mut excluded = creation("example.org", "bob");
    excluded.exclude_list = listing(known);
    let manage = |sub| Request::from(CredentialManagementRequest::new(sub));
    let pin = config.pin.is_some();
    let key = config.verification.always_uv_configurable;
    let array = matches!(config.extensions.large_blobs, LargeBlobs::Command(_));
    let toggle = ConfigRequest::new(ConfigSubcommand::ToggleAlwaysUv);
    let write = fragment(rig, None, &[0x80; 17], 0, Some(100));
    let silent = Some(false);
    vec![
        probe("look up", look_up("example.org", None, silent), SilentHere, true),
        probe("look up listed", look_up("example.org", Some(known), silent), SilentHere, true),
        probe("look up nothing", look_up("example.com", None, silent), SilentHere, true),
        probe("look up no list", look_up("example.org", Some(&unknown), silent), SilentHere, true),
        probe("sign in", look_up("example.org", None, None), Asks, true),
        probe("sign in with nothing", look_up("example.com", None, None), Asks, true),
        probe("sign in, not listed", look_up("example.org", Some(&unknown), None), Asks, true),
        probe("register, excluded", excluded.into(), Asks, true),
        probe("get next", Request::GetNextAssertion, TellsNothing, true),
        probe("get info", Request::GetInfo, TellsNothing, true),
        probe("selection", Request::Selection, Asks, true),
        probe("reset", Request::Reset, Asks, key),
        probe("count credentials", manage(Manage::GetCredsMetadata), TellsNothing, true),
        probe("list parties", manage(Manage::EnumerateRpsBegin), TellsNothing, true),
        probe("PIN retries", ClientPinRequest::GetPinRetries.into(), TellsNothing, true),
        probe("retries", ClientPinRequest::GetUvRetries.into(), TellsNothing, true),
        probe(
            "key agreement",
            ClientPinRequest::GetKeyAgreement { protocol: 2 }.into(),
            TellsNothing,
            true,
        ),
        probe("modality", BioEnrollmentRequest::GetModality.into(), TellsNothing, true),
        // What is in the array is sealed for each credential; that there is one needs a token, or
        // the person, once.
        probe(
            "read the array",
            LargeBlobsRequest::Get { count: 64, offset: 0 }.into(),
            TellsNothing,
            true,
        ),
        probe("write the array", write, SilentHere, array),
        probe("set a PIN", new_pin(rig, pin), SilentHere, pin),
        probe("toggle alwaysUv", toggle.into(), SilentHere, key),
    ]
}

fn new_pin(rig: &mut Rig, there: bool) -> Request {
    if there {
        Platform::agree(rig, 2).set_pin_request("2468-blue")
    } else {
        ClientPinRequest::GetPinRetries.into()
    }
}

/// What is said without a question, if anything is; of getInfo, what does not change by itself.
fn said(rig: &mut Rig, request: &Request) -> Option<Vec<u8>> {
    rig.person(absent).forget_past();
    rig.send(HOME, &request.encode());
    if rig.responses.is_empty() {
        assert_eq!(rig.questions.len(), 1);
        rig.cancel(HOME);
        assert_eq!(rig.status(), Status::KeepaliveCancel);
        return None;
    }
    assert!(rig.questions.is_empty());
    let said = rig.response();
    match request {
        Request::GetInfo => {
            let mut info = GetInfo::decode(&said).unwrap();
            (info.enc_identifier, info.enc_cred_store_state) = (None, None);
            // Here it is told for how many more there is room.
            if rig.transport.as_ref().is_none_or(|transport| LOCAL.contains(transport)) {
                info.remaining_discoverable_credentials = None;
            }
            Some(info.encode())
        }
        Request::ClientPin(pin) if matches!(**pin, ClientPinRequest::GetKeyAgreement { .. }) => {
            Some(vec![said[0]])
        }
        _ => Some(said),
    }
}

fn presets() -> [(&'static str, Config); 4] {
    [
        ("phone", Config::phone()),
        ("platform", Config::platform()),
        ("security key", Config::security_key()),
        ("fingerprint key", Config::fingerprint_key()),
    ]
}

const LOCAL: [Transport; 5] =
    [Transport::Internal, Transport::Usb, Transport::Nfc, Transport::Ble, Transport::SmartCard];

/// One over which requests come, and whether an answer may be silent.
fn ways(config: &Config) -> Vec<(Option<Transport>, bool)> {
    let mut ways: Vec<_> = LOCAL.map(|transport| (Some(transport), true)).into();
    ways.push((Some(Transport::Hybrid), false));
    ways.push((Some(Transport::from("ether")), false));
    // Not told: it may be any of those over which the authenticator can be reached.
    ways.push((None, !config.identity.transports.contains(&Transport::Hybrid)));
    ways
}

/// An authenticator over this transport: with passkeys, and with none. They are alike in everything
/// else.
fn pair(config: &Config, over: Option<&Transport>) -> ([Rig; 2], CredentialId) {
    let mut full = Rig::new(config.clone());
    let (known, _) = full.passkey("example.org", "alice");
    full.passkey("example.org", "bob");
    full.passkey("example.net", "alice");
    let mut empty = Rig::new(config.clone());
    for rig in [&mut full, &mut empty] {
        rig.power_up();
        rig.transport = over.cloned();
    }
    ([full, empty], known)
}

#[test]
fn each_answer_without_a_question_is_decided() {
    for (preset, config) in presets() {
        for (over, quiet) in ways(&config) {
            let count = {
                let ([mut full, _], known) = pair(&config, over.as_ref());
                probes(&mut full, &config, &known).len()
            };
            for which in 0..count {
                let ([mut full, mut empty], known) = pair(&config, over.as_ref());
                let probe = probes(&mut full, &config, &known).swap_remove(which);
                let name = format!("{preset}, {over:?}: {}", probe.name);
                let asks = match probe.decision {
                    _ if !probe.there => false,
                    Asks => true,
                    SilentHere => !quiet,
                    TellsNothing => false,
                };
                let said_of_something = said(&mut full, &probe.request);
                assert_eq!(said_of_something.is_none(), asks, "{name}");
                if probe.name == "set a PIN" {
                    // It is sealed for the one whose key agreement key it was made with.
                    continue;
                }
                if !quiet || probe.decision != SilentHere {
                    assert_eq!(said_of_something, said(&mut empty, &probe.request), "{name}");
                }
            }
        }
    }
}

#[test]
fn a_computer_can_not_look_up_passkeys_silently_through_the_hybrid_transport() {
    for (preset, mut config) in presets() {
        for has_display in [true, false] {
            config.identity.has_display = has_display;
            let ([mut rig, _], known) = pair(&config, Some(&Transport::Hybrid));
            for list in [None, Some(listing(&known))] {
                rig.person(agreeable).forget_past();
                let mut request = assertion("example.org");
                request.options.up = Some(false);
                request.allow_list = list;
                let response = rig.sign_in(&request).unwrap();
                // It counts as true, in the answer too, and the person hears of it.
                let flags = data(&response.auth_data).flags;
                assert!(flags.contains(towline_ctap::Flags::UP), "{preset}");
                assert!(!rig.questions.is_empty() && !rig.events.is_empty(), "{preset}");
                rig.person(absent);
                rig.sign_in(&request).unwrap_err();
                assert_eq!(rig.next().unwrap_err(), Status::NotAllowed);
            }
            let mut nothing = assertion("example.com");
            nothing.options.up = Some(false);
            rig.person(absent).forget_past();
            assert_ne!(rig.sign_in(&nothing).unwrap_err(), Status::NoCredentials, "{preset}");
            assert_eq!(rig.questions.len(), 1, "{preset}");
        }
    }
}

#[test]
fn how_many_passkeys_there_is_room_for_is_not_told_to_far_computers() {
    let ([mut rig, _], _) = pair(&Config::security_key(), Some(&Transport::Hybrid));
    assert_eq!(rig.info().remaining_discoverable_credentials, None);
}

#[test]
fn the_hybrid_transport_can_not_be_made_silent() {
    let mut config = Config::phone();
    config.presence.silent_transports.push(Transport::Hybrid);
    assert_eq!(config.validate(), Err(ConfigError::SilentHybrid));
}

#[test]
fn a_change_that_needs_no_token_is_made_after_a_yes_only() {
    for (answer, status) in [
        (agreeable as fn(&_) -> _, Status::Ok),
        (refusing, Status::OperationDenied),
        (absent, Status::OperationDenied),
    ] {
        let config = Config::security_key();
        let ([mut rig, _], _) = pair(&config, Some(&Transport::Hybrid));
        let requests = [
            fragment(&rig, None, &[0x80; 17], 0, Some(100)),
            ConfigRequest::new(ConfigSubcommand::ToggleAlwaysUv).into(),
            ConfigRequest::new(ConfigSubcommand::ToggleAlwaysUv).into(),
            Platform::agree(&mut rig, 2).set_pin_request("2468-blue"),
        ];
        rig.person(answer);
        for request in requests {
            let done = rig.call(&request).map_or_else(|status| status, |_| Status::Ok);
            assert_eq!(done, status, "{request:?}");
        }
        assert_eq!(rig.info().options.client_pin, Some(status == Status::Ok));
    }
}

/// CTAP1 is spoken over cables and short distances only: its "check only" tells whether a key
/// handle is known, as the standard has it. It can't come over hybrid, whose messages have no place
/// for it.
#[test]
fn u2f_asks_about_key_handles_without_a_question_where_it_is_spoken() {
    for (_, config) in presets() {
        let spoken = config.identity.versions.contains(&towline_ctap::Version::U2fV2);
        assert!(!spoken || !config.identity.transports.contains(&Transport::Hybrid));
        let mut rig = Rig::new(config);
        let (id, _) = made(&rig.create(&creation("example.org", "alice")).unwrap());
        let application = rp_id("example.org").hash(&rig.provider);
        rig.person(absent).forget_past();
        for (handle, known) in [(id.as_bytes(), true), (&[1; 64][..], false)] {
            let (control, challenge) = (Control::CheckOnly, [0; 32]);
            let key_handle = handle.into();
            let check = U2fRequest::Authenticate { control, challenge, application, key_handle };
            rig.authenticator.handle_u2f(HOME, &check.encode(), rig.now);
            rig.pump();
            let response = rig.response();
            let word = match (spoken, known) {
                (false, _) => StatusWord::INS_NOT_SUPPORTED,
                (true, true) => StatusWord::CONDITIONS_NOT_SATISFIED,
                (true, false) => StatusWord::WRONG_DATA,
            };
            assert_eq!(split_response(&response).unwrap().1, word);
            assert!(rig.questions.is_empty());
        }
    }
}
