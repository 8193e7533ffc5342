//! The table of the journey is true: each test that it names exists.

use std::path::Path;

use super::{all, files, root, text};

const TABLE: &str = "docs/journey.md";

/// What a column's tests are in, and how a function begins there.
const COLUMNS: [(&str, &str); 4] = [
    ("tests/rp_pages tests/chromium", "def "),
    ("apps/rp/tests/it", "fn "),
    ("tests/journey", "fn "),
    ("crates/cli/tests/it", "fn "),
];

/// The names in a cell: between backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn is_there(column: usize, name: &str) -> bool {
    let (folders, begins) = COLUMNS[column];
    let function = |code: &str, name: &str| code.contains(&format!("{begins}{name}("));
    match name.split_once("::") {
        None => folders
            .split(' ')
            .flat_map(|folder| files(&root().join(folder), "py"))
            .any(|file| function(&text(&file), name)),
        Some((file, name)) => {
            let place = if file.contains('/') {
                root().join(file)
            } else {
                root().join(folders).join(file).with_extension("rs")
            };
            place.is_file() && function(&text(&place), name)
        }
    }
}

#[test]
fn each_step_of_the_journey_has_the_tests_that_its_table_names() {
    let table = text(&root().join(Path::new(TABLE)));
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit())
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let numbers: Vec<_> = rows.iter().map(|row| row[0].split(' ').next().unwrap()).collect();
    let wanted: Vec<_> = (1..=17).map(|step| step.to_string()).collect();
    assert_eq!(numbers, wanted, "{TABLE} has each step once, in order");
    let mut problems = Vec::new();
    for row in &rows {
        assert_eq!(row.len(), 5, "{row:?}");
        if names(row[1]).next().is_none() {
            problems.push(format!("{}: no test in a browser", row[0]));
        }
        for (column, cell) in row[1..].iter().enumerate() {
            if names(cell).next().is_none() && *cell != "–" {
                problems.push(format!("{}: {cell:?} names no test", row[0]));
            }
            let missing = names(cell).filter(|name| !is_there(column, name));
            problems.extend(missing.map(|name| format!("{}: there is no test {name}", row[0])));
        }
    }
    all(problems);
}
