//! What a vendor adds to the standard: commands of its own, transports for a reset, certifications,
//! an explained PIN policy; and that what getInfo says holds together, whatever is configured.

use crate::rig::{
    platform::{Platform, PlatformToken},
    *,
};
use towline_authenticator::{
    Answer, Config, ConfigError, PinComplexity, Question, ResetTime, check_claims,
};
use towline_ctap::{
    ConfigRequest, ConfigSubcommand, Permissions, Request, Status, Transport, Version,
};

const PIN: &str = "correct horse";
const BLINK: u64 = 0x1234_5678;

fn vendor() -> Config {
    let mut config = Config::security_key();
    config.tokens.vendor_config_commands = vec![BLINK];
    config
}

fn run(rig: &mut Rig, command: u64, token: Option<&PlatformToken>) -> Result<(), Status> {
    let subcommand = ConfigSubcommand::VendorPrototype { command: Some(command) };
    let mut request = ConfigRequest::new(subcommand);
    request.auth = token.map(|token| token.auth(rig, &request.authenticated_message()));
    rig.call(&Request::from(request)).map(|response| assert_eq!(response, [0x00]))
}

#[test]
fn without_commands_of_the_vendor_there_is_no_such_subcommand() {
    let mut rig = Rig::new(Config::security_key());
    assert_eq!(run(&mut rig, BLINK, None), Err(Status::InvalidSubcommand));
    let info = rig.info();
    assert_eq!(info.vendor_prototype_config_commands, None);
    assert!(!info.authenticator_config_commands.unwrap().contains(&0xff));
}

#[test]
fn a_command_that_is_not_listed_or_not_named_reaches_nobody() {
    let mut rig = Rig::new(vendor());
    assert_eq!(run(&mut rig, BLINK + 1, None), Err(Status::InvalidParameter));
    rig.send(HOME, &[0x0d, 0xa2, 0x01, 0x18, 0xff, 0x02, 0xa0]);
    assert_eq!(rig.status(), Status::MissingParameter);
    assert_eq!(rig.questions, []);
}

#[test]
fn a_command_of_the_vendor_needs_the_permission_to_configure() {
    let mut rig = Rig::new(vendor());
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    assert_eq!(run(&mut rig, BLINK, None), Err(Status::PuatRequired));
    let platform = Platform::agree(&mut rig, 2);
    let other = platform.pin_token(&mut rig, PIN, Permissions::CM, None).unwrap();
    assert_eq!(run(&mut rig, BLINK, Some(&other)), Err(Status::PinAuthInvalid));
    assert_eq!(rig.questions, []);
    let token = platform.pin_token(&mut rig, PIN, Permissions::ACFG, None).unwrap();
    assert_eq!(run(&mut rig, BLINK, Some(&token)), Ok(()));
}

#[test]
fn the_embedder_carries_out_a_command_of_the_vendor_or_refuses() {
    let mut rig = Rig::new(vendor());
    assert_eq!(run(&mut rig, BLINK, None), Ok(()));
    let Question::VendorCommand { command, params } = &rig.questions[0] else {
        panic!("{:?}", rig.questions);
    };
    assert_eq!(*command, BLINK);
    assert_eq!(*params, [0xa1, 0x01, 0x1a, 0x12, 0x34, 0x56, 0x78]);
    rig.person = Box::new(refusing);
    assert_eq!(run(&mut rig, BLINK, None), Err(Status::OperationDenied));
    rig.person = Box::new(absent);
    rig.send(
        HOME,
        &Request::from(ConfigRequest::new(ConfigSubcommand::VendorPrototype {
            command: Some(BLINK),
        }))
        .encode(),
    );
    let (token, _) = rig.open[0].clone();
    let now = rig.now;
    assert!(
        rig.authenticator.handle_answer(token, Answer::Verified, now).is_err(),
        "no such answer"
    );
    rig.pass(rig.authenticator.config().timing.user_action_timeout);
    assert_eq!(rig.status(), Status::UserActionTimeout);
}

#[test]
fn a_reset_comes_over_the_transports_that_are_for_it_only() {
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    config.identity.transports = vec![Transport::Usb, Transport::Nfc];
    config.reset.transports = Some(vec![Transport::Usb]);
    let mut rig = Rig::new(config);
    assert_eq!(rig.info().transports_for_reset, Some(vec![Transport::Usb]));
    assert_eq!(rig.call(&Request::Reset), Err(Status::OperationDenied), "nobody says which it is");
    let now = rig.now;
    rig.authenticator.handle_request_over(Transport::Nfc, HOME, &[0x07], now);
    rig.pump();
    assert_eq!(rig.status(), Status::OperationDenied);
    assert_eq!(rig.questions, [], "nobody is asked");
    rig.authenticator.handle_request_over(Transport::Usb, HOME, &[0x07], now);
    rig.pump();
    assert_eq!(rig.status(), Status::Ok);
    rig.send(HOME, &[0x07]);
    assert_eq!(rig.status(), Status::OperationDenied, "the transport of before does not count");
}

#[test]
fn certifications_and_the_address_of_the_pin_policy_are_told() {
    let mut config = Config::security_key();
    config.identity.certifications = vec![("FIDO".into(), 2)];
    let pin = config.pin.as_mut().unwrap();
    pin.complexity = PinComplexity::Enforced;
    pin.complexity_url = Some("https://example.com/pin".into());
    let info = Rig::new(config).info();
    assert_eq!(info.certifications, Some(vec![("FIDO".into(), 2)]));
    assert_eq!(info.pin_complexity_policy_url.as_deref(), Some(&b"https://example.com/pin"[..]));
}

#[test]
fn what_a_vendor_adds_has_to_fit_the_rest() {
    let wrong: [fn(&mut Config); 8] = [
        |config| config.tokens.vendor_config_commands = vec![BLINK, BLINK],
        |config| {
            *config = Config::phone();
            config.tokens.vendor_config_commands = vec![BLINK];
        },
        |config| config.reset.transports = Some(vec![]),
        |config| config.reset.transports = Some(vec![Transport::Usb, Transport::Usb]),
        |config| config.reset.transports = Some(vec![Transport::Nfc]),
        |config| {
            config.reset.transports = Some(vec![Transport::Usb]);
            config.reset.when = ResetTime::Never;
        },
        |config| config.identity.certifications = vec![("FIDO".into(), 1), ("FIDO".into(), 2)],
        |config| {
            config.pin.as_mut().unwrap().complexity_url = Some("https://example.com".into());
        },
    ];
    for (index, change) in wrong.into_iter().enumerate() {
        let mut config = Config::security_key();
        change(&mut config);
        assert!(config.validate().is_err(), "{index}");
    }
}

#[test]
fn every_preset_claims_what_holds_together() {
    for config in
        [Config::phone(), Config::platform(), Config::security_key(), Config::fingerprint_key()]
    {
        let lenient = config.verification.built_in.as_ref().is_some_and(|it| it.without_token);
        let modern = config.identity.versions.contains(&Version::Fido2_3);
        let mut rig = Rig::new(config);
        let info = rig.info();
        assert_eq!(check_claims(&info, lenient), Ok(()));
        assert!(info.versions.iter().all(|version| version.as_str() != "FIDO_2_2"));
        assert_eq!(modern, !lenient, "only phones are exempt, and they do not claim FIDO_2_3");
    }
}

#[test]
fn a_platform_gives_tokens_by_its_screen_lock_and_lets_passkeys_be_managed() {
    let mut rig = Rig::new(Config::platform());
    let info = rig.info();
    assert!(info.versions.contains(&Version::Fido2_3));
    assert_eq!((info.options.plat, info.options.uv), (Some(true), Some(true)));
    assert_eq!((info.options.client_pin, info.options.cred_mgmt), (None, Some(true)));
    let platform = Platform::agree(&mut rig, 2);
    assert!(platform.uv_token(&mut rig, Permissions::CM, None).is_ok());
    rig.person = Box::new(refusing);
    assert!(platform.uv_token(&mut rig, Permissions::CM, None).is_err());
}

#[test]
fn claims_that_contradict_each_other_are_found() {
    let info = Rig::new(Config::fingerprint_key()).info();
    assert_eq!(check_claims(&info, false), Ok(()));
    type Break = fn(&mut towline_ctap::GetInfo);
    let broken: [Break; 16] = [
        |info| info.versions.clear(),
        |info| info.versions.push(Version::Fido2_0),
        |info| info.options.pin_uv_auth_token = None,
        |info| info.options.cred_mgmt = None,
        |info| info.pin_uv_auth_protocols = Some(vec![1]),
        |info| info.extensions.as_mut().unwrap().retain(|id| id != "hmac-secret"),
        |info| info.extensions.as_mut().unwrap().retain(|id| id != "minPinLength"),
        |info| info.extensions.as_mut().unwrap().retain(|id| id != "credProtect"),
        |info| info.max_rp_ids_for_set_min_pin_length = None,
        |info| info.authenticator_config_commands = Some(vec![2]),
        |info| info.options.ep = Some(false),
        |info| {
            info.options.always_uv = Some(true);
            info.options.make_cred_uv_not_rqd = Some(true);
        },
        |info| {
            info.options.uv_bio_enroll =
                Some(true).filter(|_| info.options.bio_enroll.take().is_some())
        },
        |info| info.max_serialized_large_blob_array = None,
        |info| info.max_cred_blob_length = Some(31),
        |info| info.attestation_formats = Some(vec!["none".into()]),
    ];
    for (index, damage) in broken.into_iter().enumerate() {
        let mut info = info.clone();
        damage(&mut info);
        assert!(
            matches!(check_claims(&info, false), Err(ConfigError::Contradiction(_))),
            "{index}"
        );
    }
}
