//! Ceremonies in process, answered at once by a person who agrees to everything.

use std::time::Instant;

use towline_authenticator::{
    Answer, Authenticator, Change, ChannelId, Config, Credential, CredentialStore, MemoryStore,
    Output, Question, SoftwareKeys, Work,
};
use towline_crypto::{CryptoProvider, SignatureAlgorithm, SigningKey};
use towline_ctap::{
    AuthenticatorData, CredentialId, MakeCredentialResponse, Request, RpId, Status, UserHandle,
    algorithm,
};

use crate::{ctap, provider};

/// An authenticator with one credential for [`ctap::RP_ID`], and requests to it.
pub struct Ceremonies {
    provider: CryptoProvider,
    authenticator: Authenticator,
    registration: Vec<u8>,
    listed: Vec<u8>,
    discoverable: Vec<u8>,
    bare: Box<dyn SigningKey>,
}

impl Ceremonies {
    /// An authenticator with this policy, and with so many credentials for other relying parties besides.
    #[must_use]
    pub fn new(config: Config, others: u32) -> Self {
        Self::with_provider(provider(), config, others)
    }

    /// The same with another provider than the portable one.
    #[must_use]
    pub fn with_provider(provider: CryptoProvider, config: Config, others: u32) -> Self {
        let store = MemoryStore::new();
        let keys = SoftwareKeys::new(provider.clone());
        let verified = config.verification.is_some();
        let authenticator =
            Authenticator::new(config, provider.clone(), store.clone(), keys).unwrap();
        let registration =
            Request::MakeCredential(Box::new(ctap::make_credential(verified))).encode();
        let mut this = Self {
            bare: es256(&provider).generate(&*provider.random).unwrap(),
            authenticator,
            registration,
            listed: Vec::new(),
            discoverable: Request::GetAssertion(Box::new(ctap::get_assertion(None))).encode(),
            provider,
        };
        let response = MakeCredentialResponse::decode(&this.make_credential()).unwrap();
        let attested = AuthenticatorData::decode(&response.auth_data).unwrap().attested.unwrap();
        let id = attested.credential_id.as_bytes();
        this.listed = Request::GetAssertion(Box::new(ctap::get_assertion(Some(id)))).encode();
        add_others(store, others);
        this
    }

    /// authenticatorMakeCredential; the new credential takes the place of the one that there is for the account.
    ///
    /// # Panics
    /// When it is refused.
    pub fn make_credential(&mut self) -> Vec<u8> {
        let request = std::mem::take(&mut self.registration);
        let response = answer(&mut self.authenticator, &request);
        self.registration = request;
        response
    }

    /// authenticatorGetAssertion with the credential that [`Ceremonies::new`] made in its allow list.
    ///
    /// # Panics
    /// When it is refused, as after [`Ceremonies::make_credential`], which replaced that credential.
    pub fn listed(&mut self) -> Vec<u8> {
        answer(&mut self.authenticator, &self.listed)
    }

    /// authenticatorGetAssertion without an allow list.
    ///
    /// # Panics
    /// When it is refused.
    pub fn discoverable(&mut self) -> Vec<u8> {
        answer(&mut self.authenticator, &self.discoverable)
    }

    /// What a registration can't do without: a new key pair.
    #[must_use]
    pub fn bare_key_generation(&self) -> Vec<u8> {
        es256(&self.provider).generate(&*self.provider.random).unwrap().public_key().to_vec()
    }

    /// What a registration with self attestation can't do without: a new key pair and a signature by it.
    #[must_use]
    pub fn bare_key_generation_and_signature(&self) -> Vec<u8> {
        let key = es256(&self.provider).generate(&*self.provider.random).unwrap();
        std::hint::black_box(key.public_key());
        key.sign(&[&[7; 180], &[1; 32]]).unwrap()
    }

    /// What a sign-in can't do without: a signature by a loaded key.
    #[must_use]
    pub fn bare_signature(&self) -> Vec<u8> {
        self.bare.sign(&[&[7; 37], &[2; 32]]).unwrap()
    }
}

fn es256(provider: &CryptoProvider) -> &'static dyn SignatureAlgorithm {
    provider.signature(algorithm::ES256).unwrap()
}

/// The response to a request, the person agreeing to everything.
fn answer(authenticator: &mut Authenticator, request: &[u8]) -> Vec<u8> {
    // No time passes in here, and nothing waits for any.
    let now = Instant::now();
    authenticator.handle_request(ChannelId(1), request, now);
    let mut response = None;
    while let Some(output) = authenticator.poll_output() {
        match output {
            Output::Ask { token, question } => {
                let answer = match question {
                    Question::VerifyUser { .. } => Answer::Verified,
                    Question::ChooseAccount { .. } => Answer::Account(0),
                    _ => Answer::Approve,
                };
                authenticator.handle_answer(token, answer, now).unwrap();
            }
            Output::Work { token, job } => {
                authenticator.handle_work(token, job.run(), now).unwrap()
            }
            Output::Response { bytes, .. } => response = Some(bytes),
            _ => {}
        }
    }
    let response = response.expect("every request has a response");
    assert_eq!(response.first(), Some(&Status::Ok.to_u8()), "refused");
    response
}

/// Copies of the credential for other relying parties.
fn add_others(mut store: MemoryStore, count: u32) {
    let Some(model) = store.credentials().into_iter().next() else { return };
    let changes = (0..count).map(|n| {
        let credential = Credential {
            id: CredentialId::new(&[&n.to_be_bytes()[..], &[9; 12]].concat()).unwrap(),
            rp_id: RpId::new(&format!("{n}.example")).unwrap(),
            user: towline_ctap::User {
                id: UserHandle::new(&n.to_be_bytes()).unwrap(),
                ..model.user.clone()
            },
            ..model.clone()
        };
        Change::Save { credential: Box::new(credential), replaces: None }
    });
    match store.commit(changes.collect()) {
        Work::Done(done) => done.unwrap(),
        Work::Later(run) => run().unwrap(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use towline_ctap::GetAssertionResponse;

    #[test]
    fn all_ceremonies_succeed_in_all_presets() {
        for config in [Config::phone(), Config::security_key(), Config::platform()] {
            let mut ceremonies = Ceremonies::new(config, 100);
            for response in [ceremonies.listed(), ceremonies.discoverable()] {
                assert!(!GetAssertionResponse::decode(&response).unwrap().signature.is_empty());
            }
            MakeCredentialResponse::decode(&ceremonies.make_credential()).unwrap();
            ceremonies.discoverable();
        }
    }
}
