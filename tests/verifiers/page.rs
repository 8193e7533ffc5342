//! What docs/faults.md says of the verifiers in other languages. The stage `verifiers` finds out
//! whether that is so.

use std::{fs, path::PathBuf};

use towline_virtual::Fault;

/// Those verifiers, in the order of their columns, which are the last of each table.
pub(crate) const ELSEWHERE: [&str; 3] = ["py_webauthn", "python-fido2", "@simplewebauthn/server"];

/// The whole page.
pub(crate) fn text() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/faults.md");
    fs::read_to_string(path).unwrap()
}

/// The last cells of the fault's row, without the parentheses around what is not a verifier's job;
/// nothing of a fault that has no row yet.
pub(crate) fn told(page: &str, fault: Fault) -> [String; ELSEWHERE.len()] {
    let start = format!("| `{fault}` |");
    let row = page.lines().find(|line| line.starts_with(&start)).unwrap_or_default();
    let mut cells = row.trim_end_matches(" |").rsplit(" | ");
    let mut cells = [(); ELSEWHERE.len()].map(|()| cells.next().unwrap_or_default());
    cells.reverse();
    cells.map(|cell| cell.trim_matches(['(', ')']).to_owned())
}
