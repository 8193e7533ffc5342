//! Exclude and allow lists that are too long for one request: searched piece by piece (CTAP 2.3
//! §6.1.1).

use std::collections::VecDeque;

use towline_ctap::{
    ClientDataHash, DEFAULT_MAX_MSG_SIZE, GetAssertionRequest, GetAssertionResponse, GetInfo,
    PublicKeyCredentialDescriptor, Request, RequestOptions, RpId, Status,
};

use crate::{Error, error::Misbehaviour};

/// What one entry of a list takes beside its id: the map, its two keys and the type.
const ENTRY: usize = 23;
/// The list itself: its key, and its head.
const LIST: usize = 4;
/// What a search may ask for that the request itself does not: `up` and `uv`, and the map that they
/// are in.
const LOOK: usize = 10;

/// Splits a list so that each piece fits a request that takes `base` bytes without it. Ids that the
/// authenticator can't have made are left out, and transports are not sent: authenticators have no
/// use for them.
pub(crate) fn split(
    list: &[PublicKeyCredentialDescriptor],
    info: &GetInfo,
    base: usize,
) -> VecDeque<Vec<PublicKeyCredentialDescriptor>> {
    // A limit of nothing is none: no list may be dropped for it.
    let limit = |member: Option<u64>, default| {
        let member = member.filter(|value| *value > 0);
        member.map_or(default, |value| usize::try_from(value).unwrap_or(usize::MAX))
    };
    let max_length = limit(info.max_credential_id_length, usize::MAX);
    let max_count = limit(info.max_credential_count_in_list, usize::MAX);
    let max_size = limit(info.max_msg_size, DEFAULT_MAX_MSG_SIZE);
    let max_size = max_size.saturating_sub(base).saturating_sub(LIST.saturating_add(LOOK));

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

/// Whether a request, with `uv` as it stands there, sees credentials that a silent search does not:
/// the authenticator may hide them from whoever is not verified, and verifies by itself, because it
/// is asked to or because it always does.
pub(crate) fn sees_more_than_silence(uv: Option<bool>, info: &GetInfo) -> bool {
    let always = info.options.always_uv == Some(true) && info.options.uv == Some(true);
    info.supports_extension("credProtect") && (uv == Some(true) || always)
}

/// The two halves of a list that the authenticator calls too long; `None` where that is not what it
/// says, or no list is shorter.
pub(crate) fn halves(
    list: &[PublicKeyCredentialDescriptor],
    error: &Error,
) -> Option<[Vec<PublicKeyCredentialDescriptor>; 2]> {
    let too_long = matches!(error, Error::Refused(Status::LimitExceeded | Status::RequestTooLarge));
    let (first, second) = list.split_at_checked(list.len().div_ceil(2))?;
    (too_long && !second.is_empty()).then(|| [first.to_vec(), second.to_vec()])
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
        let Some((look, piece)) = self.pieces.pop_front() else { return Ok(Found::Nothing) };
        match GetAssertionResponse::decode(response).map_err(Error::from_response) {
            Ok(response) => {
                return used_credential(response.credential, &piece).map(Found::Credential);
            }
            Err(error) if holds_none(&error) => {}
            Err(error) => {
                let [first, second] = halves(&piece, &error).ok_or(error)?;
                self.pieces.push_front((look.clone(), second));
                self.pieces.push_front((look, first));
            }
        }
        Ok(self.request().map_or(Found::Nothing, Found::NotYet))
    }
}

/// Whether the authenticator says that it holds none of a piece. Some say of credentials that are
/// not theirs that they are not valid.
pub(crate) const fn holds_none(error: &Error) -> bool {
    matches!(error, Error::NoCredentials | Error::Refused(Status::InvalidCredential))
}

/// The credential of an assertion that was asked for with a list. CTAP 2.0 lets an authenticator
/// leave it out when there was one to choose from.
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
