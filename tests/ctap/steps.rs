//! `steps.toml`: the rules, and the tests that show them.

use std::collections::HashSet;

use crate::sources::{Tests, read};

/// One rule of the standard.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rule {
    id: String,
    section: String,
    rule: String,
    test: Vec<String>,
}

/// What `steps.toml` says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    standard: String,
    sections: Vec<String>,
    rules: Vec<Rule>,
}

/// Reads the part of TOML that the table is written in: strings and arrays of strings. Anything
/// else is a mistake in it.
fn parse(text: &str) -> Result<Table, String> {
    let mut table = Table::default();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        if line == "[[rule]]" {
            table.rules.push(Rule::default());
            continue;
        }
        let (name, value) = line.split_once(" = ").ok_or_else(|| format!("not a line: {line}"))?;
        let mut value = value.to_owned();
        while value.starts_with('[') && !value.ends_with(']') {
            value.push_str(lines.next().ok_or("an array has no end")?);
        }
        let rule = table.rules.last_mut();
        match (name, rule) {
            ("standard", None) => table.standard = string(&value)?,
            ("sections", None) => table.sections = strings(&value)?,
            ("id", Some(rule)) => rule.id = string(&value)?,
            ("section", Some(rule)) => rule.section = string(&value)?,
            ("rule", Some(rule)) => rule.rule = string(&value)?,
            ("test", Some(rule)) => rule.test = strings(&value)?,
            _ => return Err(format!("{name} does not belong here")),
        }
    }
    Ok(table)
}

fn string(value: &str) -> Result<String, String> {
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner
        .filter(|inner| !inner.contains(['"', '\\']))
        .map(str::to_owned)
        .ok_or_else(|| format!("not a plain string: {value}"))
}

fn strings(value: &str) -> Result<Vec<String>, String> {
    let inner = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let inner = inner.ok_or_else(|| format!("not an array: {value}"))?;
    let parts = inner.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(string).collect()
}

/// All that is wrong with a table.
fn problems(table: &Table, mut problem_of: impl FnMut(&str) -> Option<String>) -> Vec<String> {
    let mut found = Vec::new();
    let (mut ids, mut texts, mut used) = (HashSet::new(), HashSet::new(), HashSet::new());
    for rule in &table.rules {
        let id = &rule.id;
        if id.is_empty() || !ids.insert(id) {
            found.push(format!("the id `{id}` is empty or there twice"));
        }
        if rule.rule.is_empty() || !texts.insert((&rule.section, &rule.rule)) {
            found.push(format!("{id}: the rule is empty or there twice"));
        }
        if !table.sections.contains(&rule.section) {
            found.push(format!("{id}: §{} is not among the sections", rule.section));
        }
        used.insert(&rule.section);
        if rule.test.is_empty() {
            found.push(format!("{id}: no test shows it"));
        }
        let broken = rule.test.iter().filter_map(|test| problem_of(test));
        found.extend(broken.map(|problem| format!("{id}: {problem}")));
    }
    for section in &table.sections {
        if !used.contains(section) {
            found.push(format!("§{section} has no rule"));
        }
    }
    found
}

#[test]
fn every_rule_of_the_standard_has_its_tests() {
    let table = parse(&read("tests/ctap/steps.toml")).unwrap();
    assert_eq!(table.standard, "CTAP 2.3");
    assert!(table.rules.len() > 300, "rules were lost: {}", table.rules.len());
    let mut tests = Tests::default();
    let found = problems(&table, |reference| tests.problem(reference));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn what_is_wrong_with_the_table_is_noticed() {
    let good = "standard = \"X\"\nsections = [\n  \"1\", \"2\",\n]\n# a comment\n[[rule]]\nid = \"a\"\nsection = \"1\"\n\
                rule = \"One\"\ntest = [\"f::t\"]\n\n[[rule]]\nid = \"b\"\nsection = \"2\"\nrule = \"Two\"\ntest = [\n \"f::t\",\n]\n";
    let wrong = |from: &str, to: &str| {
        let text = good.replacen(from, to, 1);
        assert!(from.is_empty() || text != good, "{from}");
        problems(&parse(&text).unwrap(), |test| (test != "f::t").then(|| test.to_owned())).len()
    };
    assert_eq!(wrong("", ""), 0);
    assert_eq!(wrong("\"b\"", "\"a\""), 1, "an id twice");
    assert_eq!(wrong("[\"f::t\"]", "[]"), 1, "no test");
    assert_eq!(wrong("[\"f::t\"]", "[\"f::u\"]"), 1, "a test that is not there");
    assert_eq!(wrong("section = \"2\"", "section = \"1\""), 1, "a section without a rule");
    assert_eq!(wrong("\"2\",", ""), 1, "a section that is not listed");
    assert_eq!(wrong("\"One\"", "\"\""), 1, "an empty rule");
    for broken in ["id: 1", "[rule]", "tests = []", "id = 'a'", "test = [\"a\"", "test = [1]"] {
        assert!(parse(&format!("{good}{broken}")).is_err(), "{broken}");
    }
}
