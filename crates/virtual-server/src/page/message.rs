//! What the script asks for.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Mediation, Signal};

/// A message of the script for pages.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(
    tag = "ask",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[non_exhaustive]
pub enum Message {
    /// `navigator.credentials.create()`.
    Create {
        /// Names the call, among those of all pages of a session: at most 64 characters.
        id: String,
        /// PublicKeyCredentialCreationOptionsJSON.
        options: Value,
        /// How the page asks.
        #[serde(default)]
        mediation: Mediation,
        /// The origin of the page at the top, where a page in between is of another origin.
        top_origin: Option<String>,
    },
    /// `navigator.credentials.get()`.
    Get {
        /// As of `create`.
        id: String,
        /// PublicKeyCredentialRequestOptionsJSON.
        options: Value,
        /// How the page asks.
        #[serde(default)]
        mediation: Mediation,
        /// As of `create`.
        top_origin: Option<String>,
    },
    /// One of the three calls of the Signal API.
    Signal {
        /// As of `create`.
        id: String,
        /// What is signalled.
        options: Signal,
    },
    /// `PublicKeyCredential.getClientCapabilities()`.
    Capabilities {
        /// As of `create`.
        id: String,
    },
    /// Nobody waits any more for the answer to this message. It has none of its own.
    Cancel {
        /// The id of that message.
        id: String,
    },
}

impl Message {
    /// The id of the call that it is about.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Create { id, .. }
            | Self::Get { id, .. }
            | Self::Signal { id, .. }
            | Self::Capabilities { id }
            | Self::Cancel { id } => id,
        }
    }
}
