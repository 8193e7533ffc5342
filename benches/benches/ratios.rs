//! Prints how much each operation costs beyond the primitives it is made of, and whether that meets the aims.
//!
//!     cargo bench -p towline-benches --bench ratios

use towline_authenticator::Config;
use towline_benches::{
    authenticator::Ceremonies,
    contest::compare,
    hybrid::{Adverts, Code, Frames, Handshake},
};

const HANDSHAKE: Option<f64> = Some(1.25);
const SIGN_IN: Option<f64> = Some(1.15);
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
    adverts(&table);
    frames(&table);
    codes(&table);
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

fn registrations(table: &Table) {
    let mut phone = Ceremonies::new(Config::phone(), 0);
    let mut key = Ceremonies::new(Config::security_key(), 0);
    let yardstick = Ceremonies::new(Config::phone(), 0);
    let generation = || yardstick.bare_key_generation();
    let both = || yardstick.bare_key_generation_and_signature();
    table.row("makeCredential, phone / key pair", None, || phone.make_credential(), generation);
    table.row("makeCredential, self attested / pair, sign", None, || key.make_credential(), both);
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
