//! The six lines of the project's README.md: towline beside the fastest peer, of this run.

use std::{fmt::Write, fs};

use crate::{report::seconds, run::Row};

/// What stands around them.
const BEGIN: &str = "<!-- of benches/compare: begin -->\n";
const END: &str = "<!-- of benches/compare: end -->\n";

const README: &str = "../../README.md";

/// What the README says of a table, and which rows of it are no peers besides towline's.
const LINES: [(&str, &str); 6] = [
    ("authenticatorMakeCredential without attestation", "a passkey is made (CTAP)"),
    ("authenticatorGetAssertion, key in use", "a passkey signs (CTAP)"),
    ("WebAuthn: create", "WebAuthn `create`, JSON to JSON"),
    ("WebAuthn: get", "WebAuthn `get`, JSON to JSON"),
    ("Handshake KNpsk0, both sides", "the handshake of phone and computer"),
    ("CBOR: the request of a registration read", "a request is read"),
];

/// Puts the lines where the old ones are.
pub fn write(results: &[(&str, Vec<Row>)]) {
    let readme = fs::read_to_string(README).expect("README.md");
    let (before, rest) = readme.split_once(BEGIN).expect("a place for the lines");
    let (_, after) = rest.split_once(END).expect("the end of that place");
    let table = table(results);
    fs::write(README, format!("{before}{BEGIN}{table}{END}{after}")).expect("README.md");
}

fn table(results: &[(&str, Vec<Row>)]) -> String {
    let mut text = String::from("| | towline | the fastest other |\n| --- | ---: | --- |\n");
    for (title, said) in LINES {
        let Some((_, rows)) = results.iter().find(|(known, _)| *known == title) else { continue };
        // The first row is the floor.
        let rows = rows.get(1..).unwrap_or_default();
        let (ours, others): (Vec<&Row>, Vec<&Row>) =
            rows.iter().partition(|row| row.name.starts_with("towline"));
        let fastest = |rows: Vec<&Row>| {
            let least = rows.iter().min_by(|a, b| a.time[1].total_cmp(&b.time[1]));
            least.map(|row| (seconds(row.time[1]), row.name.clone()))
        };
        // What an embedder gets by one line, which stands first.
        let (Some(first), Some((other, name))) = (ours.first(), fastest(others)) else { continue };
        let first = seconds(first.time[1]);
        writeln!(text, "| {said} | {first} | {other} ({name}) |").expect("text grows");
    }
    text
}
