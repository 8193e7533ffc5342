//! A site's passkeys tested without a browser, a phone or a key. `webauthn-rs-core` plays the
//! site's server here; put your own in its place, whatever it is written in: JSON goes in and comes
//! out.
//!
//! ```sh
//! cargo run --release --example test_a_site
//! ```

use std::{error::Error, time::Duration};

use towline::{Agreeable, LocalAuthenticator, authenticator::Config};
use webauthn_rs_core::WebauthnCore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (origin, patience) = ("https://example.org", Duration::from_secs(60));
    let origins = vec![origin.parse()?];
    let site = WebauthnCore::new_unsafe_experts_only(
        "Example",
        "example.org",
        origins,
        patience,
        None,
        None,
    );
    let provider = towline::crypto::rustcrypto::provider();
    let mut device = LocalAuthenticator::in_memory(Config::platform(), provider, Agreeable)?;

    let challenge = site.new_challenge_register_builder(b"42", "alice", "Alice")?;
    let (options, state) = site.generate_challenge_register(challenge)?;
    let response = device.create(origin, &serde_json::to_string(&options)?).await?;
    let passkey = site.register_credential(&serde_json::from_str(&response)?, &state, None)?;

    let challenge = site.new_challenge_authenticate_builder(vec![passkey], None)?;
    let (options, state) = site.generate_challenge_authenticate(challenge)?;
    let response = device.get(origin, &serde_json::to_string(&options)?).await?;
    let result = site.authenticate_credential(&serde_json::from_str(&response)?, &state)?;
    println!("signed in, judged by webauthn-rs-core; verified: {}", result.user_verified());
    Ok(())
}
