//! `prf` from `hmac-secret`, as security keys have it (CTAP 2.3 §12.7, §12.8): salts and results
//! are encrypted under a secret that both sides agree on first.

use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::{
    ClientPinRequest, GetInfo, Request, Transport,
    extension::{
        ExtensionValue as _, HmacSecret, HmacSecretInput, HmacSecretMcInput, HmacSecretOutput,
        PrfGetInput, PrfResults, PrfSalts,
    },
};
use zeroize::Zeroizing;

use crate::{
    Error,
    error::Misbehaviour,
    pin::{Protocol, SharedSecret, answer},
};

/// The protocol by which an authenticator takes salts that does not speak `prf` as it is. A session
/// over the hybrid transport is one operation, and has no room for an agreement.
pub(crate) fn protocol(info: &GetInfo, transport: &Transport) -> Option<Protocol> {
    let wanted = info.supports_extension(HmacSecret::ID)
        && !info.supports_extension(PrfGetInput::ID)
        && *transport != Transport::Hybrid;
    Protocol::choose(info).filter(|_| wanted)
}

/// Whether it gives results to a creation.
pub(crate) fn at_creation(info: &GetInfo) -> bool {
    info.supports_extension(HmacSecretMcInput::ID)
}

/// What both sides agreed on.
#[derive(Debug)]
pub(crate) struct Agreement(SharedSecret);

impl Agreement {
    /// Asks for the authenticator's key.
    pub(crate) fn request(protocol: Protocol) -> Vec<u8> {
        let protocol = protocol.number();
        Request::from(ClientPinRequest::GetKeyAgreement { protocol }).encode()
    }

    /// Takes it.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Misbehaved`], [`Error::Cryptography`].
    pub(crate) fn new(
        protocol: Protocol,
        response: &[u8],
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let theirs = answer(response)?.key_agreement.ok_or(Misbehaviour::Pin)?;
        Ok(Self(SharedSecret::agree(protocol, &theirs, provider)?))
    }

    /// The input for these salts.
    ///
    /// # Errors
    /// [`Error::Cryptography`].
    pub(crate) fn input(&self, salts: &PrfSalts) -> Result<HmacSecretInput, Error> {
        let both = [&salts.first[..], salts.second.as_ref().map_or(&[], |second| &second[..])];
        let salt_enc = self.0.encrypt(&both.concat())?;
        Ok(HmacSecretInput {
            key_agreement: self.0.key,
            salt_auth: self.0.authenticate(&[&salt_enc]),
            salt_enc,
            // Authenticators of before CTAP 2.1 do not know the member.
            pin_uv_auth_protocol: Some(self.0.protocol()).filter(|protocol| *protocol != 1),
        })
    }

    /// The results.
    ///
    /// # Errors
    /// [`Misbehaviour::Prf`] where it is neither one nor two.
    pub(crate) fn results(&self, output: &HmacSecretOutput) -> Result<PrfResults, Misbehaviour> {
        let plain: Zeroizing<Vec<u8>> = self.0.decrypt(&output.0).ok_or(Misbehaviour::Prf)?;
        let (first, rest) = plain.split_first_chunk::<32>().ok_or(Misbehaviour::Prf)?;
        let second = match rest {
            [] => None,
            rest => Some(Secret::new(rest.try_into().map_err(|_| Misbehaviour::Prf)?)),
        };
        Ok(PrfResults { first: Secret::new(*first), second })
    }
}
