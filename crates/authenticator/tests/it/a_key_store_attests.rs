//! Key stores that make attestation statements themselves, as a TPM does.

use crate::rig::*;
use std::sync::{Arc, Mutex};
use towline_authenticator::{
    Answer, AttestationFormat, Authenticator, Config, ConfigError, Custody, KeyError, KeyHandle,
    KeyStore, MemoryStore, NewKey, Purpose, Question, SoftwareKeys, Work,
};
use towline_ctap::{
    Aaguid, AttestationStatement, ClientDataHash, CosePublicKey, OtherAttestation, Status,
};

/// Keys in software that say of themselves what a TPM would say.
struct Vouching {
    keys: SoftwareKeys,
    later: bool,
    broken: bool,
    /// What was attested to, and which keys are gone.
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    auth_data: Vec<Vec<u8>>,
    forgotten: usize,
}

/// `{"ver": "2.0"}`
const STATEMENT: [u8; 9] = [0xa1, 0x63, b'v', b'e', b'r', 0x63, b'2', b'.', b'0'];

fn statement() -> AttestationStatement {
    AttestationStatement::Other(OtherAttestation::new("tpm", &STATEMENT).unwrap())
}

impl KeyStore for Vouching {
    fn algorithms(&self) -> Vec<i64> {
        self.keys.algorithms()
    }

    fn generate(&mut self, algorithm: i64) -> Work<NewKey, KeyError> {
        self.keys.generate(algorithm)
    }

    fn sign(&mut self, key: &KeyHandle, parts: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        self.keys.sign(key, parts)
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        self.keys.public_key(key)
    }

    fn custody(&self, key: &KeyHandle) -> Custody {
        self.keys.custody(key)
    }

    fn forget(&mut self, key: &KeyHandle) -> Work<(), KeyError> {
        self.seen.lock().unwrap().forgotten += 1;
        self.keys.forget(key)
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        self.keys.clear()
    }

    fn attestation_formats(&self) -> Vec<&'static str> {
        vec!["tpm"]
    }

    fn attest(
        &mut self,
        _: &KeyHandle,
        format: &str,
        auth_data: &[u8],
        client_data_hash: &ClientDataHash,
    ) -> Work<AttestationStatement, KeyError> {
        assert_eq!((format, client_data_hash), ("tpm", &CLIENT_DATA_HASH));
        self.seen.lock().unwrap().auth_data.push(auth_data.to_vec());
        if self.broken {
            return Work::failed(KeyError::Unavailable("told to".into()));
        }
        if self.later { Work::later(|| Ok(statement())) } else { Work::ready(statement()) }
    }
}

fn config() -> Config {
    let mut config = Config::phone().with_aaguid([7; 16].into());
    config.attestation.formats =
        vec![AttestationFormat::None, AttestationFormat::OfKeyStore("tpm")];
    config
}

fn rig(later: bool, broken: bool) -> (Rig, Arc<Mutex<Seen>>) {
    let provider = towline_crypto::rustcrypto::provider();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let keys = SoftwareKeys::new(provider.clone());
    let keys = Vouching { keys, later, broken, seen: seen.clone() };
    let store = MemoryStore::new();
    (Rig::with(config(), provider, store.clone(), store, keys), seen)
}

fn wants_tpm() -> towline_ctap::MakeCredentialRequest {
    let mut request = creation("example.org", "alice");
    request.attestation_formats_preference = vec!["tpm".into()];
    request
}

#[test]
fn a_format_that_the_key_store_does_not_make_can_not_be_claimed() {
    let provider = towline_crypto::rustcrypto::provider();
    let keys = SoftwareKeys::new(provider.clone());
    let made = Authenticator::new(config(), provider.clone(), MemoryStore::new(), keys);
    assert_eq!(made.unwrap_err(), ConfigError::NoAttestation("tpm"));
    let mut keys = SoftwareKeys::new(provider);
    assert_eq!(keys.attestation_formats(), Vec::<&str>::new());
    let Work::Done(Ok(key)) = keys.generate(-7) else { panic!() };
    let Work::Done(attested) = keys.attest(&key.handle, "tpm", &[], &CLIENT_DATA_HASH) else {
        panic!()
    };
    assert_eq!(attested, Err(KeyError::NoAttestation("tpm".into())));
}

#[test]
fn its_statement_is_about_the_very_response() {
    for later in [false, true] {
        let (mut rig, seen) = rig(later, false);
        assert_eq!(rig.info().attestation_formats, Some(vec!["tpm".into()]));
        let response = rig.create(&wants_tpm()).unwrap();
        assert_eq!(response.attestation, statement());
        assert_eq!(response.ep_att, None);
        assert_eq!(seen.lock().unwrap().auth_data, [response.auth_data]);
        assert_eq!(rig.store.len(), 1);
    }
}

#[test]
fn it_is_made_for_who_asks_for_it_only() {
    let (mut rig, seen) = rig(false, false);
    let response = rig.create(&creation("example.org", "alice")).unwrap();
    assert_eq!(response.attestation, AttestationStatement::None);
    assert!(seen.lock().unwrap().auth_data.is_empty());
    assert_eq!(rig.questions.len(), 1);
}

#[test]
fn as_it_may_identify_the_device_the_person_is_asked() {
    let (mut rig, seen) = rig(false, false);
    rig.person(|question| match question {
        Question::ConfirmPresence { purpose: Purpose::Identify { .. } } => Some(Answer::Deny),
        other => agreeable(other),
    });
    let response = rig.create(&wants_tpm()).unwrap();
    assert_eq!(rig.questions.len(), 2);
    assert_eq!(response.attestation, AttestationStatement::None);
    assert_eq!(data(&response.auth_data).attested.unwrap().aaguid, Aaguid::ZERO);
    assert!(seen.lock().unwrap().auth_data.is_empty());
}

#[test]
fn a_statement_that_fails_makes_no_credential_and_leaves_no_key() {
    let (mut rig, seen) = rig(false, true);
    assert_eq!(rig.create(&wants_tpm()).unwrap_err(), Status::Other);
    assert!(rig.store.is_empty());
    assert!(seen.lock().unwrap().forgotten > 0);
    rig.create(&creation("example.org", "alice")).unwrap();
}
