//! A registration and a sign-in with what it made, as a test of a site has them: by those who are
//! made for such tests.

use passkey_crypto::{aws_lc_rs::AwsLcRsBackend, rust_crypto::RustCryptoBackend};
use url::Url;
use webauthn_authenticator_rs::{
    WebauthnAuthenticator, softpasskey::SoftPasskey, softtoken::SoftToken,
};

use super::{ORIGIN, id_of, passkey_rs, request, soft_webauthn, softpasskey};
use crate::run::Contestant;

/// Those who register and sign in, one after the other.
pub fn contestants() -> Vec<Contestant> {
    let (token, _) = SoftToken::new(true).expect("a token");
    let mut all = vec![
        Contestant::new("passkey-client, AWS-LC", passkey_rs::round(AwsLcRsBackend)),
        Contestant::new("passkey-client, portable", passkey_rs::round(RustCryptoBackend)),
        Contestant::new("webauthn-authenticator-rs, SoftPasskey", by(SoftPasskey::new(true))),
        Contestant::new("webauthn-authenticator-rs, SoftToken", by(token)),
    ];
    all.extend(soft_webauthn::round().map(|work| Contestant::elsewhere("soft-webauthn", work)));
    all
}

/// One of webauthn-authenticator-rs behind its client.
fn by(mut device: impl WebauthnAuthenticator) -> impl FnMut() -> String {
    let origin = Url::parse(ORIGIN).expect("an origin");
    move || {
        let request = request(&id_of(&softpasskey::register(&mut device, &origin)));
        softpasskey::sign_in(&mut device, &origin, &format!(r#"{{"publicKey": {request}}}"#))
    }
}
