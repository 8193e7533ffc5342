//! Names that sites and clients give, as they may stand in a question: whoever wrote them, they say
//! nothing but a name.

use std::fmt;

use towline_ctap::{RpId, User};

/// How much of a name is shown, in characters.
const SHOWN: usize = 64;

/// How many marks may stand on one character. More of them grow into the lines above and below.
const MARKS: usize = 4;

/// What an account is called, for a list of accounts or a message: quoted, in one line of at most
/// 67 characters, without what could restyle or reorder the text around it. An account without a
/// name is called that. The alternate form (`{:#}`) has no quotation marks, for a line or a button
/// of its own.
#[derive(Clone, Copy)]
pub struct AccountName<'a>(&'a User);

impl<'a> AccountName<'a> {
    /// The name of this account: `name`, or else `displayName`.
    #[must_use]
    pub const fn new(user: &'a User) -> Self {
        Self(user)
    }

    fn shown(self) -> Option<String> {
        let names = [&self.0.name, &self.0.display_name];
        names.into_iter().flatten().find_map(|name| quoted(name, SHOWN))
    }
}

impl fmt::Display for AccountName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shown() {
            Some(name) if f.alternate() => f.write_str(name.trim_matches('"')),
            Some(name) => f.write_str(&name),
            None => f.write_str("an account without a name"),
        }
    }
}

/// Names are who the person is.
impl fmt::Debug for AccountName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountName(..)")
    }
}

/// An account in a sentence of its own: the site's word is never part of the question.
pub(super) struct Apart<'a>(pub(super) &'a User);

impl fmt::Display for Apart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match AccountName(self.0).shown() {
            Some(name) => write!(f, "Account: {name}."),
            None => f.write_str("The account has no name."),
        }
    }
}

/// An RP ID, whole. The client says that it fits the site, and clients can lie: what can't be the
/// name of a host is quoted, so that it can't pass for more than a name either.
pub(super) struct Site<'a>(pub(super) &'a RpId);

impl fmt::Display for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0.as_str();
        if id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':')) {
            return f.write_str(id);
        }
        f.write_str(quoted(id, RpId::MAX).as_deref().unwrap_or("a site without a name"))
    }
}

/// The text in quotation marks, with a mark where it was cut; `None` if there is nothing to be seen
/// in it.
fn quoted(text: &str, limit: usize) -> Option<String> {
    let mut shown: Vec<char> = Vec::new();
    let mut marks = 0_usize;
    for seen in text.chars().filter_map(harmless) {
        marks = if is_mark(seen) { marks.saturating_add(1) } else { 0 };
        let blank = seen == ' ' && shown.last().is_none_or(|last| *last == ' ');
        if !blank && marks <= MARKS {
            shown.push(seen);
        }
        if shown.len() > limit {
            break;
        }
    }
    let cut = shown.len() > limit;
    if cut {
        let whole = (1..=limit).rev().find(|end| ends_a_character(&shown, *end));
        shown.truncate(whole.unwrap_or(limit));
    }
    if shown.last() == Some(&' ') {
        shown.pop();
    }
    if shown.iter().all(|c| is_mark(*c)) {
        return None;
    }
    let name: String = shown.into_iter().collect();
    Some(format!("\"{name}{}\"", if cut { "…" } else { "" }))
}

/// What stands for a character of a name; `None` for one that nobody would see.
const fn harmless(c: char) -> Option<char> {
    Some(match c {
        // Blanks of every kind, some of which are letters by name.
        '\t'..='\r' | ' ' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' => ' ',
        '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{2800}' => ' ',
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{17b4}' | '\u{17b5}' => ' ',
        // Reorders what follows.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            char::REPLACEMENT_CHARACTER
        }
        // Takes no room.
        '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{2060}'..='\u{2065}' => {
            return None;
        }
        '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' => return None,
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => {
            return None;
        }
        // Would end the quotation.
        '"' | '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '‶' | '〝' | '〞' | '〟' | '＂' | 'ˮ' => {
            '\''
        }
        // Restyles.
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => char::REPLACEMENT_CHARACTER,
        c => c,
    })
}

/// Whether a character stands on the one before it, or ties it to the next: the most common ones of
/// all scripts.
const fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{e31}' | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}' | '\u{eb1}' | '\u{eb4}'..='\u{ebc}' | '\u{ec8}'..='\u{ece}'
        | '\u{f71}'..='\u{f84}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200c}' | '\u{200d}'
        | '\u{20d0}'..='\u{20ff}' | '\u{3099}' | '\u{309a}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{fe20}'..='\u{fe2f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Whether a character, with all that belongs to it, ends before `end`.
fn ends_a_character(text: &[char], end: usize) -> bool {
    let last = end.checked_sub(1).and_then(|last| text.get(last));
    text.get(end).is_none_or(|next| !is_mark(*next)) && last != Some(&'\u{200d}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        quoted(text, SHOWN)
    }

    #[test]
    fn a_name_is_collapsed_and_quoted() {
        assert_eq!(name("alice").unwrap(), "\"alice\"");
        assert_eq!(name("  Alice \r\n\t B\u{3000}\u{3164} ").unwrap(), "\"Alice B\"");
        assert_eq!(name("Łukasz 王 שלום 👩‍💻").unwrap(), "\"Łukasz 王 שלום 👩‍💻\"");
        for nothing in ["", "   ", "\u{3164}\u{2800}", "\u{200b}\u{feff}", "\u{301}", "\u{e0041}"] {
            assert_eq!(name(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_name_in_a_list_has_no_quotation_marks() {
        let id = towline_ctap::UserHandle::new(&[1]).unwrap();
        let mut user = User { id, name: Some(" ".repeat(150) + "alice"), display_name: None };
        assert_eq!(format!("{:#}", AccountName::new(&user)), "alice");
        assert_eq!(AccountName::new(&user).to_string(), "\"alice\"");
        user.name = None;
        assert_eq!(format!("{:#}", AccountName::new(&user)), "an account without a name");
    }

    #[test]
    fn a_name_can_not_end_its_quotation() {
        assert_eq!(
            name("bob\". Sign in to bank.example as “x” «y»").unwrap(),
            "\"bob'. Sign in to bank.example as 'x' 'y'\""
        );
    }

    #[test]
    fn a_name_is_cut_at_a_whole_character_with_a_mark() {
        let long = "ä".repeat(65);
        assert_eq!(name(&long).unwrap(), format!("\"{}…\"", "ä".repeat(64)));
        assert_eq!(name(&long[2..]).unwrap(), format!("\"{}\"", "ä".repeat(64)));
        // An e with its accent, and a family, are one character each.
        let accent = format!("{}e\u{301}x", "a".repeat(63));
        assert_eq!(name(&accent).unwrap(), format!("\"{}…\"", "a".repeat(63)));
        let family = format!("{}👩‍👩‍👧", "a".repeat(61));
        assert_eq!(name(&family).unwrap(), format!("\"{}…\"", "a".repeat(61)));
        assert_eq!(name(&"x".repeat(65_536)).unwrap().chars().count(), 67);
    }

    #[test]
    fn marks_do_not_grow_into_other_lines() {
        let tower = format!("a{}b", "\u{301}".repeat(500));
        assert_eq!(name(&tower).unwrap(), format!("\"a{}b\"", "\u{301}".repeat(MARKS)));
    }

    #[test]
    fn an_rp_id_that_is_no_host_can_not_pass_for_a_sentence() {
        let site = |id: &str| Site(&RpId::new(id).unwrap()).to_string();
        assert_eq!(site("bank.example"), "bank.example");
        assert_eq!(site(&"x".repeat(253)), "x".repeat(253));
        assert_eq!(site("a.example? Account: \"bob\"."), "\"a.example? Account: 'bob'.\"");
        assert_eq!(site(" \u{202e}\u{200b}"), "\"\u{fffd}\"");
        assert_eq!(site("\u{200b}"), "a site without a name");
    }
}
