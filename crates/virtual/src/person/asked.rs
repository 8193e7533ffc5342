//! What a person is asked, by whomever.

use std::fmt;

use towline_authenticator::{AccountName, Purpose, Question};
use towline_client::{Account, PinQuestion};
use towline_ctap::{RpId, User};
use towline_device::PhoneQuestion;

/// What the person is asked. It prints as the person sees it.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// By the authenticator: to confirm, to unlock, to choose an account.
    Authenticator(Question),
    /// By the client: for the PIN of the authenticator, or for a new one.
    Pin {
        /// For whom, where a site has asked.
        rp_id: Option<RpId>,
        /// What is asked.
        question: PinQuestion,
    },
    /// By the client, where the authenticator has no display: which account to sign in with.
    Account {
        /// The site that asks for a sign-in.
        rp_id: RpId,
        /// The accounts, at least two, the one used last first.
        accounts: Vec<Account>,
    },
    /// By a phone of its own: to connect to a computer, to let it remember the phone.
    Phone(PhoneQuestion),
}

impl Asked {
    /// The site that it is about, where one is named.
    #[must_use]
    pub fn rp_id(&self) -> Option<&RpId> {
        match self {
            Self::Authenticator(Question::ChooseAccount { rp_id, .. })
            | Self::Authenticator(Question::NothingToUse { rp_id })
            | Self::Account { rp_id, .. } => Some(rp_id),
            Self::Pin { rp_id, .. } => rp_id.as_ref(),
            Self::Authenticator(_) => self.purpose().and_then(rp_id),
            Self::Phone(_) => None,
        }
    }

    /// The account that it is about, where it is about one.
    #[must_use]
    pub const fn user(&self) -> Option<&User> {
        match self.purpose() {
            Some(Purpose::Create { user, .. } | Purpose::AlreadyRegistered { user, .. }) => {
                Some(user)
            }
            Some(Purpose::Use { user, .. }) => user.as_ref(),
            _ => None,
        }
    }

    /// What a confirmation, or a verification, is for.
    #[must_use]
    pub const fn purpose(&self) -> Option<&Purpose> {
        match self {
            Self::Authenticator(
                Question::ConfirmPresence { purpose } | Question::VerifyUser { purpose, .. },
            ) => Some(purpose),
            _ => None,
        }
    }

    /// The accounts to choose from, if there is a choice.
    pub(super) fn accounts(&self) -> Vec<&User> {
        match self {
            Self::Authenticator(Question::ChooseAccount { accounts, .. }) => {
                accounts.iter().collect()
            }
            Self::Account { accounts, .. } => {
                accounts.iter().map(|account| &account.user).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn rp_id(purpose: &Purpose) -> Option<&RpId> {
    match purpose {
        Purpose::Create { rp, .. }
        | Purpose::AlreadyRegistered { rp, .. }
        | Purpose::Attest { rp }
        | Purpose::Identify { rp } => Some(&rp.id),
        Purpose::Use { rp_id, .. } => Some(rp_id),
        Purpose::SelectDevice { rp_id } | Purpose::Authorize { rp_id, .. } => rp_id.as_ref(),
        _ => None,
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authenticator(question) => write!(f, "{question}"),
            Self::Pin { question, .. } => write!(f, "{question}"),
            Self::Phone(question) => write!(f, "{question}"),
            Self::Account { rp_id, accounts } => {
                write!(f, "Which account at {rp_id}?")?;
                for (index, account) in accounts.iter().enumerate() {
                    write!(f, " {index}: {}", AccountName::new(&account.user))?;
                }
                Ok(())
            }
        }
    }
}
