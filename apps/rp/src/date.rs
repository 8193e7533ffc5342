//! Dates as people write them.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use maud::{Markup, html};

use towline_pages::Language;

const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DANISH: [&str; 12] = [
    "januar",
    "februar",
    "marts",
    "april",
    "maj",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "december",
];

/// A time for people, which the script turns into the browser's own time zone.
pub(crate) fn shown(unix: u64, language: Language) -> Markup {
    html! { time datetime=(exact(unix)) { (words(unix, language)) } }
}

/// “30 November 2026, 02:19 UTC”; “30. november 2026 kl. 02.19 UTC”.
pub(crate) fn words(unix: u64, language: Language) -> String {
    let Some(at) = utc(unix) else { return "?".into() };
    let month = usize::try_from(at.month0()).unwrap_or_default();
    let (day, year, hour, minute) = (at.day(), at.year(), at.hour(), at.minute());
    match language {
        Language::English => {
            let month = ENGLISH.get(month).copied().unwrap_or_default();
            format!("{day} {month} {year}, {hour:02}:{minute:02} UTC")
        }
        Language::Danish => {
            let month = DANISH.get(month).copied().unwrap_or_default();
            format!("{day}. {month} {year} kl. {hour:02}.{minute:02} UTC")
        }
    }
}

fn exact(unix: u64) -> String {
    utc(unix).map(|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

fn utc(unix: u64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(i64::try_from(unix).ok()?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_has_its_own_dates() {
        assert_eq!(words(1_796_005_140, Language::English), "30 November 2026, 02:19 UTC");
        assert_eq!(words(1_796_005_140, Language::Danish), "30. november 2026 kl. 02.19 UTC");
        assert_eq!(words(0, Language::English), "1 January 1970, 00:00 UTC");
        assert_eq!(words(u64::MAX, Language::Danish), "?");
        assert_eq!(exact(1_796_005_140), "2026-11-30T02:19:00Z");
    }
}
