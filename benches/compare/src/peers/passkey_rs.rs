//! passkey-rs: its authenticator at the level of CTAP, from types to types, and its client from
//! JSON to JSON.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use passkey_authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
use passkey_client::{Client, DefaultClientData};
use passkey_crypto::{CryptoBackend, iana};
use passkey_types::{
    Passkey,
    ctap2::{Aaguid, Ctap2Error, get_assertion, make_credential},
    webauthn::{
        CredentialCreationOptions, CredentialRequestOptions, PublicKeyCredentialDescriptor,
        PublicKeyCredentialParameters, PublicKeyCredentialType, PublicKeyCredentialUserEntity,
    },
};
use url::Url;

use super::{CREATION, ORIGIN, id_of, request};

/// A person who agrees.
pub struct Agreeable;

impl UserValidationMethod for Agreeable {
    type PasskeyItem = Passkey;

    fn check_user<'a, 'life0, 'async_trait>(
        &'life0 self,
        _: UiHint<'a, Passkey>,
        _: bool,
        _: bool,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<UserCheck, Ctap2Error>> + Send + 'async_trait>>
    where
        'a: 'async_trait,
        'life0: 'async_trait,
    {
        Box::pin(async { Ok(UserCheck { presence: true, verification: true }) })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

/// Its authenticator, with the one credential that it made last.
pub struct Passkeys<C>(Authenticator<Option<Passkey>, Agreeable, C>);

impl<C> Passkeys<C>
where
    C: CryptoBackend<SecretKey: Sync + Send> + Sync + Send,
{
    pub fn new(crypto: C) -> Self {
        let mut this = Self(Authenticator::new(Aaguid::new_empty(), None, Agreeable, crypto));
        this.make();
        this
    }

    pub fn make(&mut self) -> make_credential::Response {
        let descriptor = |n: u8| PublicKeyCredentialDescriptor {
            ty: PublicKeyCredentialType::PublicKey,
            id: vec![n; 32].into(),
            transports: None,
        };
        let parameter =
            |alg| PublicKeyCredentialParameters { ty: PublicKeyCredentialType::PublicKey, alg };
        let request = make_credential::Request {
            client_data_hash: vec![1; 32].into(),
            rp: make_credential::PublicKeyCredentialRpEntity {
                id: "example.com".into(),
                name: Some("Example".into()),
            },
            user: PublicKeyCredentialUserEntity {
                id: vec![5; 16].into(),
                name: "alex@example.com".into(),
                display_name: "Alex Example".into(),
            },
            pub_key_cred_params: vec![
                parameter(iana::Algorithm::ES256),
                parameter(iana::Algorithm::RS256),
            ],
            exclude_list: Some((0..3).map(descriptor).collect()),
            extensions: None,
            options: make_credential::Options { rk: true, up: true, uv: true },
            pin_auth: None,
            pin_protocol: None,
        };
        ready(self.0.make_credential(request)).expect("a credential")
    }

    pub fn get(&mut self) -> get_assertion::Response {
        let request = get_assertion::Request {
            rp_id: "example.com".into(),
            client_data_hash: vec![2; 32].into(),
            allow_list: None,
            extensions: None,
            options: get_assertion::Options { up: true, uv: true },
            pin_auth: None,
            pin_protocol: None,
        };
        ready(self.0.get_assertion(request)).expect("an assertion")
    }
}

/// A registration by its client.
pub fn create<C>(crypto: C) -> impl FnMut() -> String
where
    C: CryptoBackend<SecretKey: Sync + Send> + Sync + Send,
{
    let (mut client, origin) = client(crypto);
    move || register(&mut client, &origin)
}

/// A sign-in by its client.
pub fn get<C>(crypto: C) -> impl FnMut() -> String
where
    C: CryptoBackend<SecretKey: Sync + Send> + Sync + Send,
{
    let (mut client, origin) = client(crypto);
    let options =
        format!(r#"{{"publicKey": {}}}"#, request(&id_of(&register(&mut client, &origin))));
    move || sign_in(&mut client, &origin, &options)
}

/// A registration by its client, and a sign-in with what was made.
pub fn round<C>(crypto: C) -> impl FnMut() -> String
where
    C: CryptoBackend<SecretKey: Sync + Send> + Sync + Send,
{
    let (mut client, origin) = client(crypto);
    move || {
        let request = request(&id_of(&register(&mut client, &origin)));
        sign_in(&mut client, &origin, &format!(r#"{{"publicKey": {request}}}"#))
    }
}

type ClientOf<C> = Client<Option<Passkey>, Agreeable, C, public_suffix::PublicSuffixList, ()>;

fn client<C>(crypto: C) -> (ClientOf<C>, Url)
where
    C: CryptoBackend<SecretKey: Sync + Send> + Sync + Send,
{
    let authenticator = Authenticator::new(Aaguid::new_empty(), None, Agreeable, crypto);
    (Client::new(authenticator), Url::parse(ORIGIN).expect("an origin"))
}

fn sign_in<C>(client: &mut ClientOf<C>, origin: &Url, options: &str) -> String
where
    C: CryptoBackend<SecretKey: Sync + Send> + Sync + Send,
{
    let options: CredentialRequestOptions = serde_json::from_str(options).expect("options");
    let response = ready(client.authenticate(origin, options, DefaultClientData));
    serde_json::to_string(&response.expect("an assertion")).expect("JSON")
}

fn register<C>(client: &mut ClientOf<C>, origin: &Url) -> String
where
    C: CryptoBackend<SecretKey: Sync + Send> + Sync + Send,
{
    let options = format!(r#"{{"publicKey": {CREATION}}}"#);
    let options: CredentialCreationOptions = serde_json::from_str(&options).expect("options");
    let response = ready(client.register(origin, options, DefaultClientData));
    serde_json::to_string(&response.expect("a registration")).expect("JSON")
}

/// The outcome of a future that waits for nothing.
fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut context) {
            return outcome;
        }
    }
}
