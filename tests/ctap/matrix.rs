//! `docs/ctap.md`: every feature that the code knows has a line there, with its state in each
//! preset as the presets themselves have it, and with tests that exist.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    presets::{Preset, all},
    sources::{Tests, read},
};

const PAGE: &str = "docs/ctap.md";

/// Where tests are that are named without a folder.
const OWN: &str = "crates/authenticator/tests/it";

/// A line of one of the tables.
#[derive(Debug)]
struct Line {
    table: String,
    id: String,
    states: Vec<String>,
    tests: Vec<String>,
}

/// All lines that begin with a name in code style, under the heading that they stand under.
fn lines(page: &str) -> Vec<Line> {
    let (mut table, mut found) = (String::new(), Vec::new());
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut table);
        }
        if !line.starts_with("| `") {
            continue;
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 6, "{PAGE}: a line needs six cells: {line}");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{PAGE}: an empty cell: {line}");
        found.push(Line {
            table: table.clone(),
            id: cells[0].split('`').nth(1).unwrap().to_owned(),
            states: cells[1..5].iter().map(|cell| (*cell).to_owned()).collect(),
            tests: cells[5].split(", ").map(|test| test.trim_matches('`').to_owned()).collect(),
        });
    }
    found
}

/// The whole reference of a test that may be named without its folder.
fn reference(short: &str) -> String {
    match short.split_once("::") {
        Some((file, name)) if !file.contains('/') => format!("{OWN}/{file}.rs::{name}"),
        _ => short.to_owned(),
    }
}

/// The names in code style that a source defines, each line as `of` reads it.
fn names(source: &str, of: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let found: Vec<String> = read(source).lines().filter_map(|line| of(line.trim())).collect();
    assert!(!found.is_empty(), "{source} defines nothing any more; has it moved?");
    found
}

fn quoted(line: &str) -> Option<String> {
    line.split('"').nth(1).map(str::to_owned)
}

/// All that the code knows, by table. What a preset says of it is looked up by the same names.
fn known() -> BTreeMap<&'static str, BTreeSet<String>> {
    let options = names("crates/ctap/src/options.rs", |line| {
        let (field, id) = line.split_once(' ')?;
        let plain = field.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        (plain && id.starts_with('"') && id.ends_with('"')).then(|| quoted(id)).flatten()
    });
    let mut members = names("crates/ctap/src/get_info.rs", |line| {
        let (key, rest) = line.split_once(' ')?;
        (key.starts_with("0x") && rest.ends_with(';')).then(|| key.to_owned())
    });
    members.extend(["0x01", "0x03", "0x04"].map(str::to_owned));
    let algorithms = names("crates/ctap/src/cose.rs", |line| {
        let line = line.strip_prefix("pub const ").filter(|rest| !rest.starts_with("fn "))?;
        line.split_once(": i64").map(|(name, _)| name.to_owned())
    });
    let permissions = names("crates/ctap/src/request/client_pin.rs", |line| {
        let line = line.strip_prefix("pub const ").filter(|rest| !rest.starts_with("fn "))?;
        line.split_once(": Self").map(|(name, _)| name.to_lowercase())
    });
    let mut formats = BTreeSet::new();
    let config = read("crates/authenticator/src/config/attestation.rs");
    let (_, variants) = config.split_once("pub enum AttestationFormat {").unwrap();
    for line in variants.split_once("\n}").unwrap().0.lines().map(str::trim) {
        if let Some(variant) = line.strip_suffix(',') {
            formats.insert(variant.split('(').next().unwrap().to_owned());
        }
    }
    let versions = names("crates/ctap/src/get_info.rs", |line| {
        line.strip_prefix("Self::")?
            .split_once(" => \"")
            .and_then(|(_, text)| text.split_once('"').map(|(version, _)| version.to_owned()))
    });
    let hid = read("crates/ctap/src/hid.rs");
    let (commands, _) = hid.split_once("pub enum HidError").unwrap();
    let hid: BTreeSet<String> = commands
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::")?.split_once(" => 0x"))
        .map(|(_, number)| format!("0x{}", number.trim_end_matches(',')))
        .collect();
    assert!(hid.len() >= 9, "{hid:?}");
    BTreeMap::from([
        ("Versions", versions.into_iter().collect()),
        ("CTAPHID commands", hid),
        ("Commands", crate::presets::commands()),
        ("Subcommands", crate::presets::subcommands()),
        ("Members of getInfo", members.into_iter().collect()),
        ("Option IDs", options.into_iter().collect()),
        ("Extensions", extensions()),
        ("Algorithms", algorithms.into_iter().collect()),
        ("Attestation formats", formats),
        ("PIN/UV auth protocols", ["1", "2"].map(str::to_owned).into()),
        ("Permissions", permissions.into_iter().collect()),
    ])
}

/// The identifiers that the files of the extensions define.
fn extensions() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for module in read("crates/ctap/src/extension.rs").lines() {
        let Some(name) = module.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) else {
            continue;
        };
        for line in read(&format!("crates/ctap/src/extension/{name}.rs")).lines() {
            let line = line.trim();
            if line.starts_with("const ID: ") || line.starts_with("boolean!") {
                ids.extend(quoted(line));
            }
            // The id of a boolean extension stands on a line of its own, after the name of its
            // type.
            if line.ends_with('"') && line.starts_with(|c: char| c.is_ascii_uppercase()) {
                ids.extend(quoted(line));
            }
        }
    }
    assert!(ids.len() >= 10, "{ids:?}");
    ids
}

#[test]
fn every_feature_has_its_line_and_its_tests() {
    let page = read(PAGE);
    let lines = lines(&page);
    let known = known();
    let presets: Vec<Preset> = all();
    let mut tests = Tests::default();
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for line in &lines {
        let Line { table, id, .. } = line;
        if !seen.insert((table.clone(), id.clone())) {
            problems.push(format!("{table}: {id} is there twice"));
        }
        problems.extend(line.tests.iter().filter_map(|test| tests.problem(&reference(test))));
        let Some(ids) = known.get(table.as_str()) else { continue };
        if !ids.contains(id) {
            problems.push(format!("{table}: the code knows no {id}"));
            continue;
        }
        let states: Vec<String> = presets.iter().map(|preset| preset.state(table, id)).collect();
        if states != line.states {
            problems.push(format!(
                "{table}: {id} is {} and not {}",
                states.join(" | "),
                line.states.join(" | ")
            ));
        }
    }
    for (table, ids) in &known {
        for id in ids {
            if !seen.contains(&((*table).to_owned(), id.clone())) {
                let states: Vec<_> = presets.iter().map(|preset| preset.state(table, id)).collect();
                problems.push(format!("{table}: {id} has no line; it is {}", states.join(" | ")));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn lines_are_found_under_their_heading() {
    let page = "# T\n## One\n| Name | a | b | c | d | e |\n| --- | --- | --- | --- | --- | --- |\n| `x` text | yes | – | no | yes | `f::t`, `p/q.rs::u` |\n";
    let found = lines(page);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].table.as_str(), found[0].id.as_str()), ("One", "x"));
    assert_eq!(found[0].states, ["yes", "–", "no", "yes"]);
    assert_eq!(found[0].tests, ["f::t", "p/q.rs::u"]);
    assert_eq!(reference("f::t"), format!("{OWN}/f.rs::t"));
    assert_eq!(reference("p/q.rs::u"), "p/q.rs::u");
}
