//! RS256 through the whole authenticator: made by a job, attested with its own key, signed with.

use towline_authenticator::{Config, MemoryStore, SoftwareKeys};
use towline_crypto::CryptoProvider;
use towline_crypto_aws_lc::provider;
use towline_ctap::{
    AttestationStatement, AuthenticatorData, CosePublicKey, GetAssertionResponse,
    MakeCredentialRequest, MakeCredentialResponse, Request, algorithm,
};
use towline_testkit::rig::{self, CLIENT_DATA_HASH, HOME, Rig};

/// Every question is agreed to, every job run. Gives the response, and how many jobs there were.
fn call(rig: &mut Rig, request: impl Into<Request>) -> (Vec<u8>, usize) {
    let (request, mut jobs) = (request.into(), 0_usize);
    rig.works = false;
    rig.send(HOME, &request.encode());
    while !rig.jobs.is_empty() {
        jobs = jobs.saturating_add(1);
        rig.work();
    }
    (rig.response(), jobs)
}

fn security_key(store: &MemoryStore) -> Rig {
    let keys = SoftwareKeys::new(provider());
    Rig::with(Config::security_key(), provider(), store.clone(), store.clone(), keys)
}

fn creation(params: Vec<i64>) -> MakeCredentialRequest {
    let mut request = rig::creation("example.org", "alice");
    request.pub_key_cred_params = params;
    request.options.rk = Some(true);
    request
}

fn verify(provider: &CryptoProvider, key: &CosePublicKey, auth_data: &[u8], signature: &[u8]) {
    let rs256 = provider.signature(algorithm::RS256).unwrap();
    let message = [auth_data, CLIENT_DATA_HASH.as_bytes()].concat();
    let plain = key.to_plain().unwrap();
    rs256.verify(&plain, &message, signature).unwrap();
    let other = [auth_data, &[0; 32]].concat();
    rs256.verify(&plain, &other, signature).unwrap_err();
}

#[test]
fn an_rs256_credential_is_made_and_used_after_a_restart_too() {
    let store = MemoryStore::new();
    let mut key = security_key(&store);
    let (response, jobs) = call(&mut key, creation(vec![algorithm::RS256, algorithm::ES256]));
    assert_eq!(jobs, 1, "the key is made where blocking is allowed");
    let made = MakeCredentialResponse::decode(&response).unwrap();
    let attested = AuthenticatorData::decode(&made.auth_data).unwrap().attested.unwrap();
    let CosePublicKey::Rsa { alg: algorithm::RS256, n, e } = &attested.public_key else {
        panic!("{:?}", attested.public_key)
    };
    assert_eq!((n.len(), e.as_slice()), (256, &[1, 0, 1][..]));
    assert_eq!(attested.credential_id.as_bytes().len(), 32);
    let AttestationStatement::Packed(statement) = &made.attestation else { panic!() };
    assert_eq!((statement.alg, &statement.x5c), (algorithm::RS256, &None));
    verify(&provider(), &attested.public_key, &made.auth_data, &statement.sig);
    for mut key in [key, security_key(&store)] {
        let (response, jobs) = call(&mut key, rig::assertion("example.org"));
        assert_eq!(jobs, 0, "to sign takes no job");
        let used = GetAssertionResponse::decode(&response).unwrap();
        verify(&provider(), &attested.public_key, &used.auth_data, &used.signature);
    }
}

#[test]
fn the_relying_party_chooses_among_all_algorithms_of_the_provider() {
    let mut key = security_key(&MemoryStore::new());
    let all = provider().signatures.iter().map(|known| known.cose_algorithm());
    let mut order: Vec<i64> = all.collect();
    for _ in 0..order.len() {
        order.rotate_left(1);
        let made = MakeCredentialResponse::decode(&call(&mut key, creation(order.clone())).0);
        let attested = AuthenticatorData::decode(&made.unwrap().auth_data).unwrap().attested;
        assert_eq!(attested.unwrap().public_key.algorithm(), order.first().copied());
    }
}

/// The test vector of WebAuthn L3 §16.10, whose modulus has 3482 bits.
#[test]
fn the_rs256_vectors_of_the_standard_verify() {
    let text = include_str!("../../../../tests/vectors/webauthn.json");
    let file: serde_json::Value = serde_json::from_str(text).unwrap();
    let bytes = |hex: &serde_json::Value| -> Vec<u8> {
        let digits: Vec<char> = hex.as_str().unwrap().chars().collect();
        let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    };
    let rs256 = provider().signature(algorithm::RS256).unwrap();
    for pointer in ["/published/7", "/derived/2"] {
        let vector = file.pointer(pointer).unwrap();
        assert_eq!(vector.pointer("/algorithm").unwrap(), algorithm::RS256);
        let at = |pointer: &str| bytes(vector.pointer(pointer).unwrap());
        let hash = |pointer: &str| {
            let json = vector.pointer(pointer).unwrap().as_str().unwrap();
            provider().sha256.hash(&[json.as_bytes()])
        };
        // The authenticator data end the object, and the key ends them.
        let object = at("/attestation_object");
        let rp_id_hash = provider().sha256.hash(&[b"example.org"]);
        let start = object.windows(32).rposition(|part| part == rp_id_hash).unwrap();
        let (before, auth_data) = object.split_at(start);
        let data = AuthenticatorData::decode(auth_data).unwrap();
        assert_eq!(data.encode(), auth_data);
        let key = data.attested.unwrap().public_key.to_plain().unwrap();
        let signed =
            [&at("/assertion/authenticator_data")[..], &hash("/assertion/client_data_json")];
        let signature = at("/assertion/signature");
        rs256.verify(&key, &signed.concat(), &signature).unwrap();
        rs256.verify(&key, auth_data, &signature).unwrap_err();
        if pointer == "/derived/2" {
            // Self attestation: the signature stands before the text "hauthDataY" and a length of
            // two bytes.
            let signature = before.get(before.len() - 12 - 436..before.len() - 12).unwrap();
            let signed = [auth_data, &hash("/client_data_json")].concat();
            rs256.verify(&key, &signed, signature).unwrap();
        }
    }
}
