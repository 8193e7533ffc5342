//! Tables of what pages say, of which each row has all languages.

use maud::{Markup, PreEscaped, html};
use serde_json::{Map, Value};

use crate::Language;

/// A row of a table: a name, and what it is in English and in Danish. Places for values are names
/// in braces.
pub type Row = [&'static str; 3];

/// Puts values in the places of a text that are named in braces.
#[must_use]
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rest = after;
            continue;
        };
        let value = values.iter().find(|(known, _)| *known == name);
        filled.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// A name that somebody gave, set apart, so that it can't turn the direction of what is around it
/// (Unicode's UAX #9 §2.4).
#[must_use]
pub fn isolated(name: &str) -> String {
    let turning = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain: String = name.chars().filter(|c| !turning(c)).collect();
    format!("\u{2068}{plain}\u{2069}")
}

/// What scripts say: the element `#texts`, with the rows by their names as JSON, which is not run.
#[must_use]
pub fn for_scripts<'a>(rows: impl Iterator<Item = &'a Row>, language: Language) -> Markup {
    let said = rows.map(|[name, english, danish]| {
        ((*name).to_owned(), Value::from(language.of_both(*english, *danish)))
    });
    let json = Value::Object(said.collect::<Map<_, _>>()).to_string();
    html! {
        script #texts type="application/json" { (PreEscaped(json.replace('<', "\\u003c"))) }
    }
}

/// What is wrong with a table, for tests: rows that lack a language, have other places for values
/// in one than in the other, or end in another way. Those in `same` may be alike in both.
#[must_use]
pub fn wrong_with<'a>(rows: impl Iterator<Item = &'a Row>, same: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for [name, english, danish] in rows {
        if english.trim().is_empty() || danish.trim().is_empty() {
            wrong.push(format!("{name}: a language is missing"));
        }
        if places(english) != places(danish) {
            wrong.push(format!("{name}: other places for values"));
        }
        if english == danish && !same.contains(name) {
            wrong.push(format!("{name}: not translated"));
        }
        let ends =
            ['.', '?', '!', ':', '…'].map(|end| english.ends_with(end) != danish.ends_with(end));
        if ends.contains(&true) {
            wrong.push(format!("{name}: ends in another way"));
        }
    }
    wrong
}

fn places(text: &str) -> Vec<&str> {
    let mut places: Vec<&str> =
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    places.sort_unstable();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_in_their_places_and_are_not_read_again() {
        assert_eq!(fill("{a} and {b}", &[("a", "{b}"), ("b", "2")]), "{b} and 2");
        assert_eq!(fill("none", &[("a", "1")]), "none");
        assert_eq!(fill("{missing}!", &[]), "!");
        assert_eq!(fill("cut {", &[]), "cut ");
    }

    #[test]
    fn a_name_turns_nothing_but_itself() {
        assert_eq!(isolated("Jo"), "\u{2068}Jo\u{2069}");
        assert_eq!(isolated("\u{202e}elpmaxe.knab\u{2069}"), "\u{2068}elpmaxe.knab\u{2069}");
    }

    #[test]
    fn what_is_wrong_with_a_table_is_found() {
        let rows: [Row; 6] = [
            ["good", "Hello {name}.", "Hej {name}."],
            ["empty", "Hello", " "],
            ["places", "Hello {name}", "Hej {navn}"],
            ["same", "Tablet", "Tablet"],
            ["excused", "Tablet", "Tablet"],
            ["ends", "Hello?", "Hej"],
        ];
        let wrong = wrong_with(rows.iter(), &["excused"]);
        let names: Vec<_> = wrong.iter().map(|it| it.split(':').next().unwrap()).collect();
        assert_eq!(names, ["empty", "places", "same", "ends"], "{wrong:?}");
    }

    #[test]
    fn texts_for_scripts_end_no_element() {
        let rows: [Row; 1] = [["a", "</script><b>", "<!--"]];
        for language in Language::ALL {
            let markup = for_scripts(rows.iter(), language).into_string();
            assert_eq!(markup.matches('<').count(), 2, "{markup}");
        }
    }
}
