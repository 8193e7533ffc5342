//! Prints how much each operation costs beyond the primitives it is made of, and whether that meets
//! the aims; then how the other providers compare with the portable one.
//!
//!     cargo bench -p towline-benches --bench ratios

use towline_authenticator::Config;
use towline_benches::{
    authenticator::Ceremonies,
    contest::compare,
    hybrid::{Adverts, Code, Frames, Handshake},
    primitives::{Agreement, Sealing, Signing, hkdf, sha256},
    site::SignIns,
};
use towline_crypto::{CryptoProvider, rustcrypto};

const HANDSHAKE: Option<f64> = Some(1.25);
const SIGN_IN: Option<f64> = Some(1.10);
const REGISTRATION: Option<f64> = Some(1.15);
const VERIFICATION: Option<f64> = Some(1.10);
const FLAT: Option<f64> = Some(1.2);
const REJECTED_ADVERT: Option<f64> = Some(1.2);

fn main() {
    // `cargo test --benches` runs this too, without that flag: then one look at each is enough.
    let table = Table {
        rounds: if std::env::args().any(|argument| argument == "--bench") { 201 } else { 1 },
    };
    println!("{:<44} {:>10} {:>10} {:>6}  {:<13}  aim", "", "time", "bare", "ratio", "quartiles");
    handshakes(&table);
    sign_ins(&table);
    registrations(&table);
    sites(&table);
    crowds(&table);
    adverts(&table);
    frames(&table);
    codes(&table);
    println!();
    for (name, provider) in [
        ("ring", towline_crypto_ring::provider()),
        ("AWS-LC", towline_crypto_aws_lc::provider()),
        ("fastest", towline_crypto_fastest::provider()),
    ] {
        ceremonies(&table, name, &provider);
        against_the_portable_provider(&table, name, &provider);
    }
}

fn handshakes(table: &Table) {
    let handshake = Handshake::new();
    let bare = || handshake.bare_primitives();
    table.row("KNpsk0, both sides / 2 key pairs, 4 ECDH", HANDSHAKE, || handshake.kn(), bare);
    table.row("NKpsk0, both sides / 2 key pairs, 4 ECDH", HANDSHAKE, || handshake.nk(), bare);
}

fn sign_ins(table: &Table) {
    let mut phone = Ceremonies::new(Config::phone(), 0);
    let mut full = Ceremonies::new(Config::phone(), 10_000);
    let mut key = Ceremonies::new(Config::security_key(), 0);
    let yardstick = Ceremonies::new(Config::phone(), 0);
    let bare = || yardstick.bare_signature();
    table.row("getAssertion, phone, listed / signature", SIGN_IN, || phone.listed(), bare);
    table.row(
        "getAssertion, phone, not listed / signature",
        SIGN_IN,
        || phone.discoverable(),
        bare,
    );
    table.row("the same among 10000 others / signature", SIGN_IN, || full.discoverable(), bare);
    table.row("getAssertion, security key / signature", SIGN_IN, || key.listed(), bare);
}

/// What a site adds to the check of a signature.
fn sites(table: &Table) {
    let site = SignIns::new(&rustcrypto::provider());
    table.row(
        "sign-in at a site, with options / check",
        VERIFICATION,
        || site.verified(),
        || site.bare_check(),
    );
}

fn registrations(table: &Table) {
    let mut phone = Ceremonies::new(Config::phone(), 0);
    let mut key = Ceremonies::new(Config::security_key(), 0);
    let yardstick = Ceremonies::new(Config::phone(), 0);
    let generation = || yardstick.bare_key_generation();
    let both = || yardstick.bare_key_generation_and_signature();
    table.row("makeCredential, phone / key pair", None, || phone.make_credential(), generation);
    table.row(
        "makeCredential, self attested / pair, sign",
        REGISTRATION,
        || key.make_credential(),
        both,
    );
}

/// What it costs that there are many credentials.
fn crowds(table: &Table) {
    let (mut full, mut yardstick) =
        (Ceremonies::new(Config::phone(), 100_000), Ceremonies::new(Config::phone(), 0));
    table.row("listed, 100000 credentials / one", FLAT, || full.listed(), || yardstick.listed());
    table.row(
        "not listed, 100000 credentials / one",
        FLAT,
        || full.discoverable(),
        || yardstick.discoverable(),
    );
    let mut key = Ceremonies::with_accounts(Config::security_key(), 1000);
    let mut yardstick_key = Ceremonies::with_accounts(Config::security_key(), 1);
    table.row(
        "first of 1000 accounts / one account",
        FLAT,
        || key.discoverable(),
        || yardstick_key.discoverable(),
    );
    table.row(
        "first and next of 1000 / one account, twice",
        FLAT,
        || key.first_and_next(),
        || (yardstick_key.discoverable(), yardstick_key.discoverable()),
    );
    let mut phone = Ceremonies::with_accounts(Config::phone(), 1000);
    table.row(
        "1000 accounts on a display / one account",
        None,
        || phone.discoverable(),
        || yardstick.discoverable(),
    );
}

fn adverts(table: &Table) {
    let (one, many) = (Adverts::new(1), Adverts::new(32));
    table.row(
        "advert rejected, 1 key / HMAC",
        REJECTED_ADVERT,
        || one.reject(),
        || one.bare_hmacs(),
    );
    table.row(
        "advert rejected, 32 keys / 32 HMACs",
        REJECTED_ADVERT,
        || many.reject(),
        || many.bare_hmacs(),
    );
}

fn frames(table: &Table) {
    for (name, size) in [
        ("frame of 64 B, sealed, opened / AEAD", 64),
        ("frame of 1 KiB, sealed, opened / AEAD", 1024),
    ] {
        let (mut frames, bare) = (Frames::new(size), Frames::new(size));
        table.row(name, None, || frames.round_trip(), || bare.bare_aead());
    }
}

fn codes(table: &Table) {
    let code = Code::new();
    table.row(
        "QR code read / its point decompressed",
        None,
        || code.decode(),
        || code.decompress(),
    );
}

/// The faster the cryptography, the more the rest of a ceremony shows.
fn ceremonies(table: &Table, name: &str, provider: &CryptoProvider) {
    let ceremonies = || Ceremonies::with_provider(provider.clone(), Config::phone(), 0);
    let (mut subject, yardstick) = (ceremonies(), ceremonies());
    table.row(
        &format!("{name}: getAssertion / signature"),
        SIGN_IN,
        || subject.discoverable(),
        || yardstick.bare_signature(),
    );
    table.row(
        &format!("{name}: makeCredential / key pair"),
        None,
        || subject.make_credential(),
        || yardstick.bare_key_generation(),
    );
    let mut key = Ceremonies::with_provider(provider.clone(), Config::security_key(), 0);
    table.row(
        &format!("{name}: makeCredential, self / pair, sign"),
        REGISTRATION,
        || key.make_credential(),
        || yardstick.bare_key_generation_and_signature(),
    );
}

fn against_the_portable_provider(table: &Table, name: &str, provider: &CryptoProvider) {
    let portable = rustcrypto::provider();
    let row = |what: &str, subject: &dyn Fn(), yardstick: &dyn Fn()| {
        table.row(&format!("{name} / portable: {what}"), None, subject, yardstick);
    };
    let (ours, theirs) = (Agreement::new(provider), Agreement::new(&portable));
    row("P-256 key agreement", &|| ours.agree(), &|| theirs.agree());
    row("P-256 key pair", &|| ours.generate(), &|| theirs.generate());
    for (algorithm, cose) in [("ES256", -7), ("Ed25519", -8), ("ES384", -35)] {
        let (ours, theirs) = (Signing::new(provider, cose), Signing::new(&portable, cose));
        row(&format!("{algorithm} key pair"), &|| ours.generate(), &|| theirs.generate());
        row(&format!("{algorithm} signature"), &|| ours.sign(), &|| theirs.sign());
        row(&format!("{algorithm} load, sign"), &|| ours.load_and_sign(), &|| {
            theirs.load_and_sign();
        });
        row(&format!("{algorithm} verification"), &|| ours.verify(), &|| theirs.verify());
    }
    for size in [64, 1024, 16_384] {
        let (ours, theirs) = (Sealing::new(provider, size), Sealing::new(&portable, size));
        row(&format!("AES-GCM, {size} B"), &|| ours.round_trip(), &|| theirs.round_trip());
    }
    let (ours, theirs) = (Sealing::new(provider, 64), Sealing::new(&portable, 64));
    row("AES-GCM, new key, 64 B", &|| ours.new_key(), &|| theirs.new_key());
    row("SHA-256, 64 B", &|| sha256(provider), &|| sha256(&portable));
    row("HKDF-SHA-256, 64 B out", &|| hkdf(provider), &|| hkdf(&portable));
}

struct Table {
    rounds: u32,
}

impl Table {
    fn row<A, B>(
        &self,
        name: &str,
        aim: Option<f64>,
        subject: impl FnMut() -> A,
        bare: impl FnMut() -> B,
    ) {
        let outcome = compare(self.rounds, subject, bare);
        let [low, median, high] = outcome.ratio;
        let verdict = match aim {
            None => String::new(),
            Some(aim) if median <= aim => format!("{aim} met"),
            Some(aim) => format!("{aim} MISSED"),
        };
        let (time, bare) =
            (format!("{:.1?}", outcome.subject), format!("{:.1?}", outcome.yardstick));
        println!(
            "{name:<44} {time:>10} {bare:>10} {median:>6.3}  {low:>5.3} - {high:<5.3}  {verdict}"
        );
    }
}
