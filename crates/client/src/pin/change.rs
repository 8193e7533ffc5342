//! Setting a PIN, and changing it (CTAP 2.3 §6.5.5.5, §6.5.5.6).

use towline_crypto::CryptoProvider;
use towline_ctap::{ClientPinRequest, ClientPinResponse, GetInfo, Request, ResponseError, Status};

use super::{
    Pin, PinError, PinProblem, PinRules,
    protocol::{Protocol, SharedSecret},
};

/// Sets the PIN of an authenticator, or changes it: two requests, whose responses are handed in one
/// after the other.
#[derive(Debug)]
pub struct PinChange {
    protocol: Protocol,
    present: Option<Pin>,
    new: Pin,
    agreed: bool,
    provider: CryptoProvider,
}

impl PinChange {
    /// Looks at the new PIN, and prepares the exchange. `present` is the PIN of an authenticator
    /// that has one.
    ///
    /// # Errors
    /// [`PinError::Unsupported`], or [`PinError::Problem`] where the PIN is too short or too long.
    pub fn new(
        info: &GetInfo,
        present: Option<Pin>,
        new: Pin,
        provider: &CryptoProvider,
    ) -> Result<Self, PinError> {
        let known = info.options.client_pin.ok_or(PinError::Unsupported);
        let protocol = known.and(Protocol::choose(info).ok_or(PinError::Unsupported))?;
        PinRules::of(info).check(&new)?;
        Ok(Self::with(protocol, present, new, provider))
    }

    /// The same for a new PIN that was looked at.
    pub(super) fn with(
        protocol: Protocol,
        present: Option<Pin>,
        new: Pin,
        provider: &CryptoProvider,
    ) -> Self {
        Self { protocol, present, new, agreed: false, provider: provider.clone() }
    }

    /// The first request.
    #[must_use]
    pub fn request(&self) -> Vec<u8> {
        let protocol = self.protocol.number();
        Request::from(ClientPinRequest::GetKeyAgreement { protocol }).encode()
    }

    /// The response to the last request: the next request, or `None` when the PIN is set.
    ///
    /// # Errors
    /// [`PinError`]; nothing was changed.
    pub fn handle_response(&mut self, response: &[u8]) -> Result<Option<Vec<u8>>, PinError> {
        let response = answer(response)?;
        if self.agreed {
            return Ok(None);
        }
        self.agreed = true;
        let theirs = response.key_agreement.ok_or(PinError::Misbehaved)?;
        let shared = SharedSecret::agree(self.protocol, &theirs, &self.provider)?;
        let padded = self.new.padded().ok_or(PinProblem::TooLong)?;
        let new_pin_enc = shared.encrypt(&*padded)?;
        let (protocol, key_agreement) = (shared.protocol(), shared.key);
        let request = match &self.present {
            None => ClientPinRequest::SetPin {
                protocol,
                key_agreement,
                param: shared.authenticate(&[&new_pin_enc]),
                new_pin_enc,
            },
            Some(present) => {
                let pin_hash_enc = shared.pin_hash(present)?;
                ClientPinRequest::ChangePin {
                    protocol,
                    key_agreement,
                    param: shared.authenticate(&[&new_pin_enc, &pin_hash_enc]),
                    new_pin_enc,
                    pin_hash_enc,
                }
            }
        };
        Ok(Some(Request::from(request).encode()))
    }

    /// The PIN that is set now.
    pub(crate) fn into_pin(self) -> Pin {
        self.new
    }
}

/// What the authenticator says to a request about PINs.
pub(crate) fn answer(response: &[u8]) -> Result<ClientPinResponse, PinError> {
    ClientPinResponse::decode(response).map_err(|error| match error {
        ResponseError::Status(Status::PinInvalid) => PinProblem::Wrong.into(),
        ResponseError::Status(Status::PinPolicyViolation) => PinProblem::Refused.into(),
        ResponseError::Status(status) => PinError::Refused(status),
        _ => PinError::Misbehaved,
    })
}
