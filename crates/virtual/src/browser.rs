//! Several authenticators behind one client.

use towline_client::{Error, PublicKeyCredentialHint};
use towline_ctap::Transport;

use crate::VirtualAuthenticator;

/// What a page calls `navigator.credentials`: one authenticator, or a browser with several. Test
/// helpers that take this take either.
///
/// ```
/// use towline_virtual::{Browser, CredentialsContainer, Error, VirtualAuthenticator};
///
/// fn sign_in(page: &dyn CredentialsContainer) -> Result<String, Error> {
///     page.get("https://example.org", r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw"}"#)
/// }
///
/// let device = VirtualAuthenticator::platform();
/// assert_eq!(sign_in(&device), Err(Error::NoCredentials));
/// assert_eq!(sign_in(&Browser::new().with(&device)), Err(Error::NoCredentials));
/// ```
pub trait CredentialsContainer {
    /// Registers: `navigator.credentials.create()` in a page of this origin.
    ///
    /// # Errors
    /// [`Error`], whose name is that of the exception which a browser would throw.
    #[track_caller]
    fn create(&self, origin: &str, options_json: &str) -> Result<String, Error>;

    /// Signs in: `navigator.credentials.get()` in a page of this origin.
    ///
    /// # Errors
    /// [`Error`], whose name is that of the exception which a browser would throw.
    #[track_caller]
    fn get(&self, origin: &str, options_json: &str) -> Result<String, Error>;
}

macro_rules! container {
    ($type:ty) => {
        impl CredentialsContainer for $type {
            #[track_caller]
            fn create(&self, origin: &str, options_json: &str) -> Result<String, Error> {
                Self::create(self, origin, options_json)
            }

            #[track_caller]
            fn get(&self, origin: &str, options_json: &str) -> Result<String, Error> {
                Self::get(self, origin, options_json)
            }
        }
    };
}

container!(VirtualAuthenticator);
container!(Browser);

/// A browser with several authenticators within reach. The person takes the first that can do what
/// the site asks for: those that the site hints at first (`hints`), and else in the order in which
/// they were added.
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
    #[track_caller]
    pub fn create(&self, origin: &str, options_json: &str) -> Result<String, Error> {
        self.first(options_json, |device| device.create(origin, options_json))
    }

    /// Signs in with the first authenticator that can do it.
    ///
    /// # Errors
    /// [`Error`] of the first one whose person has decided, or else of the last.
    #[track_caller]
    pub fn get(&self, origin: &str, options_json: &str) -> Result<String, Error> {
        self.first(options_json, |device| device.get(origin, options_json))
    }

    fn first(
        &self,
        options_json: &str,
        ask: impl Fn(&VirtualAuthenticator) -> Result<String, Error>,
    ) -> Result<String, Error> {
        let mut result = Err(Error::NoCredentials);
        let hints = PublicKeyCredentialHint::of_options(options_json);
        let mut devices: Vec<&VirtualAuthenticator> = self.devices.iter().collect();
        devices.sort_by_key(|device| {
            let place = hints.iter().position(|hint| *hint == Self::kind(device.transport()));
            place.unwrap_or(hints.len())
        });
        for device in devices {
            result = ask(device);
            if !result.as_ref().is_err_and(Self::goes_on) {
                break;
            }
        }
        result
    }

    /// What a site that thinks of this would hint at.
    const fn kind(transport: &Transport) -> PublicKeyCredentialHint {
        match transport {
            Transport::Internal => PublicKeyCredentialHint::ClientDevice,
            Transport::Hybrid => PublicKeyCredentialHint::Hybrid,
            _ => PublicKeyCredentialHint::SecurityKey,
        }
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
                | Error::LargeBlobUnsupported
                | Error::NotConditional
                | Error::Channel(_)
        )
    }
}
