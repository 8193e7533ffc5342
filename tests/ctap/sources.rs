//! Finds tests in the sources by their names.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The tests of the files that were asked for.
#[derive(Default)]
pub(crate) struct Tests(HashMap<String, Result<HashSet<String>, String>>);

impl Tests {
    /// What is wrong with a reference `path/to/file.rs::name`, if anything is.
    pub(crate) fn problem(&mut self, reference: &str) -> Option<String> {
        let Some((path, name)) = reference.rsplit_once("::") else {
            return Some(format!("{reference} is not of the form file::test"));
        };
        match self.0.entry(path.into()).or_insert_with(|| tests_of(path)) {
            Ok(known) if known.contains(name) => None,
            Ok(_) => Some(format!("{path} has no test {name}")),
            Err(error) => Some(format!("{path}: {error}")),
        }
    }
}

fn tests_of(path: &str) -> Result<HashSet<String>, String> {
    let file = root().join(path);
    let text = fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
    let main = file.with_file_name("main.rs");
    // A file beside a main.rs is a part of that program only if it says so.
    if let Ok(main) = fs::read_to_string(main)
        && stem != "main"
        && !main.lines().any(|line| line.trim() == format!("mod {stem};"))
    {
        return Err("is in no program".into());
    }
    Ok(tests_in(&text))
}

/// The names of the functions that are run as tests.
pub(crate) fn tests_in(text: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    let (mut is_test, mut is_ignored) = (false, false);
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if line.starts_with("#[ignore") {
            is_ignored = true;
        } else if line.starts_with("#[") || line.starts_with("//") || line.is_empty() {
            // Other attributes and comments may stand between.
        } else {
            let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
            if let Some(rest) = function
                && is_test
                && !is_ignored
            {
                let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next();
                found.insert(name.unwrap_or_default().to_owned());
            }
            (is_test, is_ignored) = (false, false);
        }
    }
    found
}

#[test]
fn tests_are_told_from_other_functions() {
    let text = "#[test]\nfn one() {}\nfn helper() {}\n#[tokio::test(start_paused = true)]\n// why\n#[cfg(unix)]\n\
                async fn two() {}\n#[test]\n#[ignore]\nfn never() {}\nproptest! {\n    #[test]\n    fn three(x in 0..1) {}\n}\n\
                #[test]\nconst X: u8 = 1;\nfn four() {}";
    assert_eq!(tests_in(text), ["one", "two", "three"].map(str::to_owned).into());
}
