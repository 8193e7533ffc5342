//! Exclude and allow lists that are too long for one request: searched piece by piece (CTAP 2.3
//! §6.1.1).

use std::collections::VecDeque;

use towline_ctap::{
    ClientDataHash, DEFAULT_MAX_MSG_SIZE, GetAssertionRequest, GetAssertionResponse, GetInfo,
    PublicKeyCredentialDescriptor, Request, RequestOptions, ResponseError, RpId, Status,
};

use crate::{Error, error::Misbehaviour};

/// What one entry of a list takes beside its id: the map, its two keys and the type.
const ENTRY: usize = 23;
/// The list itself: its key, and its head.
const LIST: usize = 4;

/// Splits a list so that each piece fits a request that takes `base` bytes without it. Ids that the authenticator can't
/// have made are left out, and transports are not sent: authenticators have no use for them.
pub(crate) fn split(
    list: &[PublicKeyCredentialDescriptor],
    info: &GetInfo,
    base: usize,
) -> VecDeque<Vec<PublicKeyCredentialDescriptor>> {
    let limit = |member: Option<u64>, default| {
        member.map_or(default, |value| usize::try_from(value).unwrap_or(usize::MAX))
    };
    let max_length = limit(info.max_credential_id_length, usize::MAX);
    let max_count = limit(info.max_credential_count_in_list, usize::MAX).max(1);
    let max_size =
        limit(info.max_msg_size, DEFAULT_MAX_MSG_SIZE).saturating_sub(base).saturating_sub(LIST);

    let mut pieces = VecDeque::new();
    let mut piece = Vec::new();
    let mut size: usize = 0;
    for entry in list.iter().filter(|entry| entry.id.as_bytes().len() <= max_length) {
        let cost = entry.id.as_bytes().len().saturating_add(ENTRY);
        let full = piece.len() >= max_count || size.saturating_add(cost) > max_size;
        if full && !piece.is_empty() {
            pieces.push_back(std::mem::take(&mut piece));
            size = 0;
        }
        size = size.saturating_add(cost);
        piece.push(PublicKeyCredentialDescriptor::new(entry.id.clone()));
    }
    if !piece.is_empty() {
        pieces.push_back(piece);
    }
    pieces
}

/// The client data hash of requests whose answers are thrown away: what is signed over it must not
/// be of use to anyone.
pub(crate) const NO_CLIENT_DATA: ClientDataHash = ClientDataHash::new([0; 32]);

/// Whether the authenticator may hide credentials from whoever is not verified.
pub(crate) fn hides(info: &GetInfo) -> bool {
    info.supports_extension("credProtect")
}

/// How a search is made: credentials of which `credProtect` says 3 are hidden from whoever is not
/// verified, so that what a silent search does not find may still be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look {
    /// Without a person.
    Silent,
    /// With built-in verification. Each piece asks the person.
    BuiltIn,
    /// With a PIN/UV token, which sees everything and asks nobody.
    Token {
        /// The PIN/UV auth protocol.
        protocol: u64,
        /// The proof of the token, for [`NO_CLIENT_DATA`].
        param: Vec<u8>,
    },
}

/// Looks for the one piece that the authenticator holds a credential of, without presence.
#[derive(Debug)]
pub(crate) struct Probe {
    rp_id: RpId,
    pieces: VecDeque<(Look, Vec<PublicKeyCredentialDescriptor>)>,
}

/// How the search goes on.
#[derive(Debug)]
pub(crate) enum Found {
    /// This credential is on the authenticator.
    Credential(PublicKeyCredentialDescriptor),
    /// None of this piece is; send the next request.
    NotYet(Vec<u8>),
    /// None of any piece is.
    Nothing,
}

impl Probe {
    /// A search through at least one piece.
    pub(crate) fn new(
        rp_id: RpId,
        look: &Look,
        pieces: &VecDeque<Vec<PublicKeyCredentialDescriptor>>,
    ) -> Self {
        let pieces = pieces.iter().map(|piece| (look.clone(), piece.clone())).collect();
        Self { rp_id, pieces }
    }

    /// The same search, and if it finds nothing another, in another way.
    pub(crate) fn and_then(mut self, other: Self) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// The request for the piece that is next.
    pub(crate) fn request(&self) -> Option<Vec<u8>> {
        let (look, piece) = self.pieces.front()?;
        let mut request = GetAssertionRequest::new(self.rp_id.clone(), NO_CLIENT_DATA);
        request.allow_list = Some(piece.clone());
        let uv = (*look == Look::BuiltIn).then_some(true);
        request.options = RequestOptions { up: Some(false), uv, ..RequestOptions::default() };
        if let Look::Token { protocol, param } = look {
            request.pin_uv_auth_protocol = Some(*protocol);
            request.pin_uv_auth_param = Some(param.clone());
        }
        Some(Request::from(request).encode())
    }

    pub(crate) fn handle_response(&mut self, response: &[u8]) -> Result<Found, Error> {
        let piece = self.pieces.pop_front().map(|(_, piece)| piece).unwrap_or_default();
        match GetAssertionResponse::decode(response) {
            Ok(response) => used_credential(response.credential, &piece).map(Found::Credential),
            Err(ResponseError::Status(Status::NoCredentials)) => {
                Ok(self.request().map_or(Found::Nothing, Found::NotYet))
            }
            Err(error) => Err(Error::from_response(error)),
        }
    }
}

/// The credential of an assertion that was asked for with a list. CTAP 2.0 lets an authenticator leave it out when there
/// was one to choose from.
pub(crate) fn used_credential(
    credential: Option<PublicKeyCredentialDescriptor>,
    list: &[PublicKeyCredentialDescriptor],
) -> Result<PublicKeyCredentialDescriptor, Error> {
    match (credential, list) {
        (Some(used), _) if list.iter().any(|listed| listed.id == used.id) => Ok(used),
        (Some(_), _) => Err(Misbehaviour::UnexpectedCredential.into()),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(Misbehaviour::NoCredential.into()),
    }
}
