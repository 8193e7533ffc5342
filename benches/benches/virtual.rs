//! How many rounds of a registration and a sign-in a virtual authenticator makes in a second, from
//! the site's options to the response for it, and what that is next to a key pair and a signature.
//!
//!     cargo bench -p towline-benches --bench virtual

#![allow(clippy::unwrap_used, reason = "a bench that fails has nothing to measure")]

use towline_authenticator::Config;
use towline_benches::{authenticator::Ceremonies, contest::compare};
use towline_crypto::{CryptoProvider, rustcrypto};
use towline_virtual::{Builder, VirtualAuthenticator};

const ORIGIN: &str = "https://example.org";
const CREATE: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "authenticatorSelection": {"residentKey": "required"}}"#;
const GET: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw"}"#;

/// What the fastest provider is to reach, in rounds a second and core.
const AIM: f64 = 15_000.0;

fn main() {
    // `cargo test --benches` runs this too, without that flag: then one look at each is enough.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 201 } else { 1 };
    println!("{:<28} {:>10} {:>10} {:>6} {:>12}", "", "a round", "bare", "ratio", "rounds/s");
    for (name, provider) in [
        ("RustCrypto", rustcrypto::provider()),
        ("ring", towline_crypto_ring::provider()),
        ("AWS-LC", towline_crypto_aws_lc::provider()),
        // What a builder takes that is told nothing.
        ("fastest", towline_crypto_fastest::provider()),
    ] {
        row(rounds, name, "synced passkey", &provider, Builder::synced_passkey());
        row(rounds, name, "security key", &provider, Builder::security_key());
    }
}

fn row(rounds: u32, name: &str, kind: &str, provider: &CryptoProvider, builder: Builder) {
    let device = builder.provider(provider.clone()).build().unwrap();
    let yardstick = Ceremonies::with_provider(provider.clone(), Config::phone(), 0);
    let bare = || yardstick.bare_key_generation_and_signature();
    let outcome = compare(rounds, || round(&device), bare);
    let a_second = 1.0 / outcome.subject.as_secs_f64();
    let verdict = if a_second >= AIM { "aim met" } else { "" };
    println!(
        "{:<28} {:>10} {:>10} {:>6.3} {a_second:>12.0}  {verdict}",
        format!("{name}, {kind}"),
        format!("{:.1?}", outcome.subject),
        format!("{:.1?}", outcome.yardstick),
        outcome.ratio[1],
    );
}

fn round(device: &VirtualAuthenticator) -> (String, String) {
    (device.create(ORIGIN, CREATE).unwrap(), device.get(ORIGIN, GET).unwrap())
}
