//! What becomes of one credential of an export or an import.

use serde::Serialize;

use crate::line::one_line;

/// Said of each before anything is done. The texts come from the store, or from somebody's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Moved {
    pub(crate) way: Way,
    /// A stable word: `exported` and `left-out`, or those of imports.
    pub(crate) outcome: &'static str,
    /// Why it does not go, as a stable word.
    pub(crate) reason: Option<&'static str>,
    /// What of it is lost, or is not as it should be, as stable words.
    pub(crate) notes: Vec<&'static str>,
    pub(crate) rp_id: Option<String>,
    pub(crate) account: Option<String>,
    /// Of what is no passkey, and of what could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// The type of a credential that is no passkey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// The member of the format that a refusal is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) member: Option<String>,
    /// The same for a person, without the site and the account; empty where there is nothing to
    /// say.
    pub(crate) message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    Out,
    In,
}

impl Moved {
    pub(super) fn human(&self) -> String {
        let Self { outcome, rp_id, account, title, message, .. } = self;
        let site = one_line(rp_id.as_deref().or(title.as_deref()).unwrap_or("no site"));
        let account = one_line(account.as_deref().unwrap_or("no name"));
        let why = if message.is_empty() { String::new() } else { format!(": {message}") };
        // Words that a program reads have hyphens.
        format!("{:<16} {site:<30} {account}{}", outcome.replace('-', " "), one_line(&why))
    }
}
