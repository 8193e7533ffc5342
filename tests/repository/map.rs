//! ARCHITECTURE is true: its layers and its table are those of the manifests, and each path that it
//! names is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{all, front_pages::published, name, root, text};

/// The least number of changes of which the map says where they belong.
const CHANGES: usize = 20;

fn map() -> String {
    text(&root().join("ARCHITECTURE.md"))
}

/// The part of the map below a heading.
fn section<'a>(map: &'a str, heading: &str) -> &'a str {
    let below = map.split(&format!("\n## {heading}\n")).nth(1);
    below.unwrap_or_else(|| panic!("no section {heading}")).split("\n## ").next().unwrap()
}

/// What stands between backticks.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The workspace's crates that a crate needs to be built, by the names of their folders. What only
/// its tests need is not among them.
fn stands_on(krate: &Path) -> BTreeSet<String> {
    let manifest = text(&krate.join("Cargo.toml"));
    let mut needed = false;
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if let Some(table) = line.strip_prefix('[') {
            let for_some_target = table.starts_with("target.") && table.contains(".dependencies]");
            needed = table.starts_with("dependencies]") || for_some_target;
        } else if needed && let Some(rest) = line.strip_prefix("towline") {
            let crate_name = rest.split([' ', '.', '=']).next().unwrap();
            found.insert(crate_name.strip_prefix('-').unwrap_or("towline").to_owned());
        }
    }
    found
}

fn folder(krate: &Path) -> String {
    krate.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn each_crate_stands_on_lower_layers_only() {
    let map = map();
    let drawing = section(&map, "Rooms").split("```").nth(1).unwrap();
    let mut layers = BTreeMap::new();
    let mut problems = Vec::new();
    for line in drawing.lines().skip(1) {
        let mut words = line.split_whitespace();
        let layer: usize = words.next().unwrap().parse().unwrap();
        for krate in words {
            if layers.insert(krate.to_owned(), layer).is_some() {
                problems.push(format!("{krate} is drawn twice"));
            }
        }
    }
    let crates = published();
    for krate in &crates {
        let Some(layer) = layers.get(&folder(krate)) else {
            problems.push(format!("{} is in no layer", name(krate)));
            continue;
        };
        for below in stands_on(krate) {
            if layers.get(&below).is_none_or(|lower| lower >= layer) {
                problems.push(format!("{} stands on {below}, which is not below it", name(krate)));
            }
        }
    }
    for drawn in layers.keys() {
        if !crates.iter().any(|krate| folder(krate) == *drawn) {
            problems.push(format!("{drawn} is drawn, and is no published crate"));
        }
    }
    all(problems);
}

#[test]
fn the_table_of_crates_says_what_each_stands_on() {
    let map = map();
    let mut rows = BTreeMap::new();
    for line in section(&map, "Rooms").lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let [_, krate, needs, _, _, _] = cells[..]
            && let Some(krate) = krate.strip_prefix('`')
        {
            rows.insert(krate.trim_end_matches('`').to_owned(), quoted(needs));
        }
    }
    let mut problems = Vec::new();
    for krate in published() {
        let folder = folder(&krate);
        let needed = stands_on(&krate);
        let said = rows.get(&folder).cloned().unwrap_or_default();
        let said: BTreeSet<String> = said.into_iter().map(str::to_owned).collect();
        if !rows.contains_key(&folder) || said != needed {
            problems.push(format!("{folder} stands on {needed:?}, and the map says {said:?}"));
        }
    }
    all(problems);
}

#[test]
fn the_map_leads_to_files_that_are_there() {
    let map = map();
    let rooms = [
        "apps/",
        "crates/",
        "docs/",
        "tests/",
        "examples/",
        "benches/",
        "packaging/",
        "clients/",
        ".ci/",
        "fuzz/",
    ];
    let mut problems = Vec::new();
    for path in
        quoted(&map).into_iter().filter(|path| rooms.iter().any(|room| path.starts_with(room)))
    {
        if !root().join(path).exists() {
            problems.push(format!("ARCHITECTURE.md names {path}, which is not there"));
        }
    }
    let table = section(&map, "I want to change … → I open …");
    let changes = table.lines().filter(|line| line.starts_with("| ")).skip(2);
    let mut count = 0;
    for change in changes {
        count += 1;
        if quoted(change).is_empty() {
            problems.push(format!("this row opens nothing: {change}"));
        }
    }
    all(problems);
    assert!(count >= CHANGES, "{count}");
}
