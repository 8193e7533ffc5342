//! Several authenticators behind one client.

use towline_client::Error;

use crate::VirtualAuthenticator;

/// A browser with several authenticators within reach. The person takes the first that can do what
/// the site asks for, in the order in which they were added.
///
/// ```
/// use towline_virtual::{Browser, VirtualAuthenticator};
///
/// let (laptop, key) = (VirtualAuthenticator::platform(), VirtualAuthenticator::security_key());
/// let browser = Browser::new().with(&laptop).with(&key);
/// # let options = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
/// #     "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
/// #     "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
/// #     "authenticatorSelection": {"authenticatorAttachment": "cross-platform"}}"#;
/// browser.create("https://example.org", options)?; // the site asks for another device
/// assert_eq!((laptop.passkeys().len(), key.passkeys().len()), (0, 1));
/// # Ok::<(), towline_virtual::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Browser {
    devices: Vec<VirtualAuthenticator>,
}

impl Browser {
    /// A browser that reaches no authenticator.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one authenticator more.
    #[must_use]
    pub fn with(mut self, device: &VirtualAuthenticator) -> Self {
        self.devices.push(device.clone());
        self
    }

    /// Registers with the first authenticator that can do it.
    ///
    /// # Errors
    /// [`Error`] of the first one whose person has decided, or else of the last.
    pub fn create(&self, origin: &str, options_json: &str) -> Result<String, Error> {
        self.first(|device| device.create(origin, options_json))
    }

    /// Signs in with the first authenticator that can do it.
    ///
    /// # Errors
    /// [`Error`] of the first one whose person has decided, or else of the last.
    pub fn get(&self, origin: &str, options_json: &str) -> Result<String, Error> {
        self.first(|device| device.get(origin, options_json))
    }

    fn first(
        &self,
        ask: impl Fn(&VirtualAuthenticator) -> Result<String, Error>,
    ) -> Result<String, Error> {
        let mut result = Err(Error::NoCredentials);
        for device in &self.devices {
            result = ask(device);
            if !result.as_ref().is_err_and(Self::goes_on) {
                break;
            }
        }
        result
    }

    /// Whether another authenticator may do what this one can't, so that the end of one ceremony is
    /// not the end of all.
    #[must_use]
    pub const fn goes_on(error: &Error) -> bool {
        matches!(
            error,
            Error::WrongAttachment
                | Error::NoCredentials
                | Error::DiscoverableUnsupported
                | Error::UserVerificationUnavailable
                | Error::CannotSignInVerified
                | Error::ProtectionUnsupported
                | Error::Channel(_)
        )
    }
}
