//! The Signal API: a site says which of its passkeys it still knows, and how accounts are called
//! now (WebAuthn L3 §5.1.10).

mod delivery;

use towline_ctap::{CredentialId, RpId, UserHandle};

pub use self::delivery::SignalDelivery;
use crate::{
    Caller, Client, Error,
    options::{Dictionary, Value, base64url, dom_string, sequence},
};

/// Which of the three calls it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalKind {
    /// `signalUnknownCredential({rpId, credentialId})`.
    UnknownCredential,
    /// `signalAllAcceptedCredentials({rpId, userId, allAcceptedCredentialIds})`.
    AllAcceptedCredentials,
    /// `signalCurrentUserDetails({rpId, userId, name, displayName})`.
    CurrentUserDetails,
}

/// What a site signals, checked: its caller may speak for the RP ID.
///
/// Whoever keeps passkeys asks [`Signal::verdict`] about each of the RP ID, and does what it says;
/// at an authenticator that is reached by CTAP, [`SignalDelivery`] does. The site never learns what
/// came of it, nor whether there was anything to do.
///
/// ```
/// use towline_client::{Client, Origin, Signal, SignalKind, Verdict};
/// use towline_ctap::{CredentialId, UserHandle};
///
/// let client = Client::new(towline_crypto::rustcrypto::provider());
/// let caller = Origin::parse("https://login.example.org")?.into();
/// let options = r#"{"rpId": "example.org", "credentialId": "AQID"}"#;
/// let signal = Signal::new(&client, &caller, SignalKind::UnknownCredential, options)?;
/// let (id, user) = (CredentialId::new(&[1, 2, 3]).unwrap(), UserHandle::new(&[7]).unwrap());
/// assert_eq!(signal.verdict(&id, &user), Verdict::Remove);
/// # Ok::<(), towline_client::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    rp_id: RpId,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Unknown(Vec<u8>),
    Accepted { user: Vec<u8>, ids: Vec<Vec<u8>> },
    Names { user: Vec<u8>, name: String, display_name: String },
}

/// What is to be done with a passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It stays as it is.
    Keep,
    /// The site does not know it any more: it is removed, or at least not offered.
    Remove,
    /// Its account has these names now.
    Rename {
        /// `user.name`.
        name: String,
        /// `user.displayName`.
        display_name: String,
    },
}

impl Signal {
    /// Reads and checks what the site signals.
    ///
    /// # Errors
    /// [`Error::Options`] for what is not as it must be, base64url included; [`Error`] named
    /// `SecurityError` where the caller may not use the RP ID.
    pub fn new(
        client: &Client,
        caller: &Caller,
        kind: SignalKind,
        options_json: &str,
    ) -> Result<Self, Error> {
        let json = Value::parse(options_json).map_err(Error::Options)?;
        let json = Dictionary::of(&json, "the signal")?;
        let text = |name: &str| json.required(name).map(dom_string);
        let what = match kind {
            SignalKind::UnknownCredential => {
                What::Unknown(bytes(&text("credentialId")?, "credentialId")?)
            }
            SignalKind::AllAcceptedCredentials => {
                let name = "allAcceptedCredentialIds";
                let ids = sequence(json.required(name)?, name)?.iter();
                What::Accepted {
                    ids: ids.map(|id| bytes(&dom_string(id), name)).collect::<Result<_, _>>()?,
                    user: bytes(&text("userId")?, "userId")?,
                }
            }
            SignalKind::CurrentUserDetails => What::Names {
                display_name: text("displayName")?.into_owned(),
                name: text("name")?.into_owned(),
                user: bytes(&text("userId")?, "userId")?,
            },
        };
        let rp_id = caller.rp_id(Some(&text("rpId")?), &*client.suffixes)?;
        Ok(Self { rp_id, what })
    }

    /// The RP ID whose passkeys it is about.
    #[must_use]
    pub const fn rp_id(&self) -> &RpId {
        &self.rp_id
    }

    /// What is to be done with this passkey of [`Self::rp_id`].
    #[must_use]
    pub fn verdict(&self, credential: &CredentialId, user: &UserHandle) -> Verdict {
        let of = |handle: &[u8]| handle == user.as_bytes();
        match &self.what {
            What::Unknown(id) if id == credential.as_bytes() => Verdict::Remove,
            What::Accepted { user, ids }
                if of(user) && ids.iter().all(|id| id != credential.as_bytes()) =>
            {
                Verdict::Remove
            }
            What::Names { user, name, display_name } if of(user) => {
                Verdict::Rename { name: name.clone(), display_name: display_name.clone() }
            }
            _ => Verdict::Keep,
        }
    }
}

/// Here, unlike in a ceremony, what is no base64url is a TypeError.
fn bytes(text: &str, member: &str) -> Result<Vec<u8>, Error> {
    base64url(text).ok_or_else(|| Error::Options(format!("{member} is not base64url")))
}
