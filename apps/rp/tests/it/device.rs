//! A device that holds passkeys, with the browser in front of it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use towline_virtual::{Fault, VirtualAuthenticator};

pub(crate) struct Device {
    pub(crate) inner: VirtualAuthenticator,
    origin: String,
}

impl Device {
    /// One whose passkeys sync, on a page of this origin.
    pub(crate) fn new(origin: &str) -> Self {
        Self::of(origin, VirtualAuthenticator::synced_passkey())
    }

    pub(crate) fn of(origin: &str, inner: VirtualAuthenticator) -> Self {
        Self { inner, origin: origin.into() }
    }

    /// The same, and this is wrong with it.
    pub(crate) fn with(self, fault: Fault) -> Self {
        self.inner.faults().inject(fault);
        self
    }

    /// A `RegistrationResponseJSON`.
    pub(crate) fn create(&self, options: &Value) -> Value {
        let made = self.inner.create(&self.origin, &options.to_string());
        serde_json::from_str(&made.unwrap()).unwrap()
    }

    /// An `AuthenticationResponseJSON`.
    pub(crate) fn get(&self, options: &Value) -> Value {
        let got = self.inner.get(&self.origin, &options.to_string());
        serde_json::from_str(&got.unwrap()).unwrap()
    }

    /// The id of its newest passkey.
    pub(crate) fn id_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.inner.passkeys().last().unwrap().id().as_bytes())
    }
}

/// The same options as a browser takes them that does not look which keys are allowed.
pub(crate) fn any_key(options: &Value) -> Value {
    let mut options = options.clone();
    options.as_object_mut().unwrap().remove("allowCredentials");
    options
}
