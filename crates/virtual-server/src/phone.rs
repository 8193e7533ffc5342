//! Phones: authenticators that answer codes, with a radio, a relay, and the person who holds them.

mod broken;
mod options;
mod running;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{
    broken::{Breakage, PhoneFlaw},
    options::PhoneOptions,
};
pub(crate) use self::{
    options::{BuiltPhone, build},
    running::RunningPhone,
};
use crate::{PhoneId, Questions, Switches};

/// A phone, as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PhoneState {
    /// The name by which it is addressed.
    pub phone_id: PhoneId,
    /// What it was made from.
    pub options: PhoneOptions,
    /// What its person does where no rule says otherwise.
    pub switches: Switches,
    /// What its person was asked, and what is open.
    pub person: Questions,
    /// What it is doing.
    pub doing: PhoneActivity,
    /// How the last code, or the last ring, ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<PhoneEnding>,
    /// Whether computers that remember it can ring it.
    pub listening: bool,
    /// How many computers may ask it without a code.
    pub computers: usize,
    /// How many passkeys it has.
    pub passkeys: usize,
    /// How it is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<Breakage>,
}

/// What a phone is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PhoneActivity {
    /// Nothing, or waiting for a ring.
    #[default]
    Idle,
    /// Answering a code, or a computer that rang.
    Connected,
    /// Losing its passkeys and its links, as a phone that is reset.
    Wiping,
}

/// How a connection to a computer ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PhoneEnding {
    /// How many requests were answered.
    pub requests: u32,
    /// Whether the computer was allowed to remember the phone.
    pub linked: bool,
    /// Why it came to nothing, as the person reads it, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
