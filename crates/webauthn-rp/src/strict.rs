//! The verifier that comes with this crate: its policy, and the checks that both ceremonies share.

mod options;
mod registration;
mod sign_in;

use serde_json::Value;
use towline_crypto::{CryptoProvider, Error, SignatureAlgorithm};
use towline_ctap::{AuthenticatorData, CosePublicKey, Flags, RpId, RpIdHash};

pub use self::{registration::StrictRegistration, sign_in::StrictSignIn};
use crate::{
    Challenge, CredentialRecord, Identity, RegistrationCheck, ResponseMember, SignInCheck,
    TrustAnchors, UserEntity, Verifier, VerifyError,
    response::{ClientData, bytes},
};

/// Verifies credentials of the algorithms that the provider has, with attestation `none` or packed
/// self attestation, or of any format where roots are given ([`Self::with_attestation`]), and
/// accepts nothing else (WebAuthn L3 §7.1, §7.2).
///
/// It asks for discoverable credentials and for user verification.
#[derive(Debug)]
pub struct StrictVerifier {
    identity: Identity,
    rp_id_hash: RpIdHash,
    /// Those that are offered, by preference.
    algorithms: Vec<i64>,
    verification_required: bool,
    unasked_extensions: bool,
    judges_attestation: bool,
    anchors: Option<TrustAnchors>,
    provider: CryptoProvider,
}

impl StrictVerifier {
    /// A verifier for one site. It offers all signature algorithms of the provider, in the
    /// provider's order.
    ///
    /// # Errors
    /// [`VerifyError::Unavailable`] when the RP ID is not one, or the provider has no signature
    /// algorithm.
    pub fn new(identity: &Identity, provider: CryptoProvider) -> Result<Self, VerifyError> {
        let rp_id =
            RpId::new(&identity.rp_id).map_err(|e| VerifyError::Unavailable(e.to_string()))?;
        let known = provider.signatures.iter().map(|known| known.cose_algorithm());
        let algorithms: Vec<i64> =
            known.filter(|alg| CosePublicKey::has_plain_form(*alg)).collect();
        if algorithms.is_empty() {
            let reason = "the cryptography provider has no signature algorithm";
            return Err(VerifyError::Unavailable(reason.into()));
        }
        Ok(Self {
            identity: identity.clone(),
            rp_id_hash: rp_id.hash(&provider),
            algorithms,
            verification_required: true,
            unasked_extensions: true,
            judges_attestation: true,
            anchors: None,
            provider,
        })
    }

    /// The same, which prefers user verification but accepts people who are only present.
    #[must_use]
    pub fn without_user_verification(self) -> Self {
        Self { verification_required: false, ..self }
    }

    /// The same, which refuses outputs of extensions that its options did not ask for.
    ///
    /// The standard says that a site must be prepared for them: browsers ask for `credProtect` by
    /// themselves. So this is for tests of clients and authenticators.
    #[must_use]
    pub fn without_unasked_extensions(self) -> Self {
        Self { unasked_extensions: false, ..self }
    }

    /// The same, which takes attestation statements of any format and judges none, as the options
    /// ask for none and not all clients strip them. [`RegistrationCheck::attestation`] then says
    /// what came, and nothing about its truth.
    #[must_use]
    pub fn without_attestation(self) -> Self {
        Self { judges_attestation: false, ..self }
    }

    /// The same, which asks for attestation, and takes statements of every registered format whose
    /// certificates lead to one of these roots: `packed`, `fido-u2f`, `tpm`, `android-key`,
    /// `android-safetynet`, `apple` and `compound`. `none` and self attestation are taken as
    /// before: [`RegistrationCheck::attestation_trusted`] tells them apart.
    #[must_use]
    pub fn with_attestation(self, anchors: TrustAnchors) -> Self {
        Self { anchors: Some(anchors), judges_attestation: true, ..self }
    }

    /// Steps 5 to 12 of §7.1, and 8 to 14 and 20 of §7.2. Gives the hash of the client data.
    fn check_client_data(
        &self,
        base64url: &str,
        kind: &str,
        challenge: &[u8; 32],
    ) -> Result<[u8; 32], VerifyError> {
        // Steps 5 and 6; 8 and 9: JSON in UTF-8.
        let json = bytes(base64url, ResponseMember::ClientData)?;
        let data: ClientData = serde_json::from_slice(&json)
            .map_err(|_| VerifyError::Malformed(ResponseMember::ClientData))?;
        // Step 7; 10.
        if data.kind != kind {
            return Err(VerifyError::Type(data.kind));
        }
        // Step 8; 11.
        if bytes(&data.challenge, ResponseMember::ClientData).ok().as_deref() != Some(challenge) {
            return Err(VerifyError::Challenge);
        }
        // Step 9; 12.
        if data.origin != self.identity.origin {
            return Err(VerifyError::Origin(data.origin));
        }
        // Steps 10 and 11; 13 and 14: this site is not embedded in others.
        if data.cross_origin || data.top_origin.is_some() {
            return Err(VerifyError::CrossOrigin);
        }
        // Step 12; 20.
        Ok(self.provider.sha256.hash(&[&json]))
    }

    /// Steps 14 to 17 of §7.1 and 15 to 18 of §7.2.
    fn check_authenticator_data(&self, bytes: &[u8]) -> Result<AuthenticatorData, VerifyError> {
        let data = AuthenticatorData::decode(bytes)
            .map_err(|_| VerifyError::Malformed(ResponseMember::AuthenticatorData))?;
        // Step 14; 15.
        if data.rp_id_hash != self.rp_id_hash {
            return Err(VerifyError::RpId);
        }
        // Step 15; 16.
        if !data.flags.contains(Flags::UP) {
            return Err(VerifyError::NotPresent);
        }
        // Step 16; 17.
        if self.verification_required && !data.flags.contains(Flags::UV) {
            return Err(VerifyError::NotVerified);
        }
        // Step 17; 18.
        if data.flags.contains(Flags::BS) && !data.flags.contains(Flags::BE) {
            return Err(VerifyError::BackupFlags);
        }
        Ok(data)
    }

    /// Outputs of the client's extensions and the authenticator's, where nobody may add to those
    /// that were asked for. Without that rule none of them is used.
    fn check_extensions(
        &self,
        client: &[String],
        data: &AuthenticatorData,
        asked: &[&str],
    ) -> Result<(), VerifyError> {
        let mut all = client.iter().map(String::as_str).chain(data.extensions.ids());
        match all.find(|id| !self.unasked_extensions && !asked.contains(id)) {
            Some(id) => Err(VerifyError::Extension(id.into())),
            None => Ok(()),
        }
    }

    /// The algorithm of a key and the key's plain form, if it was offered, and is a key of it.
    fn key(
        &self,
        public_key: &CosePublicKey,
    ) -> Result<(&dyn SignatureAlgorithm, Vec<u8>), VerifyError> {
        let algorithm = public_key.algorithm().filter(|alg| self.algorithms.contains(alg));
        let algorithm = algorithm.and_then(|alg| self.provider.signature(alg));
        let algorithm = algorithm.ok_or(VerifyError::Algorithm)?;
        Ok((algorithm, public_key.to_plain().ok_or(VerifyError::PublicKey)?))
    }

    /// Step 20 of §7.1, and that signatures can be verified with the key at all: attestation `none`
    /// would let a point pass that is not on the curve.
    fn check_key(&self, public_key: &CosePublicKey) -> Result<(), VerifyError> {
        let (algorithm, plain) = self.key(public_key)?;
        match algorithm.verify(&plain, &[], &[]) {
            Err(Error::InvalidPublicKey) => Err(VerifyError::PublicKey),
            _ => Ok(()),
        }
    }

    fn check_signature(
        &self,
        public_key: &CosePublicKey,
        signed: &[&[u8]],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let (algorithm, plain) = self.key(public_key)?;
        algorithm.verify(&plain, &signed.concat(), signature).map_err(|_| VerifyError::Signature)
    }
}

impl Verifier for StrictVerifier {
    type Record = CredentialRecord;
    type Registration = StrictRegistration;
    type SignIn = StrictSignIn;

    fn begin_registration(
        &self,
        user: &UserEntity,
        existing: &[CredentialRecord],
    ) -> Result<Challenge<StrictRegistration>, VerifyError> {
        self.registration_options(user, existing)
    }

    fn finish_registration(
        &self,
        state: StrictRegistration,
        credential: &Value,
    ) -> Result<RegistrationCheck<CredentialRecord>, VerifyError> {
        self.check_registration(&state, credential)
    }

    fn begin_sign_in(
        &self,
        allow: Option<&[CredentialRecord]>,
    ) -> Result<Challenge<StrictSignIn>, VerifyError> {
        self.sign_in_options(allow)
    }

    fn finish_sign_in(
        &self,
        state: StrictSignIn,
        record: &CredentialRecord,
        credential: &Value,
    ) -> Result<SignInCheck<CredentialRecord>, VerifyError> {
        self.check_sign_in(&state, record, credential)
    }
}
