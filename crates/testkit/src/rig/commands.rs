//! Requests of the commands that need a token, as a platform sends them.

use towline_authenticator::Config;
use towline_ctap::{
    ConfigRequest, ConfigSubcommand, CredentialManagementRequest, CredentialManagementResponse,
    CredentialManagementSubcommand, LargeBlobsRequest, Permissions, PinUvAuth, Request, Status,
};

use super::{
    Rig,
    platform::{Platform, PlatformToken},
};

/// The PIN of [`with_pin`].
pub const PIN: &str = "2468-blue";

/// An authenticator whose PIN is [`PIN`].
pub fn with_pin(config: Config) -> Rig {
    let mut rig = Rig::new(config);
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    rig
}

/// A token for these permissions, had with [`PIN`].
pub fn token(rig: &mut Rig, permissions: Permissions, rp: Option<&str>) -> PlatformToken {
    Platform::agree(rig, 2).pin_token(rig, PIN, permissions, rp).unwrap()
}

/// authenticatorCredentialManagement, with this token or without any.
pub fn manage(
    rig: &mut Rig,
    token: Option<&PlatformToken>,
    sub: CredentialManagementSubcommand,
) -> Result<CredentialManagementResponse, Status> {
    let request = CredentialManagementRequest::new(sub);
    let auth = token.map(|token| token.auth(rig, &request.authenticated_message()));
    manage_with(rig, auth, request)
}

/// The same with a proof that is any.
pub fn manage_with(
    rig: &mut Rig,
    auth: Option<PinUvAuth>,
    mut request: CredentialManagementRequest,
) -> Result<CredentialManagementResponse, Status> {
    request.auth = auth;
    let response = rig.call(&Request::from(request))?;
    Ok(CredentialManagementResponse::decode(&response).unwrap())
}

/// authenticatorConfig, with this token or without any.
pub fn configure(
    rig: &mut Rig,
    token: Option<&PlatformToken>,
    sub: ConfigSubcommand,
) -> Result<(), Status> {
    let mut request = ConfigRequest::new(sub);
    request.auth = token.map(|token| token.auth(rig, &request.authenticated_message()));
    rig.call(&request.into()).map(drop)
}

/// One fragment of a write to the large-blob array.
pub fn fragment(
    rig: &Rig,
    token: Option<&PlatformToken>,
    bytes: &[u8],
    offset: u32,
    length: Option<u64>,
) -> Request {
    let message = LargeBlobsRequest::authenticated_message(&rig.provider, offset, bytes);
    let auth = token.map(|token| token.auth(rig, &message));
    LargeBlobsRequest::Set { fragment: bytes.to_vec(), offset, length, auth }.into()
}
