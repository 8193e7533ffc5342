//! The languages say the same things.

use towline_pages::{Row, wrong_with};

use super::*;

const TABLES: [&[Row]; 8] = [
    frame::Frame::ROWS,
    sign_in::SignIn::ROWS,
    account::AccountPage::ROWS,
    keys::Keys::ROWS,
    privacy::Privacy::ROWS,
    errors::Errors::ROWS,
    script::SCRIPT,
    sites::Sites::ROWS,
];

#[test]
fn each_text_is_there_in_both_languages_and_has_the_same_places_for_values() {
    assert_eq!(wrong_with(TABLES.into_iter().flatten(), &[]), [""; 0]);
    let rows = TABLES.into_iter().flatten().count();
    assert!(rows > 150, "{rows}");
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
        script::SCRIPT.iter().map(|[name, ..]| *name).collect();
    assert_eq!(said, table);
}
