//! Keys that speak U2F alone, and what U2F has made for sites.

use std::{
    future::{pending, ready},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use towline_authenticator::{Config, TokenPolicy};
use towline_client::{
    Account, BoxFuture, Channel, ChannelError, Environment, Error, U2fBridge, U2fOutput, create,
    get,
};
use towline_crypto::rustcrypto;
use towline_ctap::{
    AttestationStatement, AuthenticatorData, Flags, MakeCredentialResponse, Request, Status,
    Transport, Version,
    u2f::{StatusWord, U2fRegistration, U2fRequest, split_response},
};
use towline_testkit::rig::{HOME, Rig};

use crate::{authenticator::verify, scripted::*};

const APPID: &str = "https://login.example.org/app-id.json";

/// A key, seen as its client sees it.
struct Key {
    rig: Rig,
    bridge: Option<U2fBridge>,
    /// How often it was asked for a touch in vain.
    in_vain: usize,
}

impl Key {
    /// One that speaks U2F alone.
    fn old() -> Self {
        let mut config = Config::security_key();
        config.identity.versions = vec![Version::U2fV2];
        config.credentials.algorithms = vec![-7];
        config.credentials.discoverable = false;
        config.pin = None;
        config.tokens = TokenPolicy::default();
        config.extensions = Default::default();
        config.verification.always_uv_configurable = false;
        config.verification.make_cred_uv_not_rqd = false;
        let bridge = Some(U2fBridge::new(rustcrypto::provider()));
        Self { rig: Rig::new(config), bridge, in_vain: 0 }
    }

    /// One that speaks both.
    fn new() -> Self {
        let mut config = Config::security_key();
        config.credentials.algorithms = vec![-7];
        Self { rig: Rig::new(config), bridge: None, in_vain: 0 }
    }

    fn u2f(&mut self, apdu: &[u8]) -> Vec<u8> {
        self.rig.authenticator.handle_u2f(HOME, apdu, self.rig.now);
        self.rig.pump();
        self.rig.response()
    }

    /// Registered with U2F, by whoever knows the site by this name.
    fn registered_for(&mut self, application: &str) -> Vec<u8> {
        let application = rustcrypto::provider().sha256.hash(&[application.as_bytes()]).into();
        let apdu = U2fRequest::Register { challenge: [1; 32], application }.encode();
        let mut answer = self.u2f(&apdu);
        if split_response(&answer).unwrap().1 == StatusWord::CONDITIONS_NOT_SATISFIED {
            answer = self.u2f(&apdu);
        }
        let (data, word) = split_response(&answer).unwrap();
        assert_eq!(word, StatusWord::NO_ERROR);
        U2fRegistration::decode(data).unwrap().key_handle.into()
    }

    fn carry_out(&mut self, request: &[u8]) -> Vec<u8> {
        let Some(mut bridge) = self.bridge.take() else {
            self.rig.send(HOME, request);
            return self.rig.response();
        };
        bridge.handle_request(request);
        let response = loop {
            match bridge.poll_output() {
                Some(U2fOutput::Response(response)) => break response,
                Some(U2fOutput::Apdu(apdu)) => {
                    let answer = self.u2f(&apdu);
                    bridge.handle_answer(&answer, self.rig.now);
                }
                None => {
                    self.in_vain += 1;
                    assert!(self.in_vain < 100, "nobody touches it");
                    self.rig.now = bridge.poll_timeout().expect("it asks again");
                    bridge.handle_timeout(self.rig.now);
                }
            }
        };
        self.bridge = Some(bridge);
        response
    }
}

impl Channel for Key {
    fn transport(&self) -> Transport {
        Transport::Usb
    }

    fn get_info(&mut self) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move { Ok(self.carry_out(&[4])[1..].to_vec()) })
    }

    fn transact(&mut self, request: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(ready(Ok(self.carry_out(&request))))
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
}

struct Nobody;

impl Environment for Nobody {
    fn sleep_until(&self, _deadline: Instant) -> BoxFuture<'_, ()> {
        Box::pin(pending())
    }

    fn choose<'a>(&'a self, _accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(ready(None))
    }
}

async fn register(key: &mut Key, options: &Value) -> Result<Value, Error> {
    let json = create(&client(), key, &Nobody, &caller(), &options.to_string()).await?;
    Ok(serde_json::from_str(&json).unwrap())
}

async fn sign_in(key: &mut Key, options: &Value) -> Result<Value, Error> {
    let json = get(&client(), key, &Nobody, &caller(), &options.to_string()).await?;
    Ok(serde_json::from_str(&json).unwrap())
}

fn direct() -> Value {
    with(creation(), "attestation", json!("direct"))
}

fn listing(ids: &[&[u8]]) -> Value {
    with(request(), "allowCredentials", ids.iter().map(|id| listed(id)).collect())
}

#[tokio::test]
async fn a_key_registers_and_signs_in() {
    let mut key = Key::old();
    let made = register(&mut key, &direct()).await.unwrap();
    assert!(key.in_vain > 0, "a touch is asked for first");
    let object = unb64(&made["response"]["attestationObject"]);
    assert!(object.windows(8).any(|part| part == b"fido-u2f"));
    let data = unb64(&made["response"]["authenticatorData"]);
    let data = AuthenticatorData::decode(&data).unwrap();
    assert_eq!((data.flags, data.attested.unwrap().aaguid.as_bytes()), (Flags::UP, &[0; 16]));
    assert_eq!(made["response"]["transports"], json!(["usb"]));

    let id = unb64(&made["id"]);
    let signed = sign_in(&mut key, &listing(&[&[9; 70], &id, &[9; 300]])).await.unwrap();
    assert_eq!(verify(&made, &signed), Flags::UP);
    assert!(signed["response"].get("userHandle").is_none());
}

#[test]
fn the_statement_is_signed_over_the_client_data() {
    let mut key = Key::old();
    let mut create = start_create(&direct()).unwrap();
    create.handle_info(&U2fBridge::info(), &Transport::Usb);
    let request = sent(create.poll_output());
    let Request::MakeCredential(asked) = Request::decode(&request, 9999).unwrap() else {
        panic!("{request:?}")
    };
    let response = MakeCredentialResponse::decode(&key.carry_out(&request)).unwrap();
    let AttestationStatement::FidoU2f(statement) = &response.attestation else {
        panic!("{:?}", response.attestation)
    };
    let data = AuthenticatorData::decode(&response.auth_data).unwrap();
    let made = data.attested.unwrap();
    let message = towline_ctap::FidoU2fAttestation::signed_message(
        &data.rp_id_hash,
        &asked.client_data_hash,
        &made.credential_id,
        &made.public_key,
    );
    // This key's certificate is of the new key itself.
    let point = made.public_key.p256_point().unwrap();
    let es256 = rustcrypto::provider().signature(-7).unwrap();
    es256.verify(&point, &message.unwrap(), &statement.sig).unwrap();
}

#[tokio::test]
async fn what_u2f_can_not_do_is_refused_at_once() {
    let mut key = Key::old();
    let selection =
        |member: &str| with(creation(), "authenticatorSelection", json!({member: "required"}));
    let eddsa = json!([{"type": "public-key", "alg": -8}]);
    for (options, name) in [
        (selection("residentKey"), "ConstraintError"),
        (selection("userVerification"), "ConstraintError"),
        (with(creation(), "pubKeyCredParams", eddsa), "NotSupportedError"),
    ] {
        assert_eq!(register(&mut key, &options).await.unwrap_err().name(), name, "{options}");
    }
    for options in [
        request(),
        listing(&[&[7; 64]]),
        with(listing(&[&[7; 64]]), "userVerification", json!("required")),
    ] {
        assert_eq!(sign_in(&mut key, &options).await.unwrap_err().name(), "NotAllowedError");
    }
    assert_eq!(key.in_vain, 0, "nobody was asked");
}

#[tokio::test]
async fn an_excluded_key_is_told_after_a_touch() {
    let mut key = Key::old();
    let id = unb64(&register(&mut key, &creation()).await.unwrap()["id"]);
    let options = with(creation(), "excludeCredentials", json!([listed(&[7; 64]), listed(&id)]));
    key.in_vain = 0;
    assert_eq!(register(&mut key, &options).await, Err(Error::AlreadyRegistered));
    assert!(key.in_vain > 0, "a touch is asked for first");
    let other = with(creation(), "excludeCredentials", json!([listed(&[7; 64])]));
    register(&mut key, &other).await.unwrap();
}

#[tokio::test]
async fn what_was_registered_by_an_app_id_signs_in() {
    for mut key in [Key::old(), Key::new()] {
        let id = key.registered_for(APPID);
        assert_eq!(sign_in(&mut key, &listing(&[&id])).await, Err(Error::NoCredentials));
        let mut options = listing(&[&[7; 64], &id]);
        options["extensions"] = json!({"appid": APPID});
        let signed = sign_in(&mut key, &options).await.unwrap();
        assert_eq!(signed["clientExtensionResults"], json!({"appid": true}));
        let data = unb64(&signed["response"]["authenticatorData"]);
        assert_eq!(data[..32], rustcrypto::provider().sha256.hash(&[APPID.as_bytes()]));

        // Whoever asks for verification can't mean it.
        let verified = with(options.clone(), "userVerification", json!("required"));
        assert_eq!(sign_in(&mut key, &verified).await.unwrap_err().name(), "NotAllowedError");

        // What the RP ID knows goes by that.
        let made = register(&mut key, &creation()).await.unwrap();
        let mut options = listing(&[&unb64(&made["id"])]);
        options["extensions"] = json!({"appid": APPID});
        let signed = sign_in(&mut key, &options).await.unwrap();
        assert_eq!(signed["clientExtensionResults"], json!({"appid": false}));
        verify(&made, &signed);
    }
}

#[tokio::test]
async fn what_was_registered_by_an_app_id_is_excluded() {
    for mut key in [Key::old(), Key::new()] {
        let id = key.registered_for(APPID);
        let mut options = with(creation(), "excludeCredentials", json!([listed(&id)]));
        register(&mut key, &options).await.unwrap();
        options["extensions"] = json!({"appidExclude": APPID});
        assert_eq!(register(&mut key, &options).await, Err(Error::AlreadyRegistered));
        options["excludeCredentials"] = json!([listed(&[7; 64])]);
        let made = register(&mut key, &options).await.unwrap();
        assert_eq!(made["clientExtensionResults"], json!({"appidExclude": true}));
    }
}

/// A bridge that was asked to register.
fn asked() -> (U2fBridge, Instant) {
    let mut create = start_create(&creation()).unwrap();
    create.handle_info(&U2fBridge::info(), &Transport::Usb);
    let mut bridge = U2fBridge::new(rustcrypto::provider());
    bridge.handle_request(&sent(create.poll_output()));
    assert!(matches!(bridge.poll_output(), Some(U2fOutput::Apdu(_))));
    (bridge, Instant::now())
}

fn refused(bridge: &mut U2fBridge, status: Status) {
    assert_eq!(bridge.poll_output(), Some(U2fOutput::Response(vec![status.to_u8()])));
    assert_eq!((bridge.poll_output(), bridge.poll_timeout()), (None, None));
}

#[test]
fn answers_that_are_none_are_refused() {
    for (answer, status) in [
        (&[][..], Status::Other),
        (&[0x90], Status::Other),
        (&[0x90, 0x00], Status::Other),
        (&[0x05, 0x90, 0x00], Status::Other),
        (&[0x6f, 0x00], Status::Other),
        (&[0x69, 0x86], Status::OperationDenied),
    ] {
        let (mut bridge, now) = asked();
        bridge.handle_answer(answer, now);
        refused(&mut bridge, status);
        bridge.handle_answer(answer, now);
        assert!(answer.len() < 2 || bridge.poll_output().is_none(), "nobody waits for it");
    }
}

#[test]
fn a_key_is_asked_again_until_it_is_touched_or_called_off() {
    let (mut bridge, now) = asked();
    bridge.handle_answer(&[0x69, 0x85], now);
    assert_eq!(bridge.poll_output(), None);
    let again = bridge.poll_timeout().unwrap();
    bridge.handle_timeout(again - Duration::from_millis(1));
    assert_eq!(bridge.poll_output(), None);
    bridge.handle_timeout(again);
    assert!(matches!(bridge.poll_output(), Some(U2fOutput::Apdu(_))));
    bridge.handle_answer(&[0x69, 0x85], again);
    bridge.handle_cancel();
    refused(&mut bridge, Status::KeepaliveCancel);
    bridge.handle_cancel();
    assert_eq!(bridge.poll_output(), None);
}

#[test]
fn other_commands_are_not_known() {
    let mut bridge = U2fBridge::new(rustcrypto::provider());
    for (request, status) in [
        (&[7][..], Status::InvalidCommand),
        (&[8], Status::InvalidCommand),
        (&[], Status::InvalidCommand),
        (&[0x55], Status::InvalidCommand),
        (&[2, 0xa0], Status::MissingParameter),
    ] {
        bridge.handle_request(request);
        refused(&mut bridge, status);
    }
    bridge.handle_request(&[4]);
    let info = [&[0], &U2fBridge::info()[..]].concat();
    assert_eq!(bridge.poll_output(), Some(U2fOutput::Response(info)));
}
