//! What holds for the whole repository: checked by reading it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod circles;
mod doc_comments;
mod front_pages;
mod journey;
mod map;
mod prose;
mod public_names;
mod sync_rules;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// No sockets, no clocks, no threads, no randomness of their own, and nothing asynchronous.
const SANS_IO: [&str; 10] = [
    "cbor",
    "crypto",
    "ctap",
    "authenticator",
    "client",
    "exchange",
    "hybrid",
    "rendezvous",
    "sync",
    "webauthn-rp",
];

/// The client's door to asynchronous programs, which has no runtime in it.
const ASYNC_DOOR: &str = "client/src/channel.rs";

/// Where a file of a library has grown so long that it is two, in lines.
const LONGEST: usize = 500;
/// The same for files that are lists of cases.
const LONGEST_TEST: usize = 1000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The crates that are published to others: every one under `crates/` and `apps/`.
fn crates() -> Vec<PathBuf> {
    let mut crates: Vec<_> = ["crates", "apps"]
        .iter()
        .flat_map(|room| fs::read_dir(root().join(room)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("Cargo.toml").exists())
        .collect();
    crates.sort();
    assert!(crates.len() >= 10, "{crates:?}");
    crates
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// All Rust files below a directory, without what Cargo built.
fn sources(directory: &Path) -> Vec<PathBuf> {
    files(directory, "rs")
}

fn files(directory: &Path, kind: &str) -> Vec<PathBuf> {
    let mut files = everything(directory);
    files.retain(|path| path.extension().is_some_and(|extension| extension == kind));
    files
}

/// All files below a directory, without what Cargo built and what git keeps for itself.
fn everything(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(directory) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            found.push(path);
        } else if path.file_name().is_some_and(|name| name != "target" && name != ".git") {
            found.extend(everything(&path));
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", name(path)))
}

/// The code of a library, without its unit tests and comments.
fn code(path: &Path) -> String {
    let text = text(path);
    let library = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    library
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

fn all(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// `cargo fuzz run` wants a folder of seeds, and without any it finds little in a short time.
#[test]
fn each_fuzz_target_has_seeds() {
    let fuzz = root().join("fuzz");
    let targets = sources(&fuzz.join("fuzz_targets"));
    assert!(targets.len() > 40, "{}", targets.len());
    let seeds = |target: &PathBuf| fuzz.join("corpus").join(target.file_stem().unwrap());
    let bare = targets.iter().filter(|target| everything(&seeds(target)).is_empty());
    all(bare.map(|target| format!("{}: no seeds", name(target))).collect());
}

#[test]
fn every_crate_forbids_unsafe_code_and_denies_missing_documentation() {
    let mut problems = Vec::new();
    for krate in crates() {
        let manifest = text(&krate.join("Cargo.toml"));
        if !manifest.contains("[lints]\nworkspace = true") {
            problems.push(format!("{}: the workspace's lints are not used", name(&krate)));
        }
        let roots: Vec<_> = ["src/lib.rs", "src/main.rs"]
            .iter()
            .map(|file| krate.join(file))
            .filter(|path| path.exists())
            .collect();
        assert!(!roots.is_empty(), "{}", name(&krate));
        for path in roots {
            let root = text(&path);
            // A program has no public items.
            let library = path.ends_with("lib.rs");
            for (attribute, needed) in
                [("#![forbid(unsafe_code)]", true), ("#![deny(missing_docs)]", library)]
            {
                if needed && !root.contains(attribute) {
                    problems.push(format!("{}: no {attribute}", name(&path)));
                }
            }
            if !root.starts_with("//!") && !root.starts_with("#![") {
                problems.push(format!("{}: no documentation at its top", name(&path)));
            }
        }
    }
    all(problems);
}

#[test]
fn nothing_in_the_sources_is_unsafe() {
    let mut problems = Vec::new();
    for room in ["apps", "crates", "examples", "tests", "benches"] {
        for path in sources(&root().join(room)) {
            let code = code(&path);
            for form in ["{", "fn ", "impl ", "extern ", "trait "] {
                if code.contains(&format!("{} {form}", concat!("un", "safe"))) {
                    problems.push(name(&path));
                }
            }
        }
    }
    all(problems);
}

#[test]
fn the_cores_are_neither_asynchronous_nor_do_they_do_anything_themselves() {
    let forbidden = [
        "async fn",
        "async {",
        "async move",
        ".await;",
        ".await?",
        ".await.",
        "tokio",
        "Instant::now",
        "SystemTime::now",
        "std::net",
        "std::thread",
        "thread::spawn",
        "std::fs",
        "getrandom::",
        "println!",
    ];
    let mut problems = Vec::new();
    for krate in SANS_IO {
        let src = root().join("crates").join(krate).join("src");
        let files = sources(&src);
        assert!(!files.is_empty(), "{krate}");
        for path in files {
            if path.ends_with(ASYNC_DOOR) || path.ends_with("tests.rs") {
                continue;
            }
            let code = code(&path);
            for word in forbidden {
                // The operating system's randomness has to come from somewhere: the provider.
                let provider = krate == "crypto" && word == "getrandom::";
                if code.contains(word) && !provider {
                    problems.push(format!("{}: {word}", name(&path)));
                }
            }
        }
    }
    all(problems);
}

#[test]
fn the_cores_depend_on_no_runtime() {
    let mut problems = Vec::new();
    for krate in SANS_IO {
        let path = root().join("crates").join(krate).join("Cargo.toml");
        let manifest = text(&path);
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for runtime in ["tokio", "hyper", "async-std", "smol", "rustls", "mio"] {
            if dependencies.lines().any(|line| line.starts_with(runtime)) {
                problems.push(format!("{}: {runtime}", name(&path)));
            }
        }
    }
    all(problems);
}

/// Requests, channels, cancellation, questions, slow work and time are easily driven half right.
#[test]
fn an_authenticator_is_driven_by_one_crate() {
    let mut problems = Vec::new();
    for krate in crates() {
        let of = name(&krate);
        // Its own, the one that drives it, and the one that is for tests.
        if ["crates/authenticator", "crates/device", "crates/testkit"].contains(&&*of) {
            continue;
        }
        for path in sources(&krate.join("src")) {
            let code = code(&path);
            for call in ["authenticator.poll_output(", "handle_request_over("] {
                if code.contains(call) {
                    problems.push(format!("{}: {call}", name(&path)));
                }
            }
        }
    }
    all(problems);
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut problems = Vec::new();
    for room in ["apps", "crates", "examples", "tests", "benches"] {
        for path in sources(&root().join(room)) {
            let text = text(&path);
            let lines = text.lines().count();
            let library = path.components().any(|part| part.as_os_str() == "src");
            if lines > if library { LONGEST } else { LONGEST_TEST } {
                problems.push(format!("{}: {lines} lines", name(&path)));
            }
            if !text.starts_with("//!") && !text.starts_with("#!") {
                problems.push(format!("{}: no line on what it is for", name(&path)));
            }
        }
    }
    all(problems);
}

#[test]
fn no_file_is_a_drawer_for_odds_and_ends() {
    let mut problems = Vec::new();
    for room in ["apps", "crates", "examples", "tests", "benches"] {
        for path in sources(&root().join(room)) {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let parent = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
            for drawer in ["util", "utils", "common", "misc", "helpers"] {
                if stem == drawer || parent == drawer {
                    problems.push(name(&path));
                }
            }
        }
    }
    all(problems);
}

#[test]
fn modules_stand_beside_their_folders() {
    let mut problems = Vec::new();
    for room in ["apps", "crates", "examples", "benches", "fuzz"] {
        for path in sources(&root().join(room)) {
            if path.ends_with("mod.rs") {
                let folder = path.parent().unwrap();
                problems.push(format!("{}: {}.rs is its place", name(&path), name(folder)));
            }
        }
    }
    all(problems);
}

/// A crate's tests are modules of one program, which is linked once.
#[test]
fn a_crate_has_one_test_program_unless_its_manifest_says_why() {
    let mut problems = Vec::new();
    for krate in crates() {
        let manifest = text(&krate.join("Cargo.toml"));
        let Ok(entries) = fs::read_dir(krate.join("tests")) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let file = path.extension().is_some_and(|extension| extension == "rs");
            let program = path.file_stem().unwrap().to_string_lossy().into_owned();
            let starts = file || path.join("main.rs").exists();
            let before = manifest.split(&format!("\n[[test]]\nname = \"{program}\"\n")).next();
            let comment = before.unwrap().lines().rfind(|line| line.starts_with('#'));
            let excused = before != Some(&*manifest)
                && comment.is_some_and(|comment| comment.starts_with("# Apart from `it`: "));
            if starts && program != "it" && !excused {
                problems.push(format!("{}: neither in `it` nor excused", name(&path)));
            }
            if file && program == "it" {
                problems.push(format!("{}: it is it/main.rs", name(&path)));
            }
        }
    }
    all(problems);
}

#[test]
fn nothing_is_left_to_be_done_in_a_comment_or_a_macro() {
    let words =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("HA", "CK")];
    let macros = [concat!("to", "do!("), concat!("unimpl", "emented!("), concat!("db", "g!(")];
    let mut problems = Vec::new();
    for room in ["apps", "crates", "examples", "tests", "benches"] {
        for path in sources(&root().join(room)) {
            let text = text(&path);
            for word in words.iter().chain(&macros) {
                if text.contains(word) {
                    problems.push(format!("{}: {word}", name(&path)));
                }
            }
        }
    }
    all(problems);
}

#[test]
fn versions_and_metadata_stand_in_one_place() {
    let mut problems = Vec::new();
    for krate in crates() {
        let path = krate.join("Cargo.toml");
        let manifest = text(&path);
        for key in ["version", "edition", "rust-version", "license", "repository"] {
            if !manifest.contains(&format!("\n{key}.workspace = true")) {
                problems.push(format!("{}: {key} is not the workspace's", name(&path)));
            }
        }
        if !manifest.contains("\ndescription = ") {
            problems.push(format!("{}: no description", name(&path)));
        }
        let mut dependencies = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                dependencies = line.contains("dependencies");
            } else if dependencies && line.contains("version =") {
                problems.push(format!("{}: {line}", name(&path)));
            }
        }
    }
    all(problems);
}

#[test]
fn the_map_names_every_crate_and_gives_every_dependency_a_reason() {
    let map = text(&root().join("ARCHITECTURE.md"));
    let rows: Vec<_> = map.lines().filter(|line| line.starts_with("| `")).collect();
    let mut problems = Vec::new();
    for krate in crates() {
        let room = krate.file_name().unwrap().to_string_lossy().into_owned();
        if !rows.iter().any(|row| row.starts_with(&format!("| `{room}` |"))) {
            problems.push(format!("no row on the crate {room}"));
        }
    }
    let manifest = text(&root().join("Cargo.toml"));
    let section = manifest.split("[workspace.dependencies]\n").nth(1).unwrap();
    let dependencies: Vec<_> = section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
        .filter(|name| *name != "towline" && !name.starts_with("towline-"))
        .collect();
    assert!(dependencies.len() >= 40, "{dependencies:?}");
    for dependency in dependencies {
        if !rows.iter().any(|row| row.contains(&format!("`{dependency}`"))) {
            problems.push(format!("no reason for {dependency}"));
        }
    }
    all(problems);
}

/// The pages that quote the sources, each quotation after the name of its file.
const QUOTING: [&str; 5] = [
    "docs/embedding.md",
    "docs/testing.md",
    "docs/testing-languages.md",
    "docs/virtual-page.md",
    "docs/virtual-webdriver.md",
];

/// The languages of quotations, as they stand behind the three backquotes.
const QUOTED: [&str; 3] = ["rust", "python", "js"];

#[test]
fn what_a_page_quotes_is_in_the_file_that_it_names() {
    let mut problems = Vec::new();
    for page in QUOTING {
        let text = text(&root().join(page));
        let mut quotations = 0;
        let blocks = text.match_indices("```").map(|(at, _)| text.split_at(at));
        for (before, rest) in blocks {
            let Some((language, rest)) = rest[3..].split_once('\n') else { continue };
            if !QUOTED.contains(&language) {
                continue;
            }
            let quoted = rest.split("```").next().unwrap();
            let source = before.trim_end().rsplit('`').nth(1).unwrap_or_default();
            let there = fs::read_to_string(root().join(source)).unwrap_or_default();
            if !there.contains(quoted) {
                problems.push(format!("{page}: `{source}` does not say\n{quoted}"));
            }
            quotations += 1;
        }
        assert!(quotations >= 4, "{page} quotes {quotations} times only");
    }
    all(problems);
}

#[test]
fn the_links_between_the_pages_lead_somewhere() {
    let mut pages: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"]
            .map(|page| root().join(page))
            .into();
    pages.extend(files(&root().join("docs"), "md"));
    let mut problems = Vec::new();
    for page in pages {
        let text = text(&page);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            let outside = file.is_empty() || file.contains("://");
            if !outside && !page.with_file_name(file).exists() {
                problems.push(format!("{}: {target} is not there", name(&page)));
            }
        }
    }
    all(problems);
}
