//! Days for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
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

/// The day of a time in milliseconds of Unix time, in UTC: with its year where that is not this
/// one's.
pub(super) fn day(millis: u64, now: SystemTime) -> String {
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(millis)).unwrap_or(UNIX_EPOCH);
    let (day, year) = (named(at), named(now).1);
    if day.1 == year { day.0 } else { format!("{} {}", day.0, day.1) }
}

/// The day and the year.
fn named(at: SystemTime) -> (String, String) {
    // Sun, 06 Nov 1994 08:49:37 GMT
    let text = httpdate::fmt_http_date(at);
    let mut parts = text.split(' ').skip(1);
    let (day, month, year) = (parts.next(), parts.next(), parts.next());
    let month = month.and_then(|short| MONTHS.iter().find(|month| month.starts_with(short)));
    let day = day.unwrap_or_default().trim_start_matches('0');
    (format!("{day} {}", month.unwrap_or(&"")), year.unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_told_with_its_year_where_that_is_another() {
        let now = UNIX_EPOCH + Duration::from_secs(1_796_000_000);
        assert_eq!(day(1_790_985_600_000, now), "3 October");
        assert_eq!(day(784_111_777_000, now), "6 November 1994");
    }
}
