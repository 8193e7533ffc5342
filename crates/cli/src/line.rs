//! A line on a terminal: harmless whoever wrote it.

/// Names come from strangers: what could start a line, move the cursor, change colours or turn the direction of writing
/// is replaced.
pub(crate) fn one_line(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if harmful(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
