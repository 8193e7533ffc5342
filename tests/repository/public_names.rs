//! A name that two crates make public means the same thing in both, or stands here with the reason
//! why nobody takes one for the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{all, code, crates, text};

/// Names with more than one public type: where, and why nobody takes one for another.
const SHARED: [(&str, &[&str], &str); 6] = [
    ("BoxFuture", &["client::channel", "radio"], "one type: neither crate stands on the other"),
    (
        "Error",
        &[
            "cbor::error",
            "client::error",
            "crypto::error",
            "hybrid::error",
            "store::error",
            "tpm::error",
        ],
        "why an operation of this crate failed: at most one in each, at its root",
    ),
    (
        "Mediation",
        &["client::mediation", "virtual-server::caller"],
        "one meaning: the service's is the form in JSON",
    ),
    (
        "Signal",
        &["client::signal", "virtual-server::session"],
        "one meaning: the service's is the form in JSON",
    ),
    (
        "SystemRandom",
        &["crypto-aws-lc", "crypto::rustcrypto"],
        "one meaning: the random numbers of the system, by this library",
    ),
    (
        "Transport",
        &["ctap::descriptor", "virtual-server::options"],
        "one meaning: the service's is the form in JSON, with the names of WebDriver and DevTools",
    ),
];

/// Where each name is made public, as the crate and its module at the top.
type Names = BTreeMap<String, BTreeSet<String>>;

/// Notes the types that a module makes public. `place` is the crate and the modules to this one.
fn public_types(file: &Path, place: &[&str], names: &mut Names) {
    let code = code(file);
    let mut own = BTreeSet::from(["self", "crate", "super"]);
    let mut hidden = false;
    let children = if file.ends_with("src/lib.rs") {
        file.with_file_name("")
    } else {
        file.with_extension("")
    };
    for line in code.lines().map(str::trim) {
        let words: Vec<_> = line.split([' ', '<', '(', ';', '{', ':']).collect();
        match *words {
            ["pub", "struct" | "enum" | "trait" | "type", name, ..] => note(name, place, names),
            ["pub", "mod", module, ..] if line.ends_with(';') => {
                own.insert(module);
                let child = children.join(module).with_extension("rs");
                if !hidden {
                    public_types(&child, &[place, &[module]].concat(), names);
                }
            }
            ["mod", module, ..] | ["pub", "crate)", "mod", module, ..] => drop(own.insert(module)),
            _ => {}
        }
        hidden = line == "#[doc(hidden)]" || hidden && line.starts_with("#[");
    }
    for used in code.split("\npub use ").skip(1) {
        let used = used.split(';').next().unwrap();
        let (first, rest) = used.split_once("::").unwrap_or((used, ""));
        if !own.contains(first) {
            continue; // Another crate's, under its own name.
        }
        for item in rest.split(['{', '}', ',']).map(str::trim) {
            let item = item.split(" as ").last().unwrap();
            let name = item.rsplit("::").next().unwrap();
            let from: &[&str] =
                if ["self", "crate", "super"].contains(&first) { &[] } else { &[first] };
            note(name, &[place, from].concat(), names);
        }
    }
}

/// Notes a name, if it is one of a type.
fn note(name: &str, place: &[&str], names: &mut Names) {
    let starts = name.starts_with(|first: char| first.is_ascii_uppercase());
    if starts && name.contains(|letter: char| letter.is_ascii_lowercase()) {
        let place = place.iter().take(2).copied().collect::<Vec<_>>().join("::");
        names.entry(name.to_owned()).or_default().insert(place);
    }
}

#[test]
fn no_public_name_has_two_senses() {
    let mut names = Names::new();
    for krate in crates() {
        let library = krate.join("src/lib.rs");
        let published = !text(&krate.join("Cargo.toml")).contains("publish = false");
        if published && library.exists() {
            let krate = krate.file_name().unwrap().to_str().unwrap();
            public_types(&library, &[krate], &mut names);
        }
    }
    assert!(names.len() > 500, "only {} public types were found", names.len());
    names.retain(|_, places| places.len() > 1);

    let mut problems = Vec::new();
    for (name, places) in &names {
        let places: Vec<_> = places.iter().map(String::as_str).collect();
        match SHARED.iter().find(|(shared, ..)| shared == name) {
            Some((_, allowed, _)) if *allowed == places => {}
            _ => problems.push(format!("{name}: one name for the types of {places:?}")),
        }
    }
    for (name, ..) in SHARED.iter().filter(|(name, ..)| !names.contains_key(*name)) {
        problems.push(format!("{name}: shared by nobody now, but listed"));
    }
    all(problems);
}
