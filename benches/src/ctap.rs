//! CTAP messages.

use towline_ctap::{
    Aaguid, AttestationStatement, AttestedCredentialData, AuthenticatorData, ClientDataHash,
    CosePublicKey, CredentialId, DEFAULT_MAX_MSG_SIZE, Extensions, Flags, GetAssertionRequest,
    MakeCredentialRequest, MakeCredentialResponse, PublicKeyCredentialDescriptor, Request, Rp,
    RpId, RpIdHash, User, UserHandle, algorithm,
};

/// The relying party of all requests.
pub const RP_ID: &str = "example.com";

/// An authenticatorMakeCredential request as browsers send it: names, two algorithms, a
/// discoverable credential, user verification if that is to be had, and a list of three credentials
/// that must not exist.
#[must_use]
pub fn make_credential(verified: bool) -> MakeCredentialRequest {
    let rp = Rp { id: RpId::new(RP_ID).unwrap(), name: Some("Example".into()) };
    let user = User {
        id: UserHandle::new(&[5; 16]).unwrap(),
        name: Some("alex@example.com".into()),
        display_name: Some("Alex Example".into()),
    };
    let mut request = MakeCredentialRequest::new(
        ClientDataHash::new([1; 32]),
        rp,
        user,
        vec![algorithm::ES256, -257],
    );
    request.options.rk = Some(true);
    request.options.uv = verified.then_some(true);
    request.exclude_list = (0..3).map(|n| descriptor(&[n; 32])).collect();
    request
}

/// An authenticatorGetAssertion request for one credential, or for any when there is none.
#[must_use]
pub fn get_assertion(credential: Option<&[u8]>) -> GetAssertionRequest {
    let mut request =
        GetAssertionRequest::new(RpId::new(RP_ID).unwrap(), ClientDataHash::new([2; 32]));
    request.allow_list = credential.map(|id| vec![descriptor(id)]);
    request
}

fn descriptor(id: &[u8]) -> PublicKeyCredentialDescriptor {
    PublicKeyCredentialDescriptor { id: CredentialId::new(id).unwrap(), transports: Vec::new() }
}

/// The bytes of an authenticatorMakeCredential request.
pub struct Message(Vec<u8>);

impl Message {
    /// As [`make_credential`] makes it.
    #[must_use]
    pub fn new() -> Self {
        Self(Request::MakeCredential(Box::new(make_credential(true))).encode())
    }

    /// How long it is.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// The bytes of its map, without the command.
    #[must_use]
    pub fn map(&self) -> &[u8] {
        self.0.get(1..).unwrap_or_default()
    }

    /// The request in it.
    #[must_use]
    pub fn decode(&self) -> Request {
        Request::decode(&self.0, DEFAULT_MAX_MSG_SIZE).unwrap()
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

/// The response to a registration without attestation.
pub struct Answered(MakeCredentialResponse);

impl Answered {
    /// One credential of 32 bytes of id and a P-256 key.
    #[must_use]
    pub fn new() -> Self {
        let auth_data = AuthenticatorData {
            rp_id_hash: RpIdHash::new([1; 32]),
            flags: Flags::UP | Flags::UV,
            sign_count: 1,
            attested: Some(AttestedCredentialData {
                aaguid: Aaguid::new([2; 16]),
                credential_id: CredentialId::new(&[3; 32]).unwrap(),
                public_key: CosePublicKey::P256 { alg: algorithm::ES256, x: [4; 32], y: [5; 32] },
            }),
            extensions: Extensions::new(),
        };
        Self(MakeCredentialResponse::new(AttestationStatement::None, auth_data.encode()))
    }

    /// The bytes that go to the client.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode()
    }
}

impl Default for Answered {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_reads_as_what_was_written() {
        assert_eq!(
            Message::new().decode(),
            Request::MakeCredential(Box::new(make_credential(true)))
        );
    }
}
