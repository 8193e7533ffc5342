//! A site that somebody else has written: `webauthn-rs-core` judges what it is given. Your own
//! server stands here in your tests.

use std::{sync::Mutex, time::Duration};

use towline_virtual::CredentialsContainer;
use webauthn_rs_core::{
    WebauthnCore,
    proto::{AuthenticationResult, Credential, CredentialID},
};

/// Where the site's page is.
const ORIGIN: &str = "https://example.org";

/// Either the name of the exception in the browser, or why the server refuses.
pub(crate) type Outcome<T> = Result<T, String>;

pub(crate) struct Site {
    server: WebauthnCore,
    /// The passkeys that are registered, each with its account.
    keys: Mutex<Vec<(String, Credential)>>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let (origins, patience) = (vec![ORIGIN.parse().unwrap()], Duration::from_secs(60));
        let (name, id) = ("Example", "example.org");
        let server = WebauthnCore::new_unsafe_experts_only(name, id, origins, patience, None, None);
        Self { server, keys: Mutex::default() }
    }

    /// Registers a passkey for the account, from the site's own page.
    pub(crate) fn register(&self, device: &dyn CredentialsContainer, account: &str) -> Outcome<()> {
        self.register_from(ORIGIN, device, account)
    }

    /// The same from a page that may be somebody else's.
    pub(crate) fn register_from(
        &self,
        origin: &str,
        device: &dyn CredentialsContainer,
        account: &str,
    ) -> Outcome<()> {
        let mut keys = self.keys.lock().unwrap();
        let known: Vec<CredentialID> = keys
            .iter()
            .filter(|(of, _)| of == account)
            .map(|(_, key)| key.cred_id.clone())
            .collect();
        let builder =
            self.server.new_challenge_register_builder(account.as_bytes(), account, account);
        let builder = builder.unwrap().require_resident_key(true).exclude_credentials(Some(known));
        let (options, state) = self.server.generate_challenge_register(builder).unwrap();
        let response = device
            .create(origin, &serde_json::to_string(&options).unwrap())
            .map_err(|error| error.name().to_owned())?;
        let response = serde_json::from_str(&response).unwrap();
        let key = self.server.register_credential(&response, &state, None);
        keys.push((account.to_owned(), key.map_err(|error| format!("{error:?}"))?));
        Ok(())
    }

    /// Signs in without a user name: whose account it is, and what the server says to it.
    pub(crate) fn sign_in(
        &self,
        device: &dyn CredentialsContainer,
    ) -> Outcome<(String, AuthenticationResult)> {
        let mut keys = self.keys.lock().unwrap();
        let all = keys.iter().map(|(_, key)| key.clone()).collect();
        let builder = self.server.new_challenge_authenticate_builder(all, None).unwrap();
        let (options, state) = self.server.generate_challenge_authenticate(builder).unwrap();
        // Whoever is there: this server always lists credentials.
        let mut options = serde_json::to_value(&options).unwrap();
        options["publicKey"].as_object_mut().unwrap().remove("allowCredentials").unwrap();
        let response =
            device.get(ORIGIN, &options.to_string()).map_err(|error| error.name().to_owned())?;
        let response = serde_json::from_str(&response).unwrap();
        let result = self
            .server
            .authenticate_credential(&response, &state)
            .map_err(|error| format!("{error:?}"))?;
        let (account, key) =
            keys.iter_mut().find(|(_, key)| key.cred_id == *result.cred_id()).unwrap();
        key.counter = result.counter();
        Ok((account.clone(), result))
    }
}
