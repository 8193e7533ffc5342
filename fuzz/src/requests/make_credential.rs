//! authenticatorMakeCredential.

use arbitrary::Arbitrary;
use towline_ctap::{ClientDataHash, MakeCredentialRequest, Request, Rp, User, algorithm};

use super::{Listed, Name, Options, Party, Proof, Sensible, extensions::Creating, handle};
use crate::watch::{RPS, Watch};

/// A creation.
#[derive(Debug, Arbitrary)]
pub struct MakeCredential {
    rp: Party,
    user: u8,
    names: [Name; 3],
    algorithms: u8,
    exclude: Vec<Listed>,
    options: Options,
    extensions: Vec<Creating>,
    proof: Proof,
    enterprise: u8,
    formats: u8,
}

impl Sensible for MakeCredential {
    fn message(&self, watch: &Watch) -> Vec<u8> {
        let [rp_name, name, display_name] = self.names.map(Name::text);
        let rp = Rp { id: self.rp.id(), name: rp_name };
        let user = User { id: handle(self.user), name, display_name };
        let algorithms = match self.algorithms {
            0 => vec![-1000],
            1 => vec![algorithm::EDDSA, algorithm::ES384],
            2 => vec![algorithm::EDDSA, algorithm::ES256],
            _ => vec![algorithm::ES256],
        };
        let hash = ClientDataHash::new([self.user; 32]);
        let mut request = MakeCredentialRequest::new(hash, rp, user, algorithms);
        request.exclude_list =
            self.exclude.iter().take(20).map(|listed| listed.descriptor(watch)).collect();
        request.options = self.options.into();
        self.extensions.iter().for_each(|one| one.add(watch, &mut request.extensions));
        (request.pin_uv_auth_protocol, request.pin_uv_auth_param) = self.proof.parts(watch);
        request.enterprise_attestation = match self.enterprise {
            level @ 1..4 => Some(level.into()),
            _ => None,
        };
        let formats = ["none", "packed", "fido-u2f", "tpm", "nonsense"];
        let wanted = formats.iter().enumerate().filter(|(bit, _)| self.formats >> bit & 1 == 1);
        request.attestation_formats_preference =
            wanted.map(|(_, format)| (*format).into()).collect();
        Request::from(request).encode()
    }
}

/// A creation that succeeds as long as there is a token for it, or somebody to verify.
pub fn plain(watch: &Watch, user: u8) -> Request {
    let rp = Party(user / 2);
    let rp = Rp { id: rp.id(), name: Some(RPS[0].into()) };
    let user = User { id: handle(user), name: Some("alice".into()), display_name: None };
    let hash = ClientDataHash::new([1; 32]);
    let mut request = MakeCredentialRequest::new(hash, rp, user, vec![algorithm::ES256]);
    request.options.rk = Some(true);
    if watch.token.is_some() {
        request.pin_uv_auth_protocol = Some(watch.protocol());
        request.pin_uv_auth_param = Some(watch.param());
    } else if watch.config().verification.built_in.is_some() {
        request.options.uv = Some(true);
    }
    Request::from(request)
}
