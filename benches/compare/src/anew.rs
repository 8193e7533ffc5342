//! Sign-ins with keys that are not loaded: more accounts than keys are kept loaded, in turn.

use towline_authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
use towline_benches::{authenticator::answer, ctap};
use towline_crypto::CryptoProvider;
use towline_ctap::{AuthenticatorData, MakeCredentialResponse, Request, UserHandle};

/// As many accounts as make sure of it.
const ACCOUNTS: u8 = 40;

pub fn assertions(provider: CryptoProvider) -> impl FnMut() -> Vec<u8> {
    let keys = SoftwareKeys::new(provider.clone());
    let mut authenticator =
        Authenticator::new(Config::phone(), provider, MemoryStore::new(), keys).expect("a phone");
    let mut register = |account| {
        let mut request = ctap::make_credential(true);
        request.user.id = UserHandle::new(&[account; 16]).expect("a handle");
        let request = Request::MakeCredential(Box::new(request)).encode();
        let response = MakeCredentialResponse::decode(&answer(&mut authenticator, &request));
        let made = AuthenticatorData::decode(&response.expect("a response").auth_data);
        let id = made.expect("authenticator data").attested.expect("a credential").credential_id;
        Request::GetAssertion(Box::new(ctap::get_assertion(Some(id.as_bytes())))).encode()
    };
    let requests: Vec<Vec<u8>> = (0..ACCOUNTS).map(&mut register).collect();
    let mut next = (0..requests.len()).cycle();
    move || answer(&mut authenticator, &requests[next.next().unwrap_or_default()])
}
