//! What whoever runs the site gets to know, as it happens.

use crate::ErrorCode;

/// Something that happened at the site. Accounts are named as the person typed them; nothing else
/// tells people apart.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiteEvent {
    /// An account has a new key.
    Registered {
        /// The account's name, as it was typed.
        account: String,
    },
    /// A registration was not accepted.
    RegistrationRefused {
        /// The account's name, as it was typed.
        account: String,
        /// The reason, as the site told it.
        why: ErrorCode,
    },
    /// A key was removed, and signs in no more.
    Removed {
        /// The account's name, as it was typed.
        account: String,
    },
    /// Somebody signed in.
    SignedIn {
        /// The account's name, as it was typed.
        account: String,
        /// Whether the authenticator verified its person.
        user_verified: bool,
    },
    /// One of the sites that sign in through this one was told who somebody is.
    Vouched {
        /// The account's name, as it was typed.
        account: String,
        /// Where that site is.
        site: String,
    },
    /// A sign-in was not accepted.
    SignInRefused {
        /// The account, where it is known.
        account: Option<String>,
        /// The reason, as the site told it.
        why: ErrorCode,
    },
}
