//! Each rule by which devices agree has tests, and the page that lists them is true.

use std::collections::BTreeSet;

use super::{root, sources, text};

/// The design has R1 to R19.
const RULES: usize = 19;

#[test]
fn each_rule_of_a_circle_names_tests_that_are_there() {
    let page = text(&root().join("docs/sync.md"));
    let code: String = sources(&root().join("crates/sync/src")).iter().map(|it| text(it)).collect();
    let is_test = |name: &str| {
        code.contains(&format!("#[test]\n    fn {name}() {{"))
            || code.contains(&format!("#[test]\nfn {name}() {{"))
    };
    let mut rules = BTreeSet::new();
    for row in page.lines().filter(|line| line.starts_with("| R")) {
        let cells: Vec<_> = row.split(" | ").collect();
        let [rule, _, tests] = cells[..] else { panic!("{row}") };
        let tests: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{row}");
        let gone: Vec<_> = tests.iter().filter(|test| !is_test(test)).collect();
        assert!(gone.is_empty(), "{rule}: no tests {gone:?}");
        rules.insert(rule.trim_start_matches("| R").parse::<usize>().unwrap());
    }
    assert_eq!(rules, (1..=RULES).collect());
}
