//! The languages that pages speak.

use http::{HeaderMap, header};
use maud::{Markup, html};

/// Remembers the language that somebody chose.
const COOKIE: &str = "towline-language";

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
        cookie(headers, COOKIE).and_then(Self::parse).unwrap_or_else(|| Self::asked_for(headers))
    }

    /// The cookie that remembers for a year that it was chosen, for all ports of this machine.
    #[must_use]
    pub fn cookie(self) -> String {
        let tag = self.tag();
        format!("{COOKIE}={tag}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000")
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

    /// That one of two things which is in this language.
    #[must_use]
    pub fn of_both<T>(self, english: T, danish: T) -> T {
        match self {
            Self::English => english,
            Self::Danish => danish,
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
    fn asked_for(headers: &HeaderMap) -> Self {
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

    /// The switch between the languages: a form that sends `language`, the tag of the chosen one,
    /// and `back`, the page to come back to. `label` says what it is.
    #[must_use]
    pub fn switch(self, label: &str, action: &str, back: &str) -> Markup {
        html! {
            form .languages method="post" action=(action) aria-label=(label) {
                input type="hidden" name="back" value=(back);
                @for language in Self::ALL {
                    button .quiet type="submit" name="language" value=(language.tag())
                        lang=(language.tag())
                        aria-pressed=(if language == self { "true" } else { "false" }) {
                        (language.own_name())
                    }
                }
            }
        }
    }
}

/// The value of a cookie; the first of several.
#[must_use]
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(known, value)| (known == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

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
            assert_eq!(Language::of(&headers), language, "{asked}");
        }
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
    }

    #[test]
    fn the_chosen_language_comes_before_the_browser_s() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
        let chosen = Language::Danish.cookie();
        let sent = format!("a=b; {}", chosen.split(';').next().unwrap());
        headers.insert(header::COOKIE, HeaderValue::from_str(&sent).unwrap());
        assert_eq!(Language::of(&headers), Language::Danish);
        let switch = Language::Danish.switch("Sprog", "/language", "/\"><b>").into_string();
        assert!(switch.contains("value=\"da\" lang=\"da\" aria-pressed=\"true\""), "{switch}");
        assert!(!switch.contains("<b>"), "{switch}");
    }
}
