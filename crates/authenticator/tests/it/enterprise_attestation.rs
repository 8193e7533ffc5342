//! Enterprise attestation: who may have it, who turns it on, and that the person is asked.

use crate::rig::{
    platform::{Platform, PlatformToken},
    *,
};
use std::time::Duration;
use towline_authenticator::{
    Answer, AttestationFormat, Config, ConfigError, EnterpriseAttestation, KeyHandle, MemoryStore,
    Purpose, Question, ResetTime, SoftwareKeys,
};
use towline_ctap::{
    Aaguid, AttestationStatement, ConfigRequest, ConfigSubcommand, MakeCredentialResponse,
    Permissions, Request, Status, algorithm,
};
use zeroize::Zeroizing;

const PIN: &str = "correct horse";

/// Not a certificate, but with the extension for the serial number in it.
const LEAF: [u8; 17] =
    [0x30, 15, 0x06, 0x0b, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x02, 4, 0];

/// A security key that can say which one it is to `works.example`, and its public attestation key.
fn capable() -> (Config, Vec<u8>) {
    let provider = towline_crypto::rustcrypto::provider();
    let es256 = provider.signature(algorithm::ES256).unwrap();
    let key = es256.generate(&*provider.random).unwrap();
    let material = Zeroizing::new(key.private_bytes().unwrap().as_slice().into());
    let mut config = Config::security_key().with_aaguid([7; 16].into());
    config.reset.when = ResetTime::Always;
    config.attestation.enterprise = Some(EnterpriseAttestation {
        key: KeyHandle::new(algorithm::ES256, material),
        certificates: vec![LEAF.to_vec(), vec![0x30, 0]],
        vendor_rp_ids: vec![rp_id("works.example")],
        platform_managed: false,
    });
    (config, key.public_key().to_vec())
}

fn managed() -> Config {
    let (mut config, _) = capable();
    config.attestation.enterprise.as_mut().unwrap().platform_managed = true;
    config
}

fn enable(rig: &mut Rig, token: Option<&PlatformToken>) -> Result<(), Status> {
    let mut request = ConfigRequest::new(ConfigSubcommand::EnableEnterpriseAttestation);
    request.auth = token.map(|token| token.auth(rig, &request.authenticated_message()));
    rig.call(&Request::from(request)).map(|response| assert_eq!(response, [0x00]))
}

fn enabled(config: Config) -> Rig {
    let mut rig = Rig::new(config);
    enable(&mut rig, None).unwrap();
    rig.forget_past();
    rig
}

fn ask(rig: &mut Rig, rp: &str, kind: u64) -> Result<MakeCredentialResponse, Status> {
    let mut request = creation(rp, "alice");
    request.enterprise_attestation = Some(kind);
    rig.create(&request)
}

fn identified(response: &MakeCredentialResponse) -> bool {
    let certified = match &response.attestation {
        AttestationStatement::Packed(packed) => packed.x5c.is_some(),
        _ => false,
    };
    assert_eq!(response.ep_att, certified.then_some(true), "told by `epAtt`, and only then");
    certified
}

fn refuses_to_identify(question: &Question) -> Option<Answer> {
    match question {
        Question::ConfirmPresence { purpose: Purpose::Identify { .. } } => refusing(question),
        other => agreeable(other),
    }
}

#[test]
fn who_is_not_capable_refuses_whatever_the_value() {
    for config in [Config::security_key(), Config::phone(), Config::platform()] {
        let mut rig = Rig::new(config);
        for kind in [0, 1, 2, 3] {
            assert_eq!(ask(&mut rig, "works.example", kind), Err(Status::InvalidParameter));
        }
        assert!(rig.questions.is_empty() && rig.store.is_empty());
        assert_eq!(rig.info().options.ep, None);
    }
    let mut rig = Rig::new(Config::security_key());
    assert_eq!(enable(&mut rig, None), Err(Status::InvalidSubcommand));
}

#[test]
fn it_is_refused_until_it_is_enabled_whatever_the_value() {
    let mut rig = Rig::new(managed());
    assert_eq!(rig.info().options.ep, Some(false));
    for kind in [0, 1, 2, 3] {
        assert_eq!(ask(&mut rig, "works.example", kind), Err(Status::InvalidParameter));
    }
    assert!(rig.questions.is_empty() && rig.store.is_empty());
}

#[test]
fn values_that_mean_nothing_are_refused_before_anybody_is_asked() {
    let mut rig = enabled(managed());
    for kind in [0, 3, u64::MAX] {
        assert_eq!(ask(&mut rig, "works.example", kind), Err(Status::InvalidOption));
    }
    assert!(rig.questions.is_empty() && rig.store.is_empty());
}

#[test]
fn the_vendor_has_chosen_who_may_have_it() {
    let (config, public) = capable();
    let mut rig = enabled(config);
    assert_eq!(rig.info().options.ep, Some(true));
    // With the vendor's list alone both values mean the list.
    for kind in [1, 2] {
        let response = ask(&mut rig, "works.example", kind).unwrap();
        assert!(identified(&response));
        let AttestationStatement::Packed(statement) = response.attestation else { panic!() };
        assert_eq!(statement.x5c, Some(vec![LEAF.to_vec(), vec![0x30, 0]]));
        assert_eq!(statement.alg, algorithm::ES256);
        let message = [&response.auth_data[..], CLIENT_DATA_HASH.as_bytes()].concat();
        let es256 = rig.provider.signature(algorithm::ES256).unwrap();
        es256.verify(&public, &message, &statement.sig).unwrap();
        let attested = data(&response.auth_data).attested.unwrap();
        assert_eq!(attested.aaguid, Aaguid::new([7; 16]));
        for other in ["example.org", "sub.works.example", "example"] {
            let response = ask(&mut rig, other, kind).unwrap();
            assert!(!identified(&response), "{other}");
            assert!(response.attestation.is_self(), "it goes on as if nobody had asked");
        }
    }
}

#[test]
fn the_platform_may_choose_where_the_device_lets_it() {
    let mut rig = enabled(managed());
    assert!(identified(&ask(&mut rig, "works.example", 1).unwrap()));
    assert!(!identified(&ask(&mut rig, "example.org", 1).unwrap()), "not on the vendor's list");
    assert!(identified(&ask(&mut rig, "example.org", 2).unwrap()));
    let mut config = managed();
    config.attestation.enterprise.as_mut().unwrap().vendor_rp_ids.clear();
    let mut rig = enabled(config);
    assert!(!identified(&ask(&mut rig, "works.example", 1).unwrap()));
    assert!(identified(&ask(&mut rig, "works.example", 2).unwrap()));
}

#[test]
fn who_does_not_ask_for_it_does_not_get_it() {
    let mut rig = enabled(managed());
    let response = rig.create(&creation("works.example", "alice")).unwrap();
    assert!(!identified(&response));
    assert_eq!(rig.questions.len(), 1);
}

#[test]
fn the_person_is_asked_and_told_that_the_device_is_identified() {
    let mut rig = enabled(managed());
    ask(&mut rig, "works.example", 1).unwrap();
    let [Question::ConfirmPresence { purpose: Purpose::Create { .. } }, second] =
        &rig.questions[..]
    else {
        panic!("{:?}", rig.questions)
    };
    let text = second.to_string();
    assert!(text.starts_with("Let works.example know exactly which device"));
    rig.forget_past();
    ask(&mut rig, "example.org", 1).unwrap();
    assert_eq!(rig.questions.len(), 1, "what is not granted is not asked");
}

#[test]
fn without_consent_the_ordinary_attestation_is_made_if_it_tells_nothing() {
    let mut rig = enabled(managed());
    rig.person(refuses_to_identify);
    let response = ask(&mut rig, "works.example", 2).unwrap();
    assert!(!identified(&response));
    assert!(response.attestation.is_self());
    assert_eq!(rig.questions.len(), 2);
}

#[test]
fn without_consent_not_even_the_model_is_told() {
    let mut config = managed();
    let enterprise = config.attestation.enterprise.clone().unwrap();
    config.attestation.formats = vec![AttestationFormat::PackedBasic];
    config.attestation.batch = Some(towline_authenticator::BatchAttestation {
        key: enterprise.key,
        certificates: vec![vec![0x30, 1]],
    });
    let mut rig = enabled(config);
    rig.person(refuses_to_identify);
    let response = ask(&mut rig, "works.example", 2).unwrap();
    assert!(!identified(&response));
    assert_eq!(response.attestation, AttestationStatement::None);
    assert_eq!(data(&response.auth_data).attested.unwrap().aaguid, Aaguid::ZERO);
    assert_eq!(rig.questions.len(), 2, "who said no to more is not asked for less");
}

#[test]
fn nobody_there_to_consent_makes_no_credential() {
    let mut rig = enabled(managed());
    rig.person(|question| match question {
        Question::ConfirmPresence { purpose: Purpose::Identify { .. } } => None,
        other => agreeable(other),
    });
    let mut request = creation("works.example", "alice");
    request.enterprise_attestation = Some(1);
    rig.send(HOME, &Request::from(request).encode());
    rig.pass(Duration::from_secs(60));
    assert_eq!(rig.status(), Status::OperationDenied);
    assert!(rig.store.is_empty() && rig.open.is_empty());
}

#[test]
fn a_client_that_would_rather_have_none_gets_none_unasked() {
    let mut rig = enabled(managed());
    let mut request = creation("works.example", "alice");
    request.enterprise_attestation = Some(1);
    for (preference, identifies) in
        [(vec!["none"], false), (vec!["tpm", "packed"], true), (vec!["tpm"], true)]
    {
        request.attestation_formats_preference = preference.into_iter().map(String::from).collect();
        let response = rig.create(&request).unwrap();
        assert_eq!(identified(&response), identifies);
    }
    assert_eq!(rig.questions.len(), 1 + 2 + 2);
}

#[test]
fn enabling_it_needs_the_permission_to_configure() {
    let mut rig = Rig::new(managed());
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    assert_eq!(enable(&mut rig, None), Err(Status::PuatRequired));
    let platform = Platform::agree(&mut rig, 2);
    let other = platform.pin_token(&mut rig, PIN, Permissions::CM, None).unwrap();
    assert_eq!(enable(&mut rig, Some(&other)), Err(Status::PinAuthInvalid));
    assert_eq!(rig.info().options.ep, Some(false));
    let token = platform.pin_token(&mut rig, PIN, Permissions::ACFG, None).unwrap();
    enable(&mut rig, Some(&token)).unwrap();
    enable(&mut rig, Some(&token)).unwrap();
    assert_eq!(rig.info().options.ep, Some(true), "once more changes nothing");
}

#[test]
fn it_stays_on_until_a_reset() {
    let rig = enabled(managed());
    let mut rig = Rig::over(managed(), rig.store);
    rig.power_up();
    assert_eq!(rig.info().options.ep, Some(true));
    assert!(identified(&ask(&mut rig, "works.example", 1).unwrap()));
    rig.call(&Request::Reset).unwrap();
    assert_eq!(rig.info().options.ep, Some(false), "the capability stays");
    assert_eq!(ask(&mut rig, "works.example", 1), Err(Status::InvalidParameter));
}

#[test]
fn a_store_that_fails_does_not_enable_it() {
    let fuse = Fuse::default();
    let memory = MemoryStore::new();
    let store = RiggedStore::fragile(memory.clone(), &fuse);
    let keys = SoftwareKeys::new(towline_crypto::rustcrypto::provider());
    let provider = towline_crypto::rustcrypto::provider();
    let mut rig = Rig::with(managed(), provider, memory, store, keys);
    rig.info();
    fuse.blow_at(Some(0));
    assert_eq!(enable(&mut rig, None), Err(Status::Other));
    fuse.blow_at(None);
    assert_eq!(rig.info().options.ep, Some(false));
    enable(&mut rig, None).unwrap();
    assert_eq!(rig.info().options.ep, Some(true));
}

#[test]
fn a_key_that_can_not_sign_makes_no_credential() {
    let fuse = Fuse::default();
    let provider = fragile_provider(&fuse);
    let memory = MemoryStore::new();
    let keys = RiggedKeys::fragile(provider.clone(), &fuse);
    let mut config = managed();
    config.credentials.non_discoverable = towline_authenticator::NonDiscoverable::Stored;
    let mut rig = Rig::with(config, provider, memory.clone(), memory, keys);
    enable(&mut rig, None).unwrap();
    fuse.blow_at(None);
    ask(&mut rig, "works.example", 1).unwrap();
    let last = fuse.used() - 1;
    fuse.blow_at(Some(last));
    let mut request = creation("works.example", "bob");
    request.enterprise_attestation = Some(1);
    rig.create(&request).unwrap_err();
    fuse.blow_at(None);
    assert_eq!(rig.store.len(), 1);
}

#[test]
fn the_formats_that_are_claimed_include_its_own() {
    let mut config = managed();
    config.attestation.formats = vec![AttestationFormat::None];
    assert_eq!(Rig::new(config).info().attestation_formats, Some(vec!["packed".into()]));
    let info = Rig::new(managed()).info();
    assert!(info.authenticator_config_commands.unwrap().contains(&1));
    assert_eq!(info.options.authnr_cfg, Some(true));
}

#[test]
fn a_config_without_the_means_for_it_is_refused() {
    let needs = |change: fn(&mut Config)| {
        let (mut config, _) = capable();
        assert_eq!(config.validate(), Ok(()));
        change(&mut config);
        match config.validate() {
            Err(ConfigError::Needs { feature: "attestation.enterprise", needs }) => needs,
            other => panic!("{other:?}"),
        }
    };
    let certificate = "a certificate with the extension for the serial number";
    assert_eq!(needs(|c| enterprise(c).certificates.clear()), certificate);
    assert_eq!(needs(|c| enterprise(c).certificates.swap(0, 1)), certificate);
    assert_eq!(
        needs(|c| enterprise(c).vendor_rp_ids.clear()),
        "`vendor_rp_ids` or `platform_managed`"
    );
    assert_eq!(
        needs(|config| {
            *config = Config::phone();
            config.attestation.enterprise = managed().attestation.enterprise;
        }),
        "PIN/UV tokens"
    );
    let (mut config, _) = capable();
    enterprise(&mut config).vendor_rp_ids.push(rp_id("works.example"));
    let repeated = ConfigError::Repeated("attestation.enterprise.vendor_rp_ids");
    assert_eq!(config.validate(), Err(repeated));
}

fn enterprise(config: &mut Config) -> &mut EnterpriseAttestation {
    config.attestation.enterprise.as_mut().unwrap()
}
