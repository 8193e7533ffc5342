//! Prose fits the screen, in pages and in comments.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{all, everything, files, name, root, sources, text};

/// How wide prose is, in characters. Tables, code and addresses are as wide as they are.
const WIDEST: usize = 100;

/// Scripts that are read as prose is: every line of theirs fits.
const READ: [&str; 2] = [".ci/run", "benches/counts"];

/// What to say of a line that is too wide.
fn too_wide(path: &Path, number: usize, line: &str) -> Option<String> {
    let length = line.chars().count();
    (length > WIDEST && !line.contains("://"))
        .then(|| format!("{}:{}: {length} columns", name(path), number + 1))
}

#[test]
fn no_line_of_prose_is_wider_than_the_screen() {
    let mut problems = Vec::new();
    let mut wide = |path: &PathBuf, number: usize, line: &str| {
        problems.extend(too_wide(path, number, line));
    };
    let pages = files(&root(), "md");
    assert!(pages.len() > 10, "{pages:?}");
    for page in pages {
        let (text, mut code) = (text(&page), false);
        for (number, line) in text.lines().enumerate() {
            let start = line.trim_start();
            code ^= start.starts_with("```");
            if !code && !start.starts_with('|') && !line.starts_with("    ") {
                wide(&page, number, line);
            }
        }
    }
    for room in ["apps", "crates", "examples", "tests", "benches", "fuzz"] {
        for path in sources(&root().join(room)) {
            let (text, mut code) = (text(&path), false);
            for (number, line) in text.lines().enumerate() {
                let Some(comment) = line.trim_start().strip_prefix("//") else {
                    code = false;
                    continue;
                };
                let comment = comment.trim_start_matches(['/', '!']);
                let start = comment.trim_start();
                code ^= start.starts_with("```");
                if !code && !start.starts_with('|') && !comment.starts_with("     ") {
                    wide(&path, number, line);
                }
            }
        }
    }
    all(problems);
}

/// Whether a file has comments that begin with `#`, or, in C, with `*` or `/*`.
fn is_script_or_settings(path: &Path, text: &str) -> bool {
    let kind = path.extension().and_then(|kind| kind.to_str());
    match kind {
        Some("c" | "py" | "rules" | "service" | "sh" | "toml" | "yml") => true,
        Some(_) => false,
        None => text.starts_with('#'),
    }
}

#[test]
fn nor_is_a_comment_in_scripts_and_settings() {
    let (mut problems, mut checked) = (Vec::new(), 0);
    for path in everything(&root()) {
        // Whatever is no text is no prose.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if !is_script_or_settings(&path, &text) {
            continue;
        }
        checked += 1;
        let whole = READ.contains(&name(&path).as_str());
        let (mut string, mut docstring) = (false, false);
        for (number, line) in text.lines().enumerate() {
            let start = line.trim_start();
            // Python's docstrings begin a line; other long strings are code.
            let begins = !string && start.starts_with("\"\"\"");
            let comment = start.starts_with(['#', '*']) || start.starts_with("/*");
            if whole || comment || begins || string && docstring {
                problems.extend(too_wide(&path, number, line));
            }
            if line.matches("\"\"\"").count() % 2 == 1 {
                (string, docstring) = (!string, begins);
            }
        }
    }
    all(problems);
    assert!(checked > 40, "{checked}");
}

#[test]
fn whoever_hosts_the_project_runs_every_stage() {
    let script = text(&root().join(".ci/run"));
    let lists = script.split("_stages=(").skip(1).map(|list| list.split(')').next().unwrap());
    let stages: Vec<&str> = lists.flat_map(str::split_whitespace).collect();
    let workflow = text(&root().join(".github/workflows/ci.yml"));
    let listed = workflow.split("        stages:\n").nth(1).unwrap();
    let listed: Vec<&str> = listed
        .lines()
        .map_while(|line| line.trim().strip_prefix("- "))
        .flat_map(str::split_whitespace)
        .collect();
    let problems = stages.iter().filter(|stage| !listed.contains(stage));
    all(problems.map(|stage| format!("ci.yml: {stage} is not run")).collect());
    assert!(stages.len() > 20, "{stages:?}");
}
