//! The tour: the 17 steps of a passkey's life, as the guide has them.

/// The numbers of the steps.
pub(crate) const STEPS: std::ops::RangeInclusive<u8> = 1..=17;

/// The short way: a phone by a code, two sites, a phone that is remembered, no code, removal.
pub(crate) const SHORT: [u8; 5] = [4, 10, 5, 11, 14];

/// Where a step begins on the left: a page of the site, or one of the two others.
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
}

impl Start {
    /// Where a step begins.
    pub(crate) const fn of(step: u8) -> Self {
        match step {
            1..=5 => Self::SignedIn("/account/add"),
            // Without a part of it named: to that, the window would only scroll.
            7 | 14 => Self::SignedIn("/account"),
            8 => Self::SignedIn("/account/add/where?name=Twice"),
            9..=12 | 15 | 16 => Self::SignedOut("/sign-in"),
            6 | 13 => Self::AtWork("/account/add"),
            _ => Self::Page("/"),
        }
    }

    pub(crate) const fn path(self) -> &'static str {
        let (Self::Page(path) | Self::SignedIn(path) | Self::AtWork(path) | Self::SignedOut(path)) =
            self;
        path
    }

    /// Who is signed in with the password first: `home`, `work`, `nobody`, or whoever is.
    pub(crate) const fn who(self) -> &'static str {
        match self {
            Self::Page(_) => "",
            Self::SignedIn(_) => "home",
            Self::AtWork(_) => "work",
            Self::SignedOut(_) => "nobody",
        }
    }
}
