//! The languages say the same things, and the page says what is in the table.

use std::collections::BTreeSet;

use towline_pages::wrong_with;

use super::*;
use crate::{assets::FILES, tour};

/// Words that both languages have.
const SAME: [&str; 2] = ["device_tablet", "who_computer"];

#[test]
fn each_text_is_there_once_in_both_languages_with_the_same_places_for_values() {
    assert_eq!(wrong_with(TABLES.into_iter().flatten(), &SAME), [""; 0]);
    let mut known = BTreeSet::new();
    for [name, ..] in TABLES.into_iter().flatten() {
        assert!(known.insert(*name), "{name} is there twice");
    }
    assert!(known.len() > 150, "{}", known.len());
}

/// The names that a source asks for by a call of this shape.
fn named<'s>(source: &'s str, before: &str) -> Vec<&'s str> {
    source.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_text_that_is_asked_for_is_there_and_every_text_is_asked_for() {
    let html = include_str!("../html.rs");
    let scripts: String = FILES.iter().map(|file| file.content).collect();
    let mut asked: BTreeSet<String> = named(html, "t(\"")
        .into_iter()
        .chain(named(&scripts, "say(\""))
        .map(str::to_owned)
        .collect();
    for step in tour::STEPS {
        asked.extend(["title", "text"].map(|part| format!("step_{step}_{part}")));
        // On the short way the bar says it, one thing after the other.
        if tour::means(step).is_none() {
            asked.insert(format!("step_{step}_do"));
        }
    }
    // Names that scripts put together, by what they begin with.
    let mut begins: BTreeSet<&str> =
        scripts.split("say(`").skip(1).filter_map(|rest| rest.split("${").next()).collect();
    begins.extend(["about_", "device_", "who_"]);
    let names: BTreeSet<String> =
        TABLES.into_iter().flatten().map(|[name, ..]| (*name).to_owned()).collect();
    for name in &asked {
        assert!(names.contains(name), "{name} is nowhere in the table");
    }
    for name in &names {
        let used = asked.contains(name)
            || begins.iter().any(|begin| name.starts_with(begin))
            || [html, &scripts].iter().any(|it| it.contains(&format!("\"{name}\"")));
        assert!(used, "{name} is said nowhere");
    }
}

/// What the bar says on top of it depends on what is pressed; `tests/rp_pages/demo.py` counts all.
#[test]
fn the_short_way_is_read_in_a_minute() {
    for language in [Language::English, Language::Danish] {
        let words: usize = tour::SHORT
            .into_iter()
            .flat_map(|step| ["title", "text"].map(|part| format!("step_{step}_{part}")))
            .filter_map(|name| find(language, &name))
            .map(|text| text.split_whitespace().count())
            .sum();
        assert!((90..=150).contains(&words), "{words} words");
    }
}
