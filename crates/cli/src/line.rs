//! A line on a terminal: harmless whoever wrote it, and no wider than the terminal.

/// What a terminal is taken for that does not tell its width.
const COLUMNS: usize = 80;
/// Stands for the rest of a line.
const MARK: char = '…';

/// Names come from strangers: what could start a line, move the cursor, change colours or turn the
/// direction of writing is replaced.
pub(crate) fn one_line(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if harmful(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// As much of a line as there is room for, with a mark where it was cut.
pub(crate) fn fit(line: &str, columns: usize) -> String {
    let whole: usize = line.chars().map(width).sum();
    if whole <= columns {
        return line.to_owned();
    }
    let mut left = columns.saturating_sub(width(MARK));
    let mut cut: String = line
        .chars()
        .take_while(|c| match left.checked_sub(width(*c)) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        })
        .collect();
    cut.push(MARK);
    cut
}

/// How many columns a character takes at most. From the Hangul letters on it may be two.
const fn width(c: char) -> usize {
    if c >= '\u{1100}' { 2 } else { 1 }
}

/// The width of the terminal that progress is written to.
pub(crate) fn columns() -> usize {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(std::io::stderr())
        && size.ws_col > 0
    {
        return size.ws_col.into();
    }
    COLUMNS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_wide_is_cut_with_a_mark() {
        assert_eq!(fit("Waiting.", 8), "Waiting.");
        assert_eq!(fit("Waiting.", 7), "Waiti…");
        assert_eq!(fit("", 0), "");
        // What may be two columns wide counts as two.
        assert_eq!(fit("漢字漢字", 8), "漢字漢字");
        assert_eq!(fit("漢字漢字", 7), "漢字…");
    }
}
