//! All that the pages say, in every language: one table, of which each row has all of them.

pub(crate) mod account;
pub(crate) mod errors;
pub(crate) mod frame;
pub(crate) mod keys;
pub(crate) mod privacy;
pub(crate) mod script;
pub(crate) mod sign_in;
pub(crate) mod sites;

use http::{HeaderMap, header};

use crate::visit::cookie;

/// Remembers the language that somebody chose.
const LANGUAGE_COOKIE: &str = "towline-language";

/// A part of the table: a name, and what it is in English and in Danish.
macro_rules! texts {
    ($(#[$doc:meta])* $table:ident { $($name:ident: $english:literal, $danish:literal;)+ }) => {
        $(#[$doc])*
        pub(crate) struct $table {
            $(pub(crate) $name: &'static str,)+
        }

        impl $table {
            pub(super) const ENGLISH: Self = Self { $($name: $english,)+ };
            pub(super) const DANISH: Self = Self { $($name: $danish,)+ };
        }

        impl super::Table for $table {
            const ROWS: &'static [[&'static str; 3]] =
                &[$([stringify!($name), $english, $danish],)+];
        }
    };
}
use texts;

/// The rows of a table: name, English, Danish.
pub(crate) trait Table {
    const ROWS: &'static [[&'static str; 3]];
}

/// Everything that is said, in one language.
pub(crate) struct Texts {
    pub(crate) frame: frame::Frame,
    pub(crate) sign_in: sign_in::SignIn,
    pub(crate) account: account::AccountPage,
    pub(crate) keys: keys::Keys,
    pub(crate) privacy: privacy::Privacy,
    pub(crate) errors: errors::Errors,
    pub(crate) sites: sites::Sites,
}

static ENGLISH: Texts = Texts {
    frame: frame::Frame::ENGLISH,
    sign_in: sign_in::SignIn::ENGLISH,
    account: account::AccountPage::ENGLISH,
    keys: keys::Keys::ENGLISH,
    privacy: privacy::Privacy::ENGLISH,
    errors: errors::Errors::ENGLISH,
    sites: sites::Sites::ENGLISH,
};

static DANISH: Texts = Texts {
    frame: frame::Frame::DANISH,
    sign_in: sign_in::SignIn::DANISH,
    account: account::AccountPage::DANISH,
    keys: keys::Keys::DANISH,
    privacy: privacy::Privacy::DANISH,
    errors: errors::Errors::DANISH,
    sites: sites::Sites::DANISH,
};

/// A language that the pages speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `en`
    English,
    /// `da`
    Danish,
}

impl Language {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::English, Self::Danish];

    /// The language that somebody chose on one of the pages of this machine, or else the one that
    /// the browser asks for.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        cookie(headers, LANGUAGE_COOKIE)
            .and_then(Self::parse)
            .unwrap_or_else(|| Self::asked_for(headers))
    }

    /// The cookie that remembers for a year that it was chosen, for all ports of this machine.
    #[must_use]
    pub fn cookie(self) -> String {
        let tag = self.tag();
        format!("{LANGUAGE_COOKIE}={tag}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000")
    }

    /// Its tag (BCP 47), as in `<html lang>`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Danish => "da",
        }
    }

    /// What it calls itself.
    #[must_use]
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Danish => "Dansk",
        }
    }

    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Danish => &DANISH,
        }
    }

    /// The language of a tag, by its first part; `None` for others.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default().trim();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The language that a browser asks for (RFC 9110 §12.5.4): the first that is known of those
    /// that it likes most. English for whoever asks for none of them.
    pub(crate) fn asked_for(headers: &HeaderMap) -> Self {
        let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut best = (0.0, Self::English);
        for part in asked.unwrap_or_default().split(',') {
            let mut members = part.split(';');
            let Some(language) = members.next().and_then(Self::parse) else { continue };
            let weight = members.find_map(|member| member.trim().strip_prefix("q="));
            let weight = weight.map_or(1.0, |weight| weight.parse::<f32>().unwrap_or(0.0));
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }
}

/// Puts values in the places of a text that are named in braces.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
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

#[cfg(test)]
mod tests;
