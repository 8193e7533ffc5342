//! A site's passkeys tested without a browser, a phone or a key. `webauthn-rs-core` plays the
//! site's server here; put your own in its place, whatever it is written in: JSON goes in and comes
//! out. docs/testing.md goes on from here.
//!
//! ```sh
//! cargo run --release --example test_a_site
//! ```

use std::{error::Error, time::Duration};

use towline_virtual::{VirtualAuthenticator, person::signing_in};
use webauthn_rs_core::WebauthnCore;

fn main() -> Result<(), Box<dyn Error>> {
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
    let device = VirtualAuthenticator::platform();

    let challenge = site.new_challenge_register_builder(b"42", "alice", "Alice")?;
    let (options, state) = site.generate_challenge_register(challenge)?;
    let response = device.create(origin, &serde_json::to_string(&options)?)?;
    let passkey = site.register_credential(&serde_json::from_str(&response)?, &state, None)?;

    let challenge = site.new_challenge_authenticate_builder(vec![passkey], None)?;
    let (options, state) = site.generate_challenge_authenticate(challenge)?;
    device.person().when(signing_in()).refuses().once();
    let refused = device.get(origin, &serde_json::to_string(&options)?).err();
    println!("the person said no: {}", refused.map_or("nobody asked", |error| error.name()));
    let response = device.get(origin, &serde_json::to_string(&options)?)?;
    let result = site.authenticate_credential(&serde_json::from_str(&response)?, &state)?;
    println!("signed in, judged by webauthn-rs-core; verified: {}", result.user_verified());
    Ok(())
}
