//! The credentials that a sign-in may use.

use towline_ctap::User;

use crate::{Page, located::Located};

/// What step 7 locates.
pub(super) enum Found {
    /// Those of the allow list that apply.
    Listed(Vec<Located>),
    /// The discoverable ones: the newest, or all that a choice needs.
    Discoverable(Page),
}

impl Found {
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Listed(credentials) => credentials.len(),
            Self::Discoverable(page) => page.credentials.len(),
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The accounts, each with the place of its first credential. Where one is not known there is
    /// nothing to choose by.
    pub(super) fn accounts(&self) -> Vec<(usize, User)> {
        let listed = match self {
            Self::Listed(listed) => listed,
            // Of these there is one for each account.
            Self::Discoverable(page) => {
                let users = page.credentials.iter().map(|credential| credential.user.clone());
                return users.enumerate().collect();
            }
        };
        let users: Option<Vec<&User>> = listed.iter().map(|one| one.user.as_ref()).collect();
        let mut accounts: Vec<(usize, User)> = Vec::new();
        for (place, user) in users.unwrap_or_default().into_iter().enumerate() {
            if !accounts.iter().any(|(_, known)| known.id == user.id) {
                accounts.push((place, user.clone()));
            }
        }
        accounts
    }

    /// The person has chosen this one.
    pub(super) fn keep(&mut self, place: usize) {
        match self {
            Self::Listed(credentials) => {
                *credentials = credentials.drain(..).skip(place).take(1).collect()
            }
            Self::Discoverable(page) => {
                page.credentials = page.credentials.drain(..).skip(place).take(1).collect();
                page.total = page.credentials.len();
            }
        }
    }

    /// The account that a question names.
    pub(super) fn account(&self) -> Option<User> {
        // With several, one is taken that the person can't influence (then it is the first), or
        // their client lets them choose.
        match self {
            Self::Listed(credentials) => credentials.first().and_then(|one| one.user.clone()),
            Self::Discoverable(page) if page.total == 1 => {
                page.credentials.first().map(|one| one.user.clone())
            }
            Self::Discoverable(_) => None,
        }
    }
}
