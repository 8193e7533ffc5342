//! ML-DSA from a client on a socket to the authenticator and back: public keys and signatures of
//! kilobytes.

use towline_authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
use towline_crypto::rustcrypto::provider;
use towline_ctap::{
    AttestationStatement, AuthenticatorData, ClientDataHash, CosePublicKey, GetAssertionRequest,
    GetAssertionResponse, MakeCredentialRequest, MakeCredentialResponse,
    PublicKeyCredentialDescriptor, Request, Rp, RpId, Status, User, UserHandle, algorithm,
};
use towline_ctaphid_socket::{Door, Endpoint};
use towline_ctaphid_tokio::{Nobody, SecurityKey};
use towline_testkit::hid::Client;

const CLIENT_DATA_HASH: ClientDataHash = ClientDataHash::new([0xcd; 32]);

/// A key that is touched at once, at a socket of its own.
async fn key(config: Config) -> Endpoint {
    let keys = SoftwareKeys::new(provider());
    let authenticator = Authenticator::new(config, provider(), MemoryStore::new(), keys).unwrap();
    let key = SecurityKey::new();
    let mut door = Door::new(key.reports());
    let endpoint = door.listen(&"tcp:127.0.0.1:0".parse().unwrap()).await.unwrap();
    tokio::spawn(async move {
        let _open = door;
        match key.run_simulated(authenticator, Nobody).await {}
    });
    endpoint
}

fn creation(params: Vec<i64>) -> MakeCredentialRequest {
    let rp = Rp { id: RpId::new("example.org").unwrap(), name: None };
    let user = User { id: UserHandle::new(b"alice").unwrap(), name: None, display_name: None };
    MakeCredentialRequest::new(CLIENT_DATA_HASH, rp, user, params)
}

fn verify(key: &CosePublicKey, auth_data: &[u8], signature: &[u8]) {
    let algorithm = provider().signature(key.algorithm().unwrap()).unwrap();
    let message = [auth_data, CLIENT_DATA_HASH.as_bytes()].concat();
    let plain = key.to_plain().unwrap();
    algorithm.verify(&plain, &message, signature).unwrap();
    let other = [auth_data, &[0; 32]].concat();
    algorithm.verify(&plain, &other, signature).unwrap_err();
}

async fn call(client: &mut Client, request: impl Into<Request>) -> Vec<u8> {
    client.request(&request.into().encode()).await
}

async fn make_and_use(client: &mut Client, alg: i64, public: usize, signature: usize) {
    let response = call(client, creation(vec![alg, algorithm::ES256])).await;
    assert!(response.len() > public + signature);
    let made = MakeCredentialResponse::decode(&response).unwrap();
    let attested = AuthenticatorData::decode(&made.auth_data).unwrap().attested.unwrap();
    let CosePublicKey::Akp { public: bytes, .. } = &attested.public_key else { panic!() };
    assert_eq!(bytes.len(), public);
    // The id holds the key's seed, not the expanded key of kilobytes.
    assert!(attested.credential_id.as_bytes().len() <= 255);
    let AttestationStatement::Packed(statement) = &made.attestation else { panic!() };
    assert_eq!((statement.alg, statement.sig.len()), (alg, signature));
    verify(&attested.public_key, &made.auth_data, &statement.sig);

    let mut request = GetAssertionRequest::new(RpId::new("example.org").unwrap(), CLIENT_DATA_HASH);
    request.allow_list = Some(vec![PublicKeyCredentialDescriptor::new(attested.credential_id)]);
    let used = GetAssertionResponse::decode(&call(client, request).await).unwrap();
    assert_eq!(used.signature.len(), signature);
    verify(&attested.public_key, &used.auth_data, &used.signature);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_of_ml_dsa_are_made_and_used_over_ctaphid() {
    let all = [algorithm::ML_DSA_65, algorithm::ML_DSA_44, algorithm::ES256];
    let endpoint = key(Config::security_key().with_algorithms(&all)).await;
    let mut client = Client::connect(&endpoint).await;
    make_and_use(&mut client, algorithm::ML_DSA_44, 1312, 2420).await;
    make_and_use(&mut client, algorithm::ML_DSA_65, 1952, 3309).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_told_to_does_not_make_a_draft_algorithm() {
    let endpoint = key(Config::security_key()).await;
    let mut client = Client::connect(&endpoint).await;
    let refused = call(&mut client, creation(vec![algorithm::ML_DSA_44])).await;
    assert_eq!(refused, [Status::UnsupportedAlgorithm.to_u8()]);
}
