//! Each published crate has a front page, which its documentation shows and its tests compile.

use std::path::PathBuf;

use super::{all, crates, name, text};

/// How long a front page may be, in lines: what it is, for whom, one example, where it stands.
const LONGEST: usize = 60;

/// The crates that are for others. `publish.workspace` holds them back for now; a crate that says
/// `publish = false` itself is never published.
pub(super) fn published() -> Vec<PathBuf> {
    let mut crates = crates();
    crates.retain(|krate| !text(&krate.join("Cargo.toml")).contains("\npublish = false"));
    crates
}

#[test]
fn every_published_crate_has_a_front_page_that_is_compiled() {
    let mut problems = Vec::new();
    for krate in published() {
        let mut problem = |what: &str| problems.push(format!("{}: {what}", name(&krate)));
        let manifest = text(&krate.join("Cargo.toml"));
        if !manifest.contains("\nreadme = \"README.md\"\n") {
            problem("the manifest names no README.md");
        }
        let path = krate.join("README.md");
        if !path.exists() {
            problem("there is no README.md");
            continue;
        }
        let page = text(&path);
        let called = manifest.split("\nname = \"").nth(1).and_then(|rest| rest.split('"').next());
        if page.lines().next() != called.map(|called| format!("# {called}")).as_deref() {
            problem("README.md does not begin with the crate's name");
        }
        if page.lines().count() > LONGEST {
            problem("README.md is longer than a front page");
        }
        let library = krate.join("src/lib.rs");
        let (example, shown) = if library.exists() {
            ("```rust", text(&library).contains("include_str!(\"../README.md\")"))
        } else {
            ("```sh", true)
        };
        if !page.contains(example) {
            problem("README.md has no example");
        }
        if !shown {
            problem("README.md is not the documentation of lib.rs");
        }
        if !page.contains("](https://github.com/towline/towline)") {
            problem("README.md does not say where the crate stands");
        }
    }
    all(problems);
}
