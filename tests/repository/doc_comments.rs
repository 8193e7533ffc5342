//! A doc comment says something that the item's name does not say already.

use super::{all, crates, name, sources, text};

/// Fewer words than these say nothing, unless one of them is a term, a number or code.
const FEWEST: usize = 3;

/// Sentences that fit any item: questions that the reader already has.
const EMPTY: [&str; 41] = [
    "as it is",
    "for whom",
    "how it is done",
    "how many",
    "it is off",
    "it is on",
    "names the job",
    "names the question",
    "none at all",
    "not at all",
    "nothing at all",
    "of which job",
    "the item itself",
    "the public half",
    "the question's name",
    "the ring's name",
    "the tunnel's name",
    "the value itself",
    "there is none",
    "to whom",
    "what becomes of it",
    "what for",
    "what happened",
    "what is allowed",
    "what is on",
    "what is to be done",
    "what it is",
    "what it needs",
    "what stands there",
    "what to ask",
    "what to run",
    "what was wrong",
    "where it is",
    "where they belong",
    "which link",
    "which phone",
    "which server of it",
    "which tunnel there",
    "who asks",
    "whose service",
    "wraps the bytes",
];

/// Words that add nothing to a name.
const FILLERS: [&str; 17] = [
    "a", "an", "all", "for", "his", "is", "it", "its", "of", "one", "that", "the", "these", "this",
    "those", "to", "with",
];

/// Why a doc comment says nothing about the item that it stands on, if it does not.
fn says_nothing(doc: &str, item: &str) -> Option<&'static str> {
    let words: Vec<String> = doc
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    if EMPTY.contains(&words.join(" ").as_str()) {
        return Some("says what could be said of anything");
    }
    if has_a_term(doc) {
        return None;
    }
    if words.len() < FEWEST {
        return Some("is too short to say anything");
    }
    let name = words_of(item);
    let mut said = words.iter().filter(|word| !FILLERS.contains(&word.as_str()));
    said.all(|word| name.contains(&word.trim_end_matches('s').to_owned()))
        .then_some("only says the name again")
}

/// Code, a link, a number, or a word with a capital inside or of nothing but capitals.
fn has_a_term(doc: &str) -> bool {
    doc.contains(['`', '[']) || doc.chars().any(|c| c.is_ascii_digit()) || {
        let capitals = |word: &str| word.chars().skip(1).any(char::is_uppercase);
        doc.split_whitespace().any(capitals)
    }
}

/// The words of the name in `pub const fn max_length(&self) -> usize {`.
fn words_of(item: &str) -> Vec<String> {
    let keywords = ["pub", "const", "async", "fn", "struct", "enum", "trait", "type", "mod"];
    let name = item
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .find(|word| !word.is_empty() && !keywords.contains(word) && *word != "crate")
        .unwrap_or_default();
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || c.is_uppercase() {
            words.push(String::new());
        }
        if c != '_' {
            words.last_mut().unwrap().extend(c.to_lowercase());
        }
    }
    words.iter().map(|word| word.trim_end_matches('s').to_owned()).collect()
}

#[test]
fn every_doc_comment_says_something() {
    let mut problems = Vec::new();
    for path in crates().iter().flat_map(|krate| sources(&krate.join("src"))) {
        let text = text(&path);
        let mut lines = text.lines().map(str::trim).enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let Some(first) = line.strip_prefix("///") else { continue };
            let mut doc = first.to_owned();
            while let Some((_, more)) = lines.next_if(|(_, line)| line.starts_with("///")) {
                doc.push(' ');
                doc.push_str(more.trim_start_matches('/'));
            }
            while lines.next_if(|(_, line)| line.starts_with("#[")).is_some() {}
            let item = lines.peek().map_or("", |(_, line)| line);
            if let Some(why) = says_nothing(&doc, item) {
                problems.push(format!("{}:{}: \"{}\" {why}", name(&path), number + 1, doc.trim()));
            }
        }
    }
    all(problems);
}

#[test]
fn what_says_nothing_is_told_from_what_is_short() {
    for (doc, item) in [
        ("It.", "pub channel: Box<dyn DataChannel>,"),
        ("For whom.", "rp: Rp,"),
        ("The question's name.", "token: Token,"),
        ("Its bytes.", "pub fn as_bytes(&self) -> &[u8] {"),
        ("It is the public key.", "pub public_keys: Vec<Key>,"),
    ] {
        assert!(says_nothing(doc, item).is_some(), "{doc}");
    }
    for (doc, item) in [
        ("`FIDO_2_1`", "Fido2_1,"),
        ("0x0A", "LockRequired,"),
        ("authenticatorReset", "Reset,"),
        ("Flag UV.", "pub user_verified: bool,"),
        ("How long it waits.", "pub after: Duration,"),
    ] {
        assert_eq!(says_nothing(doc, item), None, "{doc}");
    }
}
