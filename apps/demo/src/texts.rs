//! All that the page says, in every language: one table, of which each row has all of them.

mod between;
mod devices;
mod guide;
mod page;

use serde_json::{Map, Value};
use towline_rp::Language;

/// A row: name, English, Danish.
pub(crate) type Row = [&'static str; 3];

/// The parts of the table.
pub(crate) const TABLES: [&[Row]; 4] = [page::ROWS, guide::ROWS, devices::ROWS, between::ROWS];

/// What is said by this name. A name that nobody knows says itself.
pub(crate) fn say(language: Language, name: &'static str) -> &'static str {
    find(language, name).unwrap_or(name)
}

/// The same by a name that is put together.
pub(crate) fn find(language: Language, name: &str) -> Option<&'static str> {
    let row = TABLES.into_iter().flatten().find(|[known, ..]| *known == name);
    row.map(|[_, english, danish]| match language {
        Language::English => *english,
        Language::Danish => *danish,
    })
}

/// Everything, for the scripts.
pub(crate) fn all(language: Language) -> Value {
    let rows = TABLES.into_iter().flatten();
    let said = rows.map(|[name, ..]| ((*name).to_owned(), say(language, name).into()));
    Value::Object(said.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests;
