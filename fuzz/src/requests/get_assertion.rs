//! authenticatorGetAssertion and authenticatorGetNextAssertion.

use arbitrary::Arbitrary;
use towline_ctap::{ClientDataHash, GetAssertionRequest, Request};

use super::{Listed, Options, Party, Proof, Sensible, extensions::Asserting};
use crate::watch::Watch;

/// A sign-in, or the next account of one.
#[derive(Debug, Arbitrary)]
pub enum GetAssertion {
    Any(SignIn),
    /// Without a list and without options, which is what several accounts need.
    Discoverable(Party, Proof),
    Next,
}

#[derive(Debug, Arbitrary)]
pub struct SignIn {
    rp: Party,
    list: Option<Vec<Listed>>,
    options: Options,
    extensions: Vec<Asserting>,
    proof: Proof,
}

impl Sensible for GetAssertion {
    fn message(&self, watch: &Watch) -> Vec<u8> {
        let hash = ClientDataHash::new([3; 32]);
        let (mut request, proof) = match self {
            Self::Next => return Request::GetNextAssertion.encode(),
            Self::Discoverable(rp, proof) => (GetAssertionRequest::new(rp.id(), hash), *proof),
            Self::Any(any) => {
                let mut request = GetAssertionRequest::new(any.rp.id(), hash);
                request.allow_list = any.list.as_ref().map(|list| {
                    list.iter().take(20).map(|listed| listed.descriptor(watch)).collect()
                });
                request.options = any.options.into();
                any.extensions.iter().for_each(|one| one.add(watch, &mut request.extensions));
                (request, any.proof)
            }
        };
        (request.pin_uv_auth_protocol, request.pin_uv_auth_param) = proof.parts(watch);
        Request::from(request).encode()
    }
}
