//! Who asks for a ceremony, and how.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use towline_client::{Error as CeremonyError, Origin};
use utoipa::ToSchema;

/// The page that asks: its origin, and that of the page at the top if that is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOrigin {
    origin: Origin,
    top_origin: Option<Origin>,
}

impl PageOrigin {
    /// A page of this origin that is not embedded in a page of another.
    ///
    /// # Errors
    /// [`CeremonyError::Origin`] where passkeys can't be used from it.
    pub fn of(origin: &str) -> Result<Self, CeremonyError> {
        Ok(Self { origin: Origin::parse(origin)?, top_origin: None })
    }

    /// The same in a frame, somewhere below a page of `top_origin`. Whether that page allows it
    /// (permissions policy, WebAuthn L3 §5.9) is for whoever calls this to know.
    ///
    /// # Errors
    /// [`CeremonyError::Origin`] where passkeys can't be used from either.
    pub fn embedded(origin: &str, top_origin: &str) -> Result<Self, CeremonyError> {
        let (origin, top) = (Origin::parse(origin)?, Origin::parse(top_origin)?);
        let top_origin = Some(top).filter(|top| *top != origin);
        Ok(Self { origin, top_origin })
    }

    /// The origin of the page itself.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The same for the client.
    pub(crate) fn to_client(&self) -> towline_client::Caller {
        match &self.top_origin {
            Some(top) => towline_client::Caller::embedded(self.origin.clone(), top.clone()),
            None => towline_client::Caller::new(self.origin.clone()),
        }
    }
}

/// How a page asks (Credential Management §2.3.2, WebAuthn L3 §5.1.3 and §5.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mediation {
    /// As browsers do where nothing is said: with a dialog.
    #[default]
    Optional,
    /// The same, in other words, for passkeys.
    Required,
    /// Without the person: no passkey can be used so, and the ceremony ends at once.
    Silent,
    /// In the field where the name is typed: the ceremony waits until there is a passkey that can
    /// be offered, and no time runs out. A creation asks nobody.
    Conditional,
    /// With a dialog if there is a passkey here that can be used, or else with an end at once.
    Immediate,
}

impl Mediation {
    /// The options with this beside `publicKey`, where a page says it, too. Options that are no
    /// object stay as they are, for the client to refuse.
    pub(crate) fn beside(self, options_json: &str) -> String {
        let (name, value) = match self {
            Self::Optional | Self::Required => return options_json.to_owned(),
            Self::Silent => ("mediation", "silent"),
            Self::Conditional => ("mediation", "conditional"),
            Self::Immediate => ("uiMode", "immediate"),
        };
        let Ok(Value::Object(options)) = serde_json::from_str(options_json) else {
            return options_json.to_owned();
        };
        let mut beside = if options.contains_key("publicKey") {
            options
        } else {
            Map::from_iter([("publicKey".to_owned(), Value::Object(options))])
        };
        beside.insert(name.to_owned(), value.into());
        Value::Object(beside).to_string()
    }
}

impl From<towline_client::Mediation> for Mediation {
    fn from(mediation: towline_client::Mediation) -> Self {
        use towline_client::Mediation as Client;
        match mediation {
            Client::Silent => Self::Silent,
            Client::Optional => Self::Optional,
            Client::Required => Self::Required,
            Client::Conditional => Self::Conditional,
            Client::Immediate => Self::Immediate,
        }
    }
}
