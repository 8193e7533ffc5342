//! The tour: the 17 steps of a passkey's life, as the guide has them.

/// The numbers of the steps.
pub(crate) const STEPS: std::ops::RangeInclusive<u8> = 1..=17;

/// The short way: a phone by a code, two sites, a phone that is remembered, no code, removal.
pub(crate) const SHORT: [u8; 5] = [4, 10, 5, 11, 14];

/// Where a step is on the short way, from 1; nothing where it is not on it.
pub(crate) fn on_short_way(step: u8) -> Option<u8> {
    let place = SHORT.iter().position(|short| *short == step)?;
    u8::try_from(place.saturating_add(1)).ok()
}

/// Where a step begins on the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// A page of the site.
    Page(&'static str),
    /// The same, signed in with the password.
    SignedIn(&'static str),
    /// The same with the other account.
    AtWork(&'static str),
    /// The same, signed out.
    SignedOut(&'static str),
    /// One of the two others, by its number, signed out of all three.
    Elsewhere(usize),
}

impl Start {
    /// Where a step begins.
    pub(crate) const fn of(step: u8) -> Self {
        match step {
            1..=3 => Self::SignedIn("/account/add"),
            // Names were typed at step 1.
            4 => Self::SignedIn("/account/add?name={phone-b}"),
            5 => Self::SignedIn("/account/add/where?name={phone-a}"),
            // Without a part of it named: to that, the window would only scroll.
            7 | 14 => Self::SignedIn("/account"),
            8 => Self::SignedIn("/account/add/where?name=Twice"),
            10 => Self::Elsewhere(0),
            11 => Self::Elsewhere(1),
            9 | 12 | 15 | 16 => Self::SignedOut("/sign-in"),
            6 | 13 => Self::AtWork("/account/add"),
            _ => Self::Page("/"),
        }
    }

    /// The address, where the site and the two others are at these; `{phone-a}` and `{phone-b}` are
    /// what the phones are called.
    pub(crate) fn url(self, site: &str, others: &[String]) -> String {
        match self {
            Self::Page(path)
            | Self::SignedIn(path)
            | Self::AtWork(path)
            | Self::SignedOut(path) => format!("{site}{path}"),
            Self::Elsewhere(other) => {
                format!("{}/", others.get(other).map_or(site, String::as_str))
            }
        }
    }

    /// Who is signed in with the password first: `home`, `work`, `nobody`, or whoever is.
    pub(crate) const fn who(self) -> &'static str {
        match self {
            Self::Page(_) => "",
            Self::SignedIn(_) => "home",
            Self::AtWork(_) => "work",
            Self::SignedOut(_) | Self::Elsewhere(_) => "nobody",
        }
    }
}

/// The way that a step of the short way takes, as the browser's dialog calls it, and the phone that
/// it means. By that the page says and marks what to press next.
pub(crate) const fn means(step: u8) -> Option<(&'static str, &'static str)> {
    match step {
        4 | 10 => Some(("phone", "phone-b")),
        5 => Some(("phone", "phone-a")),
        11 => Some(("linked", "phone-a")),
        14 => Some(("", "")),
        _ => None,
    }
}
