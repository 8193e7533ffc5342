//! How old a code is, by this machine's clock.

/// From when on a code has most likely been given up by the computer that made it, in seconds.
const GIVEN_UP: i64 = 120;

/// The age in seconds of what was made at this time; negative: it is ahead of the clock. Both in
/// seconds of Unix time.
pub(crate) fn seconds(made: u64, now: u64) -> i64 {
    let apart =
        |later: u64, earlier: u64| i64::try_from(later.saturating_sub(earlier)).unwrap_or(i64::MAX);
    if now >= made { apart(now, made) } else { apart(made, now).saturating_neg() }
}

/// For a person, such as "24 min ago".
pub(crate) fn told(age: i64) -> String {
    let amount = |seconds: u64| match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    let amount = amount(age.unsigned_abs());
    if age < 0 { format!("{amount} ahead of this clock") } else { format!("{amount} ago") }
}

pub(crate) const fn is_given_up(age: i64) -> bool {
    age >= GIVEN_UP
}

/// The time of this machine, in seconds of Unix time. A clock before 1970 is wrong anyhow.
pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_the_unit_that_people_would_use() {
        for (made, now, text, given_up) in [
            (90, 100, "10 s ago", false),
            (0, 119, "119 s ago", false),
            (0, 1_440, "24 min ago", true),
            (0, 10_000, "2 h ago", true),
            (0, 1_000_000, "11 days ago", true),
            (110, 100, "10 s ahead of this clock", false),
        ] {
            let age = seconds(made, now);
            assert_eq!((told(age).as_str(), is_given_up(age)), (text, given_up));
        }
        assert!(is_given_up(seconds(0, u64::MAX)) && !is_given_up(seconds(u64::MAX, 0)));
    }
}
