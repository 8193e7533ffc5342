//! The client and the authenticator of this project, with a person who agrees to everything: the
//! whole ceremony, and the signatures checked as a relying party would.

use std::{
    future::{pending, ready},
    time::Instant,
};

use serde_json::{Value, json};
use towline_authenticator::Config;
use towline_client::{Account, BoxFuture, Channel, ChannelError, Environment, Error, create, get};
use towline_crypto::rustcrypto;
use towline_ctap::{
    AttestationStatement, AuthenticatorData, CosePublicKey, Flags, MakeCredentialResponse,
    Transport, Version,
};
use towline_testkit::rig::{HOME, Rig, refusing};

use crate::scripted::*;

/// An authenticator in the same process, and its person.
pub(crate) struct Device {
    pub(crate) rig: Rig,
    transport: Transport,
    pub(crate) requests: usize,
    /// The last response.
    response: Vec<u8>,
}

impl Device {
    pub(crate) fn new(mut config: Config, transport: Transport) -> Self {
        // What is verified here is ES256, whatever else the site would take.
        config.credentials.algorithms = vec![-7];
        Self { rig: Rig::new(config), transport, requests: 0, response: Vec::new() }
    }

    pub(crate) fn phone() -> Self {
        Self::new(Config::phone(), Transport::Hybrid)
    }

    pub(crate) fn key() -> Self {
        Self::new(Config::security_key(), Transport::Usb)
    }
}

impl Channel for Device {
    fn transport(&self) -> Transport {
        self.transport.clone()
    }

    fn get_info(&mut self) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move {
            let response = self.transact(vec![0x04]).await?;
            self.requests -= 1;
            Ok(response[1..].to_vec())
        })
    }

    fn transact(&mut self, request: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        self.requests += 1;
        self.rig.transport = Some(self.transport.clone());
        self.rig.send(HOME, &request);
        self.response = self.rig.response();
        Box::pin(ready(Ok(self.response.clone())))
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        self.rig.cancel(HOME);
        Box::pin(ready(()))
    }
}

/// A computer whose person takes the account at this place of the list.
struct Computer(usize);

impl Environment for Computer {
    fn sleep_until(&self, _deadline: Instant) -> BoxFuture<'_, ()> {
        Box::pin(async move { pending().await })
    }

    fn choose<'a>(&'a self, _accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(async move { Some(self.0) })
    }
}

pub(crate) async fn register(device: &mut Device, options: Value) -> Result<Value, Error> {
    let json = create(&client(), device, &Computer(0), &caller(), &options.to_string()).await?;
    Ok(serde_json::from_str(&json).unwrap())
}

pub(crate) async fn sign_in(
    device: &mut Device,
    options: Value,
    choice: usize,
) -> Result<Value, Error> {
    let json = get(&client(), device, &Computer(choice), &caller(), &options.to_string()).await?;
    Ok(serde_json::from_str(&json).unwrap())
}

fn discoverable(user: u8) -> Value {
    let mut options = creation();
    options["user"]["id"] = b64(&[user]).into();
    options["authenticatorSelection"] = json!({"residentKey": "required"});
    options["extensions"] = json!({"credProps": true});
    options
}

fn public_key(registration: &Value) -> CosePublicKey {
    let data = unb64(&registration["response"]["authenticatorData"]);
    AuthenticatorData::decode(&data).unwrap().attested.unwrap().public_key
}

/// Checks an assertion against a registration as a relying party would, and returns the flags.
pub(crate) fn verify(registration: &Value, assertion: &Value) -> Flags {
    let provider = rustcrypto::provider();
    let response = &assertion["response"];
    let data = unb64(&response["authenticatorData"]);
    let hash = provider.sha256.hash(&[&unb64(&response["clientDataJSON"])]);
    let point = public_key(registration).p256_point().unwrap();
    let es256 = provider.signature(-7).unwrap();
    es256.verify(&point, &[&data[..], &hash].concat(), &unb64(&response["signature"])).unwrap();
    assert_eq!(assertion["id"], registration["id"]);
    AuthenticatorData::decode(&data).unwrap().flags
}

#[tokio::test]
async fn a_passkey_made_on_a_phone_signs_in_with_and_without_a_list() {
    let mut phone = Device::phone();
    let registration = register(&mut phone, discoverable(1)).await.unwrap();
    assert_eq!(registration["clientExtensionResults"], json!({"credProps": {"rk": true}}));
    assert_eq!(registration["response"]["transports"], json!(["hybrid", "internal"]));

    let assertion = sign_in(&mut phone, request(), 0).await.unwrap();
    assert!(verify(&registration, &assertion).contains(Flags::UP | Flags::UV));
    assert_eq!(unb64(&assertion["response"]["userHandle"]), [1]);

    let id = unb64(&registration["id"]);
    let options = with(request(), "allowCredentials", json!([listed(&[9; 20]), listed(&id)]));
    let assertion = sign_in(&mut phone, options, 0).await.unwrap();
    assert!(verify(&registration, &assertion).contains(Flags::UP | Flags::UV));
}

#[tokio::test]
async fn a_credential_of_a_security_key_signs_in_by_its_id() {
    let mut key = Device::key();
    let options =
        with(creation(), "authenticatorSelection", json!({"userVerification": "discouraged"}));
    let registration = register(&mut key, options).await.unwrap();
    let id = unb64(&registration["id"]);
    let options = with(request(), "allowCredentials", json!([listed(&id)]));
    let assertion = sign_in(&mut key, options, 0).await.unwrap();
    let flags = verify(&registration, &assertion);
    assert!(flags.contains(Flags::UP) && !flags.contains(Flags::UV));
}

#[tokio::test]
async fn a_passkey_of_a_phone_gives_a_site_the_same_secrets_each_time() {
    let prf = |options, inputs: &Value| with(options, "extensions", json!({ "prf": inputs }));
    let results = |response: &Value| response["clientExtensionResults"]["prf"]["results"].clone();
    let inputs = json!({"eval": {"first": b64(b"one"), "second": b64(b"two")}});
    let mut phone = Device::phone();
    let registration = register(&mut phone, prf(discoverable(1), &inputs)).await.unwrap();
    assert_eq!(registration["clientExtensionResults"]["prf"]["enabled"], true);
    let secrets = results(&registration);
    assert_ne!(secrets["first"], secrets["second"]);

    let assertion = sign_in(&mut phone, prf(request(), &inputs), 0).await.unwrap();
    assert_eq!(results(&assertion), secrets);
    let id = registration["id"].as_str().unwrap();
    let own = json!({"evalByCredential": {id: {"first": b64(b"two")}}});
    let listing = with(request(), "allowCredentials", json!([{"type": "public-key", "id": id}]));
    let assertion = sign_in(&mut phone, prf(listing, &own), 0).await.unwrap();
    assert_eq!(results(&assertion), json!({"first": secrets["second"]}));

    let another = register(&mut Device::phone(), prf(discoverable(1), &inputs)).await.unwrap();
    assert_ne!(results(&another)["first"], secrets["first"]);
    let mut config = Config::security_key();
    config.identity.versions.retain(|version| *version != Version::Fido2_3);
    (config.extensions.hmac_secret, config.extensions.hmac_secret_mc) = (false, false);
    let mut key = Device::new(config, Transport::Usb);
    let key = register(&mut key, prf(discoverable(1), &inputs)).await.unwrap();
    assert_eq!(key["clientExtensionResults"]["prf"], json!({"enabled": false}));
}

#[tokio::test]
async fn a_second_registration_is_refused_on_every_route() {
    for mut device in [Device::phone(), Device::key()] {
        let registration = register(&mut device, discoverable(1)).await.unwrap();
        let excluded = json!([listed(&unb64(&registration["id"]))]);
        let options = with(discoverable(1), "excludeCredentials", excluded);
        let error = register(&mut device, options).await.unwrap_err();
        assert_eq!((&error, error.name()), (&Error::AlreadyRegistered, "InvalidStateError"));
    }
}

#[tokio::test]
async fn a_long_exclude_list_is_searched_and_finds_the_credential() {
    let mut key = Device::key();
    let registration = register(&mut key, discoverable(1)).await.unwrap();
    let mut list: Vec<Value> = (0..60_u8).map(|n| listed(&[n; 32])).collect();
    list.push(listed(&unb64(&registration["id"])));
    let before = key.requests;
    let options = with(discoverable(1), "excludeCredentials", list.into());
    assert_eq!(register(&mut key, options).await, Err(Error::AlreadyRegistered));
    assert!(key.requests - before > 2);
}

#[tokio::test]
async fn the_person_chooses_among_accounts_on_the_computer_or_on_the_phone() {
    let mut key = Device::key();
    let mut phone = Device::phone();
    for user in 1..=3 {
        register(&mut key, discoverable(user)).await.unwrap();
        register(&mut phone, discoverable(user)).await.unwrap();
    }
    // The newest comes first.
    let assertion = sign_in(&mut key, request(), 2).await.unwrap();
    assert_eq!(unb64(&assertion["response"]["userHandle"]), [1]);
    let before = phone.requests;
    let assertion = sign_in(&mut phone, request(), 2).await.unwrap();
    assert_eq!(unb64(&assertion["response"]["userHandle"]), [3]);
    assert_eq!(phone.requests - before, 1);
}

#[tokio::test]
async fn another_site_gets_nothing() {
    let mut phone = Device::phone();
    register(&mut phone, discoverable(1)).await.unwrap();
    let options = json!({"challenge": "AAEC", "rpId": "login.example.org"});
    assert_eq!(sign_in(&mut phone, options, 0).await, Err(Error::NoCredentials));
}

#[tokio::test]
async fn a_person_who_declines_is_respected() {
    let mut phone = Device::phone();
    phone.rig.person(refusing);
    let error = register(&mut phone, discoverable(1)).await.unwrap_err();
    assert_eq!(error.name(), "NotAllowedError");
    assert!(!phone.rig.questions.is_empty());
}

#[tokio::test]
async fn protection_of_the_credential_reaches_the_authenticator() {
    let mut phone = Device::phone();
    let mut options = discoverable(1);
    options["extensions"] = json!({
        "credentialProtectionPolicy": "userVerificationRequired",
        "enforceCredentialProtectionPolicy": true,
    });
    let registration = register(&mut phone, options).await.unwrap();
    let data = unb64(&registration["response"]["authenticatorData"]);
    assert!(AuthenticatorData::decode(&data).unwrap().extensions.contains("credProtect"));
}

#[tokio::test]
async fn a_site_that_asks_for_attestation_gets_the_statement_of_the_key_and_others_do_not() {
    let config = Config::security_key().with_aaguid([7; 16].into());
    let mut key = Device::new(config, Transport::Usb);
    let options = with(discoverable(1), "attestation", json!("direct"));
    let registration = register(&mut key, options).await.unwrap();
    let object = unb64(&registration["response"]["attestationObject"]);
    assert!(object.starts_with(b"\xa3\x63fmt\x66packed\x67attStmt\xa2\x63alg\x26\x63sig"));
    let plain = register(&mut key, discoverable(2)).await.unwrap();
    let object = unb64(&plain["response"]["attestationObject"]);
    assert!(object.starts_with(b"\xa3\x63fmt\x64none\x67attStmt\xa0"));
}

#[tokio::test]
async fn a_passkey_for_the_verified_is_found_in_a_list_that_is_too_long() {
    let mut config = Config::platform();
    config.limits.max_credential_count_in_list = 2;
    let mut device = Device::new(config, Transport::Internal);
    let mut options = discoverable(1);
    options["extensions"] = json!({"credentialProtectionPolicy": "userVerificationRequired"});
    let registration = register(&mut device, options.clone()).await.unwrap();
    let id = unb64(&registration["id"]);
    for place in 0..5 {
        let mut list: Vec<Value> = (1..5).map(|n| listed(&[n; 32])).collect();
        list.insert(place, listed(&id));
        let request = with(request(), "allowCredentials", json!(list));
        let assertion = sign_in(&mut device, request, 0).await.unwrap();
        assert_eq!(assertion["id"], registration["id"], "{place}");

        let again = with(options.clone(), "excludeCredentials", json!(list));
        let refused = register(&mut device, again).await;
        assert_eq!(refused, Err(Error::AlreadyRegistered), "{place}");
    }
    let others = json!((1..6).map(|n| listed(&[n; 32])).collect::<Vec<_>>());
    let request = with(request(), "allowCredentials", others.clone());
    assert_eq!(sign_in(&mut device, request, 0).await, Err(Error::NoCredentials));
    register(&mut device, with(discoverable(2), "excludeCredentials", others)).await.unwrap();
}

#[tokio::test]
async fn no_attestation_is_signed_that_nobody_asked_for() {
    for (config, transport) in [
        (Config::platform(), Transport::Internal),
        (Config::security_key(), Transport::Usb),
        (Config::phone(), Transport::Hybrid),
    ] {
        let mut device = Device::new(config, transport);
        register(&mut device, discoverable(1)).await.unwrap();
        let response = MakeCredentialResponse::decode(&device.response).unwrap();
        assert_eq!(response.attestation, AttestationStatement::None, "{:?}", device.transport);
    }
}

#[tokio::test]
async fn a_site_that_requires_verification_does_not_get_a_key_without() {
    let mut key = Device::key();
    let options =
        with(creation(), "authenticatorSelection", json!({"userVerification": "required"}));
    let error = register(&mut key, options).await.unwrap_err();
    assert_eq!(error, Error::UserVerificationUnavailable);
    assert_eq!(key.requests, 0);
}
