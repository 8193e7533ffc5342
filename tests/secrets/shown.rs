//! What `Debug` shows: of secrets, and of messages in which there are some, nothing but the length.

use std::{fmt, fs, path::Path};

use towline::{
    authenticator::{
        Answer, Change, ChannelId, CredRandom, Credential, ExtensionData, KeyHandle,
        LargeBlobPlace, Output, Question, Record, Replaces, Template,
    },
    client,
    crypto::Secret,
    hybrid::{
        self, ComputerEvent, Effect, PhoneEvent, Target, domain::TunnelDomain,
        internal::message::Message, internal::message::PostHandshake, link::ContactKey,
    },
};
use towline_cbor::{Reader, Writer};
use towline_ctap::{
    AttestationStatement, ClientDataHash, ClientPinRequest, ClientPinResponse, CredentialId,
    Extensions, GetAssertionRequest, GetAssertionResponse, KeyAgreementKey, LargeBlobKey,
    LargeBlobsRequest, LargeBlobsResponse, MakeCredentialRequest, MakeCredentialResponse,
    PinUvAuth, PublicKeyCredentialDescriptor, Response, Rp, RpId, RpIdHash, User, UserHandle,
    extension::{
        CredBlob, HmacSecretInput, HmacSecretOutput, LargeBlob, PrfGetInput, PrfResults, PrfSalts,
    },
    hid::{self, HidChannel, HidCommand, HidDeviceOutput, HostOutput, To},
    u2f::{Apdu, U2fRegistration, U2fRequest},
};
use zeroize::Zeroizing;

use crate::search::Secrets;

const PLANTED: [u8; 32] = *b"zyxwv-what-nobody-may-see-9475-+";

fn planted() -> Vec<u8> {
    PLANTED.to_vec()
}

fn secret() -> Secret<32> {
    Secret::new(PLANTED)
}

/// Formats everything that it is shown, in both ways.
#[derive(Default)]
struct Printer(Vec<String>);

impl Printer {
    fn show(&mut self, value: impl fmt::Debug) {
        self.0.push(format!("{value:?}"));
        self.0.push(format!("{value:#?}"));
    }
}

#[test]
fn no_secret_and_no_message_is_shown_by_debug() {
    let mut shown = Printer::default();
    authenticators(&mut shown);
    requests(&mut shown);
    responses(&mut shown);
    extensions(&mut shown);
    transports(&mut shown);

    let mut secrets = Secrets::default();
    secrets.bytes("what was planted", &PLANTED);
    assert!(shown.0.len() >= 100, "{}", shown.0.len());
    for text in &shown.0 {
        let found = secrets.find(text);
        assert!(found.is_empty(), "{found:?} in {text}");
        // The texts stand in the search as they are, too.
        assert!(!text.contains("zyxwv"), "{text}");
    }
    // The search can fail.
    assert!(!secrets.find(&format!("{PLANTED:?}")).is_empty());
    assert!(!secrets.find(&format!("{PLANTED:#?}").replace(",\n    ", ", ")).is_empty());
}

fn kept() -> Box<ExtensionData> {
    let mut data = ExtensionData::default();
    data.cred_random = Some(CredRandom::Derived(secret()));
    data.cred_blob = Some(planted().into());
    data.large_blob_key = Some(LargeBlobKey::new(secret()));
    let blob = LargeBlob { compressed: planted(), original_size: 32 };
    data.large_blob = Some(LargeBlobPlace::Holds(Box::new(blob)));
    Box::new(data)
}

fn user() -> User {
    User { id: UserHandle::new(b"1").unwrap(), name: None, display_name: None }
}

fn authenticators(shown: &mut Printer) {
    let id = CredentialId::new(&[1; 16]).unwrap();
    let rp_id = RpId::new("example.org").unwrap();
    let key = KeyHandle::new(-7, Zeroizing::new(planted().into()));
    let credential = Credential {
        extensions: Some(kept()),
        foreign: Some(planted().into()),
        ..Credential::new(id.clone(), rp_id, user(), key.clone())
    };
    let (with_uv, without_uv) = (secret(), secret());
    shown.show(CredRandom::Pair { with_uv, without_uv });
    shown.show(&key);
    shown.show(kept());
    shown.show(&credential);
    shown.show(Change::Save { credential: Box::new(credential), replaces: Replaces::Account });
    shown.show(Change::SetExtensionData { id, data: Some(kept()), at: None });
    let value = Some(Zeroizing::new(planted()));
    shown.show(Change::Record { record: Record::Pin, value });
    shown.show(Output::Response { channel: ChannelId(1), bytes: planted() });
    shown.show(Question::VendorCommand { command: 1, params: planted() });
    shown.show(Answer::Enrolled(Template::new(Zeroizing::new(planted().into()))));
}

fn requests(shown: &mut Printer) {
    let key = KeyAgreementKey { x: [1; 32], y: [2; 32] };
    let auth = PinUvAuth { protocol: 2, param: planted() };
    shown.show(&auth);
    shown.show(LargeBlobsRequest::Set {
        fragment: planted(),
        offset: 0,
        length: Some(32),
        auth: Some(auth.clone()),
    });
    let (protocol, key_agreement) = (2, key);
    shown.show(ClientPinRequest::SetPin {
        protocol,
        key_agreement,
        param: planted(),
        new_pin_enc: planted(),
    });
    shown.show(ClientPinRequest::ChangePin {
        protocol,
        key_agreement,
        param: planted(),
        new_pin_enc: planted(),
        pin_hash_enc: planted(),
    });
    let pin_hash_enc = planted();
    shown.show(ClientPinRequest::GetPinToken { protocol, key_agreement, pin_hash_enc });

    let rp_id = RpId::new("example.org").unwrap();
    let hash = ClientDataHash::new([3; 32]);
    let mut get = GetAssertionRequest::new(rp_id.clone(), hash);
    get.pin_uv_auth_param = Some(planted());
    get.extensions = inputs();
    shown.show(&get);
    shown.show(towline_ctap::Request::from(get));
    let rp = Rp { id: rp_id, name: None };
    let mut make = MakeCredentialRequest::new(hash, rp, user(), vec![-7]);
    make.pin_uv_auth_param = Some(planted());
    make.extensions = inputs();
    shown.show(&make);
    shown.show(towline_ctap::Request::from(make));

    let apdu = Apdu { cla: 0, ins: 1, p1: 0, p2: 0, data: &PLANTED, expected: None };
    shown.show(apdu);
    let application = RpIdHash::new([4; 32]);
    shown.show(U2fRequest::Register { challenge: PLANTED, application });
    shown.show(U2fRegistration {
        public_key: [4; 65],
        key_handle: planted().into(),
        certificate: planted(),
        signature: planted(),
    });
}

fn responses(shown: &mut Printer) {
    let id = CredentialId::new(&[1; 16]).unwrap();
    let descriptor = PublicKeyCredentialDescriptor::new(id);
    let mut used = GetAssertionResponse::new(descriptor, planted(), planted());
    used.large_blob_key = Some(LargeBlobKey::new(secret()));
    used.unsigned_extension_outputs = inputs();
    shown.show(&used);
    let mut made = MakeCredentialResponse::new(AttestationStatement::None, planted());
    made.large_blob_key = Some(LargeBlobKey::new(secret()));
    made.unsigned_extension_outputs = inputs();
    shown.show(&made);
    let encoded = used.encode();
    shown.show(Response::split(&encoded).unwrap());
    let token =
        ClientPinResponse { pin_uv_auth_token: Some(planted()), ..ClientPinResponse::default() };
    shown.show(token);
    shown.show(LargeBlobsResponse { config: Some(planted()) });
    shown.show(Output::Response { channel: ChannelId(1), bytes: encoded });
}

fn inputs() -> Extensions {
    let mut all = Extensions::new();
    all.set(&CredBlob(planted()));
    let salts = PrfSalts { first: PLANTED, second: Some(PLANTED) };
    all.set(&PrfGetInput { eval: Some(salts), eval_by_credential: Vec::new() });
    all
}

fn extensions(shown: &mut Printer) {
    shown.show(inputs());
    shown.show(CredBlob(planted()));
    shown.show(LargeBlob { compressed: planted(), original_size: 32 });
    shown.show(LargeBlobKey::new(secret()));
    shown.show(PrfSalts { first: PLANTED, second: Some(PLANTED) });
    shown.show(PrfResults { first: secret(), second: Some(secret()) });
    shown.show(HmacSecretOutput(planted()));
    shown.show(HmacSecretInput {
        key_agreement: KeyAgreementKey { x: [1; 32], y: [2; 32] },
        salt_enc: planted(),
        salt_auth: planted(),
        pin_uv_auth_protocol: None,
    });
    shown.show(secret());
}

fn transports(shown: &mut Printer) {
    let channel = HidChannel(1);
    shown.show(HidDeviceOutput::Cbor { channel, request: &PLANTED });
    shown.show(HidDeviceOutput::Msg { channel, request: &PLANTED });
    let mut report: hid::Report = [0; 64];
    report[7..39].copy_from_slice(&PLANTED);
    shown.show(HidDeviceOutput::Send { to: To::Requester, report });
    shown.show(HostOutput::Message { command: HidCommand::Cbor, message: &PLANTED });
    shown.show(hid::Packet::read(&report));

    let mut writer = Writer::new();
    writer.bytes(&PLANTED);
    shown.show(&writer);
    let encoded = writer.into_vec();
    shown.show(Reader::new(&encoded, 4));

    shown.show(client::CeremonyOutput::<String>::Request(planted()));
    let json = String::from_utf8(planted()).unwrap();
    shown.show(client::CeremonyOutput::Finished(Ok(json)));

    shown.show(Message::Ctap(planted()));
    shown.show(Message::Update(planted()));
    shown.show(Message::Json(planted()));
    shown.show(PostHandshake {
        get_info: Some(planted()),
        features: hybrid::Features::default(),
        linking: Some(planted()),
    });
    shown.show(Effect::Tell(PhoneEvent::Request(planted())));
    shown.show(Effect::Tell(PhoneEvent::JsonRequest(planted())));
    shown.show(Effect::<PhoneEvent>::Send(planted()));
    shown.show(Effect::Tell(ComputerEvent::Response(planted())));
    shown.show(Effect::Tell(ComputerEvent::JsonResponse(planted())));
    let (domain, key) = (TunnelDomain::GOOGLE, ContactKey::new(secret()));
    shown.show(Effect::<PhoneEvent>::Connect(Target::Listen { domain, key }));
    shown.show(hybrid::qr::Extra { key: hybrid::qr::ExtraKey::Int(9), value: planted() });
    shown.show(hybrid::internal::secrets::Psk::new(secret()));
    shown.show(ContactKey::new(secret()));
}

/// Types that show bytes as they are, and why they may.
const OPEN: [(&str, &str); 23] = [
    ("Key", "of a map in CBOR: names members"),
    ("Member", "the same, to be compared"),
    ("BatchAttestation", "certificates, which sites get"),
    ("EnterpriseAttestation", "certificates, which sites get"),
    ("PackedAttestation", "a signature and certificates, which sites get"),
    ("FidoU2fAttestation", "a signature and a certificate, which sites get"),
    ("OtherAttestation", "a statement, which sites get"),
    ("CosePublicKey", "public"),
    ("OtherKey", "public"),
    ("KeyAgreementKey", "public"),
    ("GetInfo", "anybody can ask for it"),
    ("ResponderConfig", "getInfo: anybody can ask for it"),
    ("HidDeviceConfig", "a version"),
    ("InitResponse", "a nonce in the clear, and a version"),
    ("U2fAuthentication", "a signature, which sites get"),
    ("U2fOutput", "messages of U2F: hashes, key handles and signatures, which sites get"),
    ("Advert", "is on the air"),
    ("ExtraKey", "names a member of a code"),
    ("RendezvousOutput", "of the relay: what it says to phones, which is not encrypted"),
    ("HandshakeHash", "a hash of what was sent in the clear"),
    ("BuiltInVerification", "a number"),
    ("ClientPin", "a number"),
    ("PinComparison", "a number, and a secret that is not shown"),
];

/// The rule for types that are yet to come.
#[test]
fn a_public_type_that_holds_bytes_does_not_derive_debug() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    let mut leaks = Vec::new();
    let mut seen = 0;
    for name in [
        "cbor",
        "crypto",
        "ctap",
        "authenticator",
        "client",
        "hybrid",
        "rendezvous",
        "store",
        "towline",
    ] {
        for (kind, body) in derived(&crates.join(name).join("src")) {
            seen += 1;
            let bytes =
                ["u8>", "[u8]", "[u8;", "Zeroizing<"].iter().any(|form| body.contains(form));
            if bytes && !OPEN.iter().any(|(open, _)| *open == kind) {
                leaks.push(format!("{name}: {kind} {body}"));
            }
        }
    }
    assert!(seen > 150, "{seen}");
    assert!(leaks.is_empty(), "show lengths, or say why not in OPEN:\n{}", leaks.join("\n"));
}

/// The public types of a crate that derive `Debug`, each with its members.
fn derived(directory: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(derived(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.extend(derived_in(&fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

fn derived_in(source: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> =
        source.lines().map(|line| line.split("//").next().unwrap_or_default().trim()).collect();
    let mut found = Vec::new();
    let mut debug = false;
    for (number, line) in lines.iter().enumerate() {
        if line.starts_with("#[derive(") {
            debug |= line.contains("Debug");
        } else if let Some(item) =
            line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))
        {
            if std::mem::take(&mut debug) {
                let name = item.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                let rest = lines[number..].join("\n");
                found.push((name.to_owned(), body(&rest).to_owned()));
            }
        } else if !line.is_empty() && !line.starts_with("#[") {
            debug = false;
        }
    }
    found
}

/// From the head of an item to its end.
fn body(item: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => {
                depth -= 1;
                if depth == 0 {
                    return &item[..=at];
                }
            }
            ';' if depth == 0 => return &item[..at],
            _ => {}
        }
    }
    item
}

#[test]
fn the_rule_finds_a_leak() {
    let source = "/// A type.\n#[derive(Debug, Clone)]\npub enum Leak {\n    /// It.\n    This {\n        bytes: Vec<u8>,\n    },\n}\n\
                  pub struct Fine(Vec<u8>);\n#[derive(Clone)]\npub struct Hidden(Vec<u8>);\n#[derive(Debug)]\npub struct Unit;\n";
    let found = derived_in(source);
    assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Leak", "Unit"]);
    assert!(found[0].1.contains("Vec<u8>") && !found[1].1.contains("u8"), "{found:?}");
}
