//! The languages say the same things, and the page says what is in the table.

use std::collections::BTreeSet;

use super::*;
use crate::{assets::FILES, tour};

/// Words that both languages have.
const SAME: [&str; 2] = ["device_tablet", "who_computer"];

fn places(text: &str) -> Vec<&str> {
    let mut places: Vec<&str> =
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    places.sort_unstable();
    places
}

#[test]
fn each_text_is_there_once_in_both_languages_with_the_same_places_for_values() {
    let mut known = BTreeSet::new();
    for [name, english, danish] in TABLES.into_iter().flatten() {
        assert!(known.insert(*name), "{name} is there twice");
        assert!(!english.trim().is_empty() && !danish.trim().is_empty(), "{name}");
        assert_eq!(places(english), places(danish), "{name}");
        assert!(english != danish || SAME.contains(name), "{name} is not translated");
        for end in ['.', '?', ':', '…'] {
            assert_eq!(english.ends_with(end), danish.ends_with(end), "{name}");
        }
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
    let scripts: String = FILES.iter().map(|(.., content)| *content).collect();
    let mut asked: BTreeSet<String> = named(html, "t(\"")
        .into_iter()
        .chain(named(&scripts, "say(\""))
        .map(str::to_owned)
        .collect();
    for step in tour::STEPS {
        asked.extend(["title", "text", "do"].map(|part| format!("step_{step}_{part}")));
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
