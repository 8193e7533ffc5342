//! The test vectors of WebAuthn L3 §16: they are read and written unchanged, they verify, and with
//! the same keys, ids and client data the same bytes come out.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use crate::rig::*;
use serde_json::Value;
use towline_authenticator::{
    AttestationFormat, BackupState, BatchAttestation, Config, KeyHandle, MemoryStore, SoftwareKeys,
};
use towline_cbor::{Error, Key, Reader, Writer, decode};
use towline_crypto::{CryptoProvider, Random, rustcrypto::provider};
use towline_ctap::{
    Aaguid, AttestationStatement, AuthenticatorData, ClientDataHash, CosePublicKey,
    FidoU2fAttestation, Flags, MESSAGE_DEPTH, MakeCredentialResponse, algorithm,
    attestation_object,
};
use towline_testkit::hex;
use zeroize::Zeroizing;

/// One vector.
struct Vector(Value);

fn vectors() -> Vec<Vector> {
    let text = include_str!("../../../../tests/vectors/webauthn.json");
    let Value::Object(mut groups) = serde_json::from_str(text).unwrap() else { panic!() };
    let mut all = Vec::new();
    for group in ["published", "derived"] {
        let Some(Value::Array(group)) = groups.remove(group) else { panic!() };
        all.extend(group.into_iter().map(Vector));
    }
    assert_eq!(all.len(), 13);
    all
}

/// The parts of an attestation object, the statement as it is.
fn open(object: &[u8]) -> (String, Vec<u8>, Vec<u8>) {
    let mut parts = (String::new(), Vec::new(), Vec::new());
    decode(object, MESSAGE_DEPTH, |reader: &mut Reader<'_>| {
        reader.map(|key, value| {
            match key {
                Key::Text("fmt") => parts.0 = value.text()?.into(),
                Key::Text("attStmt") => parts.1 = value.raw()?.into(),
                Key::Text("authData") => parts.2 = value.bytes()?.into(),
                _ => panic!("{key:?}"),
            }
            Ok::<(), Error>(())
        })
    })
    .unwrap();
    parts
}

impl Vector {
    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    fn bytes(&self, pointer: &str) -> Vec<u8> {
        hex(self.text(pointer))
    }

    fn name(&self) -> &str {
        self.text("/name")
    }

    fn algorithm(&self) -> i64 {
        self.0["algorithm"].as_i64().unwrap()
    }

    fn hash(&self, pointer: &str) -> ClientDataHash {
        ClientDataHash::new(provider().sha256.hash(&[self.text(pointer).as_bytes()]))
    }

    fn object(&self) -> Vec<u8> {
        self.bytes("/attestation_object")
    }

    /// The registration, as CTAP has it.
    fn registration(&self) -> MakeCredentialResponse {
        let (format, statement, auth_data) = open(&self.object());
        let mut writer = Writer::from_vec(vec![0]);
        writer.map(|map| {
            map.entry(1, |w| w.text(&format));
            map.entry(2, |w| w.bytes(&auth_data));
            map.entry(3, |w| w.raw(&statement));
        });
        MakeCredentialResponse::decode(&writer.into_vec()).unwrap()
    }

    fn public_key(&self) -> CosePublicKey {
        data(&self.registration().auth_data).attested.unwrap().public_key
    }

    /// The public half of the key that vouches for the model.
    fn attestation_key(&self) -> Vec<u8> {
        let es256 = provider().signature(algorithm::ES256).unwrap();
        es256.load(&self.bytes("/attestation_private_key")).unwrap().public_key().to_vec()
    }
}

#[test]
fn each_is_read_and_written_unchanged() {
    for vector in vectors() {
        let name = vector.name();
        let response = vector.registration();
        assert!(!matches!(response.attestation, AttestationStatement::Other(_)), "{name}");
        assert_eq!(response.attestation.format(), vector.text("/format"), "{name}");
        let object = attestation_object(&response.attestation, &response.auth_data);
        assert_eq!(object, vector.object(), "{name}");
        let made = AuthenticatorData::decode(&response.auth_data).unwrap();
        assert_eq!(made.encode(), response.auth_data, "{name}");
        let attested = made.attested.unwrap();
        assert_eq!(attested.credential_id.as_bytes(), vector.bytes("/credential_id"), "{name}");
        assert_eq!(attested.aaguid.as_bytes(), &*vector.bytes("/aaguid"), "{name}");
        assert_eq!(attested.public_key.algorithm(), Some(vector.algorithm()), "{name}");
        let used = vector.bytes("/assertion/authenticator_data");
        assert_eq!(AuthenticatorData::decode(&used).unwrap().encode(), used, "{name}");
        // Not one byte less or more.
        let whole = &response.auth_data;
        assert!(AuthenticatorData::decode(&whole[..whole.len() - 1]).is_err(), "{name}");
        assert!(AuthenticatorData::decode(&[&whole[..], &[0]].concat()).is_err(), "{name}");
    }
}

#[test]
fn each_signature_verifies_and_is_for_nothing_else() {
    let (mut statements, mut assertions) = (0, 0);
    let check = |alg: i64, key: &[u8], message: &[u8], signature: &[u8]| {
        let Some(algorithm) = provider().signature(alg) else { return false };
        algorithm.verify(key, message, signature).unwrap();
        let mut other = message.to_vec();
        *other.last_mut().unwrap() ^= 1;
        assert!(algorithm.verify(key, &other, signature).is_err());
        true
    };
    for vector in vectors() {
        let response = vector.registration();
        let hash = vector.hash("/client_data_json");
        let message = [&response.auth_data[..], hash.as_bytes()].concat();
        let own = vector.public_key();
        let plain = own.to_plain().unwrap();
        statements += usize::from(match response.attestation {
            AttestationStatement::None => false,
            AttestationStatement::Packed(statement) => {
                let key = match statement.x5c {
                    Some(x5c) => {
                        assert_eq!(x5c, [vector.bytes("/attestation_certificate")]);
                        vector.attestation_key()
                    }
                    None => plain.clone(),
                };
                check(statement.alg, &key, &message, &statement.sig)
            }
            AttestationStatement::FidoU2f(statement) => {
                let made = data(&response.auth_data);
                let id = made.attested.unwrap().credential_id;
                let hash = vector.hash("/client_data_json");
                let message =
                    FidoU2fAttestation::signed_message(&made.rp_id_hash, &hash, &id, &own);
                let key = vector.attestation_key();
                check(algorithm::ES256, &key, &message.unwrap(), &statement.sig)
            }
            other => panic!("{other:?}"),
        });
        let hash = vector.hash("/assertion/client_data_json");
        let message =
            [&vector.bytes("/assertion/authenticator_data")[..], hash.as_bytes()].concat();
        let signature = vector.bytes("/assertion/signature");
        assertions += usize::from(check(vector.algorithm(), &plain, &message, &signature));
    }
    // This provider has no RS256, which has two vectors: one attested by another key, one by
    // itself.
    assert_eq!((statements, assertions), (8, 11));
}

/// Randomness that was written down before.
struct Scripted(Mutex<VecDeque<Vec<u8>>>);

impl Random for Scripted {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), towline_crypto::Error> {
        buffer.copy_from_slice(&self.0.lock().unwrap().pop_front().expect("no more is drawn"));
        Ok(())
    }
}

/// An authenticator that gives the flags UV, BE and BS as these have them, and knows what is drawn.
fn scripted(config: Config, flags: Flags, store: &MemoryStore, random: Vec<Vec<u8>>) -> Rig {
    let mut config =
        config.with_backup(match [Flags::BE, Flags::BS].map(|it| flags.contains(it)) {
            [false, false] => BackupState::DeviceBound,
            [true, false] => BackupState::Eligible,
            [true, true] => BackupState::BackedUp,
            [false, true] => panic!("BS without BE"),
        });
    let verified = flags.contains(Flags::UV);
    if !verified {
        config.verification.built_in = None;
    }
    config.verification.unasked = verified;
    let random = Arc::new(Scripted(Mutex::new(random.into())));
    let provider = CryptoProvider { random, ..provider() };
    let keys = SoftwareKeys::new(provider.clone());
    Rig::with(config, provider, store.clone(), store.clone(), keys)
}

#[test]
fn the_same_keys_and_client_data_give_the_same_bytes() {
    let mut reproduced = 0;
    for vector in vectors() {
        let name = vector.name();
        let id = vector.bytes("/credential_id");
        // There is no RS256 here, and our ids have 32 bytes.
        if vector.algorithm() == algorithm::RS256 || id.len() != 32 {
            continue;
        }
        let mut config = Config::phone()
            .with_aaguid(Aaguid::new(vector.bytes("/aaguid").try_into().unwrap()))
            .with_algorithms(&[vector.algorithm()]);
        let with_certificate = vector.0.get("attestation_certificate").is_some();
        config.attestation.formats = vec![match (vector.text("/format"), with_certificate) {
            ("none", false) => AttestationFormat::None,
            ("packed", false) => AttestationFormat::PackedSelf,
            ("packed", true) => AttestationFormat::PackedBasic,
            ("fido-u2f", true) => AttestationFormat::FidoU2f,
            other => panic!("{other:?}"),
        }];
        config.attestation.batch = with_certificate.then(|| BatchAttestation {
            key: KeyHandle::new(
                algorithm::ES256,
                Zeroizing::new(vector.bytes("/attestation_private_key").into()),
            ),
            certificates: vec![vector.bytes("/attestation_certificate")],
        });
        let expected = vector.registration();
        let store = MemoryStore::new();
        // After the id, in the same breath, a secret that nothing asks for here.
        let random = vec![vector.bytes("/credential_private_key"), [&id[..], &[0; 32]].concat()];
        let flags = data(&expected.auth_data).flags;
        let mut rig = scripted(config.clone(), flags, &store, random);
        let mut request = creation("example.org", "alice");
        request.client_data_hash = vector.hash("/client_data_json");
        request.pub_key_cred_params = vec![vector.algorithm()];
        let response = rig.create(&request).unwrap();
        if vector.text("/format") == "fido-u2f" {
            // The vector has an AAGUID, where CTAP 2.3 has none for this format; it is not signed.
            let mut without = data(&expected.auth_data);
            without.attested.as_mut().unwrap().aaguid = Aaguid::ZERO;
            assert_eq!(response.auth_data, without.encode(), "{name}");
            assert_eq!(response.attestation, expected.attestation, "{name}");
        } else {
            let object = attestation_object(&response.attestation, &response.auth_data);
            assert_eq!(object, vector.object(), "{name}");
        }

        let expected = vector.bytes("/assertion/authenticator_data");
        let mut rig = scripted(config, data(&expected).flags, &store, Vec::new());
        let mut request = assertion("example.org");
        request.client_data_hash = vector.hash("/assertion/client_data_json");
        request.allow_list = Some(listing(&made(&response).0));
        let used = rig.sign_in(&request).unwrap();
        assert_eq!(used.auth_data, expected, "{name}");
        assert_eq!(used.signature, vector.bytes("/assertion/signature"), "{name}");
        reproduced += 1;
    }
    assert_eq!(reproduced, 10);
}
