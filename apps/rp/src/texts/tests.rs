//! The languages say the same things.

use http::HeaderValue;

use super::*;

const TABLES: [&[[&str; 3]]; 8] = [
    frame::Frame::ROWS,
    sign_in::SignIn::ROWS,
    account::AccountPage::ROWS,
    keys::Keys::ROWS,
    privacy::Privacy::ROWS,
    errors::Errors::ROWS,
    script::Script::ROWS,
    sites::Sites::ROWS,
];

fn places(text: &str) -> Vec<&str> {
    let mut places: Vec<&str> =
        text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    places.sort_unstable();
    places
}

#[test]
fn each_text_is_there_in_both_languages_and_has_the_same_places_for_values() {
    let mut rows = 0;
    for [name, english, danish] in TABLES.into_iter().flatten() {
        assert!(!english.trim().is_empty() && !danish.trim().is_empty(), "{name}");
        assert_eq!(places(english), places(danish), "{name}");
        assert_ne!(english, danish, "{name} is not translated");
        assert_eq!(english.ends_with('.'), danish.ends_with('.'), "{name}");
        assert_eq!(english.ends_with('?'), danish.ends_with('?'), "{name}");
        rows += 1;
    }
    assert!(rows > 150, "{rows}");
}

#[test]
fn values_are_put_in_their_places_and_are_not_read_again() {
    assert_eq!(fill("{a} and {b}", &[("a", "{b}"), ("b", "2")]), "{b} and 2");
    assert_eq!(fill("none", &[("a", "1")]), "none");
    assert_eq!(fill("{missing}!", &[]), "!");
    assert_eq!(fill("cut {", &[]), "cut ");
}

#[test]
fn the_browser_s_language_is_chosen() {
    for (asked, language) in [
        ("da", Language::Danish),
        ("da-DK,da;q=0.9,en;q=0.8", Language::Danish),
        ("en-GB,en;q=0.9,da;q=0.8", Language::English),
        ("en;q=0.1,da;q=0.2", Language::Danish),
        ("fr,da;q=0.3", Language::Danish),
        ("fr", Language::English),
        ("da;q=0", Language::English),
        ("da;q=many", Language::English),
        ("", Language::English),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(asked));
        assert_eq!(Language::asked_for(&headers), language, "{asked}");
    }
    assert_eq!(Language::asked_for(&HeaderMap::new()), Language::English);
}

#[test]
fn the_script_says_what_is_in_its_table_and_nothing_else() {
    let scripts = [
        include_str!("../assets/page.js"),
        include_str!("../assets/passkeys.js"),
        include_str!("../assets/ways.js"),
    ]
    .concat();
    let said: std::collections::BTreeSet<&str> = scripts
        .split("texts.")
        .skip(1)
        .map(|rest| rest.split(|c: char| !(c.is_ascii_lowercase() || c == '_')).next().unwrap())
        .collect();
    let table: std::collections::BTreeSet<&str> =
        script::Script::ROWS.iter().map(|[name, ..]| *name).collect();
    assert_eq!(said, table);
}
