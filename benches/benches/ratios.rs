//! Prints how much each operation costs beyond the primitives it is made of, and what the aims are.
//!
//!     cargo bench -p towline-benches --bench ratios

use towline_benches::{
    contest::{Outcome, compare},
    hybrid::{Adverts, Code, Frames, Handshake},
};

fn main() {
    // `cargo test --benches` runs this too, without that flag: then one look at each is enough.
    let thorough = std::env::args().any(|argument| argument == "--bench");
    let rounds = if thorough { 201 } else { 1 };

    println!("{:<44} {:>11} {:>11} {:>7} {:>15}  aim", "", "time", "bare", "ratio", "quartiles");
    let (handshake, code) = (Handshake::new(), Code::new());
    let (one, many) = (Adverts::new(1), Adverts::new(32));
    let (mut short, mut long) = (Frames::new(64), Frames::new(1024));
    let (bare_short, bare_long) = (Frames::new(64), Frames::new(1024));

    let primitives = || handshake.bare_primitives();
    row(
        "handshake KNpsk0 / 2 key pairs, 4 agreements",
        Some(1.25),
        compare(rounds, || handshake.kn(), primitives),
    );
    row(
        "handshake NKpsk0 / 2 key pairs, 4 agreements",
        Some(1.25),
        compare(rounds, || handshake.nk(), primitives),
    );
    row(
        "advert rejected, 1 key / prepared HMAC",
        Some(1.2),
        compare(rounds, || one.reject(), || one.bare_hmacs()),
    );
    row(
        "advert rejected, 32 keys / 32 prepared HMACs",
        Some(1.2),
        compare(rounds, || many.reject(), || many.bare_hmacs()),
    );
    row(
        "frame of 64 B there and back / AEAD",
        None,
        compare(rounds, || short.round_trip(), || bare_short.bare_aead()),
    );
    row(
        "frame of 1 KiB there and back / AEAD",
        None,
        compare(rounds, || long.round_trip(), || bare_long.bare_aead()),
    );
    row(
        "QR code read / its point decompressed",
        None,
        compare(rounds, || code.decode(), || code.decompress()),
    );
}

fn row(name: &str, aim: Option<f64>, outcome: Outcome) {
    let [low, median, high] = outcome.ratio;
    let verdict = match aim {
        None => String::new(),
        Some(aim) if median <= aim => format!("{aim} met"),
        Some(aim) => format!("{aim} MISSED"),
    };
    let (subject, yardstick) =
        (format!("{:.1?}", outcome.subject), format!("{:.1?}", outcome.yardstick));
    println!(
        "{name:<44} {subject:>11} {yardstick:>11} {median:>7.3} {low:>7.3}-{high:<7.3}  {verdict}"
    );
}
