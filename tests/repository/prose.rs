//! Prose fits the screen, in pages and in comments.

use std::path::PathBuf;

use super::{all, files, name, root, sources, text};

/// How wide prose is, in characters. Tables, code and addresses are as wide as they are.
const WIDEST: usize = 100;

#[test]
fn no_line_of_prose_is_wider_than_the_screen() {
    let mut problems = Vec::new();
    let mut wide = |path: &PathBuf, number: usize, line: &str| {
        let length = line.chars().count();
        if length > WIDEST && !line.contains("://") {
            problems.push(format!("{}:{}: {length} columns", name(path), number + 1));
        }
    };
    let mut pages = files(&root(), "md");
    pages.retain(|page| !page.starts_with(root().join("tests/vectors")));
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
    for room in ["crates", "examples", "tests", "benches", "fuzz"] {
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

#[test]
fn whoever_hosts_the_project_runs_every_stage() {
    let script = text(&root().join(".ci/run"));
    let stages = script.split("\nstages=(").nth(1).unwrap().split(')').next().unwrap();
    let workflow = text(&root().join(".github/workflows/ci.yml"));
    let listed = workflow.split("        stages:\n").nth(1).unwrap();
    let listed: Vec<&str> = listed
        .lines()
        .map_while(|line| line.trim().strip_prefix("- "))
        .flat_map(str::split_whitespace)
        .collect();
    let problems = stages.split_whitespace().filter(|stage| !listed.contains(stage));
    all(problems.map(|stage| format!("ci.yml: {stage} is not run")).collect());
    assert!(listed.len() > 10, "{listed:?}");
}
