//! What `hmac-secret`, `hmac-secret-mc` and `prf` compute (CTAP 2.3 §12.5): a value that only this
//! credential gives for a salt, one with user verification and another without.

use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::{
    Status,
    extension::{HmacSecretInput, HmacSecretOutput, PrfResults, PrfSalts},
};
use zeroize::Zeroizing;

use crate::{
    CredRandom, TokenPolicy,
    person::proof::Present,
    pin_protocol::{KeyAgreement, SharedSecret},
};

/// One salt or two, decrypted, and the secret under which the answer goes back.
pub(crate) struct Salts {
    shared: SharedSecret,
    first: [u8; 32],
    second: Option<[u8; 32]>,
}

impl Salts {
    pub(crate) fn read(
        tokens: &TokenPolicy,
        key_agreement: &mut KeyAgreement,
        provider: &CryptoProvider,
        input: &HmacSecretInput,
    ) -> Result<Self, Status> {
        // Whoever does not say which means protocol one. Where that is not supported there is no
        // key agreement for it, and so nothing that could be right.
        let protocol = match input.pin_uv_auth_protocol {
            Some(_) => tokens.protocol(input.protocol())?,
            None => tokens.protocol(input.protocol()).map_err(|_| Status::PinAuthInvalid)?,
        };
        let peer = &input.key_agreement;
        let shared = key_agreement.decapsulate(provider, protocol, peer)?;
        if !shared.verify(provider, &[&input.salt_enc], &input.salt_auth) {
            return Err(Status::PinAuthInvalid);
        }
        let salts = shared.decrypt(provider, &input.salt_enc);
        let salts = salts.ok_or(Status::InvalidParameter)?;
        let (first, rest) = salts.split_first_chunk().ok_or(Status::InvalidParameter)?;
        let second = match rest {
            [] => None,
            rest => Some(rest.try_into().map_err(|_| Status::InvalidParameter)?),
        };
        Ok(Self { shared, first: *first, second })
    }

    /// The values for the salts, encrypted.
    pub(crate) fn answer(
        &self,
        provider: &CryptoProvider,
        secret: &CredRandom,
        verified: bool,
        present: Present,
    ) -> Result<HmacSecretOutput, Status> {
        let salts = PrfSalts { first: self.first, second: self.second };
        let values = evaluate(provider, secret, verified, present, &salts);
        let mut plain = Zeroizing::new(values.first.expose().to_vec());
        if let Some(second) = &values.second {
            plain.extend_from_slice(second.expose());
        }
        self.shared.encrypt(provider, &plain).map(HmacSecretOutput)
    }
}

impl CredRandom {
    /// The secret that values with user verification come from, or the other one: both are given
    /// out when a credential moves, and then kept as a [pair](Self::Pair).
    #[must_use]
    pub fn secret(&self, provider: &CryptoProvider, verified: bool) -> Secret<32> {
        match (self, verified) {
            (Self::Derived(secret), _) => {
                let which: &[u8] =
                    if verified { b"CredRandomWithUV" } else { b"CredRandomWithoutUV" };
                Secret::new(provider.hmac.key(secret.expose()).sign(&[which]))
            }
            (Self::Pair { with_uv, .. }, true) => with_uv.clone(),
            (Self::Pair { without_uv, .. }, false) => without_uv.clone(),
        }
    }
}

/// The values for one salt or two. Nobody gets them without presence.
pub(crate) fn evaluate(
    provider: &CryptoProvider,
    secret: &CredRandom,
    verified: bool,
    _: Present,
    salts: &PrfSalts,
) -> PrfResults {
    let key = provider.hmac.key(secret.secret(provider, verified).expose());
    let value = |salt: &[u8; 32]| Secret::new(key.sign(&[salt]));
    PrfResults { first: value(&salts.first), second: salts.second.as_ref().map(value) }
}
