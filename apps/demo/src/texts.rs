//! All that the page says, in every language: one table, of which each row has all of them.

mod between;
mod devices;
mod guide;
mod page;

use towline_pages::{Language, Row};

/// The parts of the table.
pub(crate) const TABLES: [&[Row]; 4] = [page::ROWS, guide::ROWS, devices::ROWS, between::ROWS];

/// What is said by this name. A name that nobody knows says itself.
pub(crate) fn say(language: Language, name: &'static str) -> &'static str {
    find(language, name).unwrap_or(name)
}

/// The same by a name that is put together.
pub(crate) fn find(language: Language, name: &str) -> Option<&'static str> {
    let row = TABLES.into_iter().flatten().find(|[known, ..]| *known == name);
    row.map(|[_, english, danish]| language.of_both(*english, *danish))
}

#[cfg(test)]
mod tests;
