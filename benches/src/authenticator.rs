//! Ceremonies in process, answered at once by a person who agrees to everything.

use std::time::Instant;

use towline_authenticator::{
    Answer, Authenticator, Change, ChannelId, Config, Credential, CredentialStore, Custody,
    KeyError, KeyHandle, KeyStore, MemoryStore, NewKey, Output, Question, Replaces, SoftwareKeys,
    Work,
};
use towline_crypto::{CryptoProvider, SignatureAlgorithm, SigningKey};
use towline_ctap::{
    AuthenticatorData, Command, CosePublicKey, CredentialId, MakeCredentialResponse, Request, RpId,
    Status, UserHandle, algorithm,
};
use zeroize::Zeroizing;

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
    /// An authenticator with this policy, and with so many credentials for other relying parties
    /// besides.
    #[must_use]
    pub fn new(config: Config, others: u32) -> Self {
        Self::with_provider(provider(), config, others)
    }

    /// The same with another provider than the portable one.
    #[must_use]
    pub fn with_provider(provider: CryptoProvider, config: Config, others: u32) -> Self {
        let keys = SoftwareKeys::new(provider.clone());
        Self::with_keys(provider, keys, config, others)
    }

    /// The same with keys that cost nothing, so that what is left is the ceremony alone.
    #[must_use]
    pub fn with_free_keys(config: Config) -> Self {
        Self::with_keys(provider(), FreeKeys, config, 0)
    }

    /// An authenticator with so many accounts at the one relying party.
    #[must_use]
    pub fn with_accounts(config: Config, count: u32) -> Self {
        let (this, store) = Self::start(provider(), SoftwareKeys::new(provider()), config);
        let rp_id = |_| RpId::new(ctap::RP_ID).unwrap();
        add_copies(store, count.saturating_sub(1), rp_id);
        this
    }

    fn with_keys(
        provider: CryptoProvider,
        keys: impl KeyStore + 'static,
        config: Config,
        others: u32,
    ) -> Self {
        let (this, store) = Self::start(provider, keys, config);
        add_copies(store, others, |n| RpId::new(&format!("{n}.example")).unwrap());
        this
    }

    /// With the one credential, and the store that it is in.
    fn start(
        provider: CryptoProvider,
        keys: impl KeyStore + 'static,
        config: Config,
    ) -> (Self, MemoryStore) {
        let store = MemoryStore::new();
        let verified = config.verification.built_in.is_some();
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
        (this, store)
    }

    /// authenticatorMakeCredential; the new credential takes the place of the one that there is for
    /// the account.
    ///
    /// # Panics
    /// When it is refused.
    pub fn make_credential(&mut self) -> Vec<u8> {
        let request = std::mem::take(&mut self.registration);
        let response = answer(&mut self.authenticator, &request);
        self.registration = request;
        response
    }

    /// authenticatorGetAssertion with the credential that [`Ceremonies::new`] made in its allow
    /// list.
    ///
    /// # Panics
    /// When it is refused, as after [`Ceremonies::make_credential`], which replaced that
    /// credential.
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

    /// authenticatorGetAssertion without an allow list, then authenticatorGetNextAssertion.
    ///
    /// # Panics
    /// When either is refused, as where there is only one account, or the person chooses on the
    /// authenticator.
    pub fn first_and_next(&mut self) -> Vec<u8> {
        self.discoverable();
        answer(&mut self.authenticator, &[Command::GetNextAssertion.to_u8()])
    }

    /// What a registration can't do without: a new key pair.
    #[must_use]
    pub fn bare_key_generation(&self) -> Vec<u8> {
        es256(&self.provider).generate(&*self.provider.random).unwrap().public_key().to_vec()
    }

    /// What a registration with self attestation can't do without: a new key pair and a signature
    /// by it.
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

/// Makes the same key and the same signature again and again: of the right lengths, but of no use.
struct FreeKeys;

impl KeyStore for FreeKeys {
    fn algorithms(&self) -> Vec<i64> {
        vec![algorithm::ES256]
    }

    fn generate(&mut self, alg: i64) -> Work<NewKey, KeyError> {
        let handle = KeyHandle::new(alg, Zeroizing::new([1; 32].into()));
        Work::ready(NewKey {
            handle,
            public_key: CosePublicKey::P256 { alg, x: [2; 32], y: [3; 32] },
        })
    }

    fn sign(&mut self, _: &KeyHandle, _: &[&[u8]]) -> Work<Vec<u8>, KeyError> {
        Work::ready(vec![4; 71])
    }

    fn public_key(&mut self, key: &KeyHandle) -> Work<CosePublicKey, KeyError> {
        Work::failed(KeyError::Unsupported(key.algorithm()))
    }

    fn custody(&self, _: &KeyHandle) -> Custody {
        Custody::Handle
    }

    fn forget(&mut self, _: &KeyHandle) -> Work<(), KeyError> {
        Work::ready(())
    }

    fn clear(&mut self) -> Work<(), KeyError> {
        Work::ready(())
    }
}

fn es256(provider: &CryptoProvider) -> &'static dyn SignatureAlgorithm {
    provider.signature(algorithm::ES256).unwrap()
}

/// The response to a request, the person agreeing to everything.
/// The response to a request, whose questions are all answered with a yes.
///
/// # Panics
/// When it is refused.
pub fn answer(authenticator: &mut Authenticator, request: &[u8]) -> Vec<u8> {
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

/// Copies of the credential for other accounts, of relying parties that `rp_id` names.
fn add_copies(mut store: MemoryStore, count: u32, rp_id: impl Fn(u32) -> RpId) {
    let Some(model) = store.credentials().into_iter().next() else { return };
    let changes = (0..count).map(|n| {
        let credential = Credential {
            id: CredentialId::new(&[&n.to_be_bytes()[..], &[9; 12]].concat()).unwrap(),
            rp_id: rp_id(n),
            user: towline_ctap::User {
                id: UserHandle::new(&n.to_be_bytes()).unwrap(),
                ..model.user.clone()
            },
            ..model.clone()
        };
        Change::Save { credential: Box::new(credential), replaces: Replaces::Account }
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

    #[test]
    fn one_of_many_accounts_is_chosen_here_or_by_the_client() {
        let counted =
            |response: &[u8]| GetAssertionResponse::decode(response).unwrap().number_of_credentials;
        let mut here = Ceremonies::with_accounts(Config::phone(), 5);
        assert_eq!(counted(&here.discoverable()), None);
        let mut there = Ceremonies::with_accounts(Config::security_key(), 5);
        assert_eq!(counted(&there.discoverable()), Some(5));
        there.first_and_next();
    }

    #[test]
    fn keys_that_cost_nothing_are_enough_for_a_ceremony() {
        let mut ceremonies = Ceremonies::with_free_keys(Config::phone());
        ceremonies.listed();
        ceremonies.make_credential();
        ceremonies.discoverable();
    }
}
