//! The judge of the demo relying party: `webauthn-rs-core`, a library that towline's authors did
//! not write.

use std::time::Duration;

use serde_json::Value;
use towline_rp::{
    Challenge, Identity, RegistrationCheck, SignInCheck, UserEntity, Verifier, VerifyError,
};
use webauthn_rs_core::{
    WebauthnCore,
    proto::{
        AttestationConveyancePreference, AuthenticationState, Credential, PublicKeyCredential,
        RegisterPublicKeyCredential, RegistrationState, UserVerificationPolicy,
    },
};

/// Verifies with `webauthn-rs-core`: attestation `none`, packed self, and packed with certificates,
/// of which it does not judge who issued them.
pub(crate) struct IndependentVerifier {
    core: WebauthnCore,
    /// What the options ask for.
    conveyance: AttestationConveyancePreference,
}

impl IndependentVerifier {
    pub(crate) fn new(identity: &Identity) -> Result<Self, VerifyError> {
        let origin = identity.origin.parse().map_err(other)?;
        let timeout: Duration = identity.challenge_lifetime;
        let origins = vec![origin];
        let core = WebauthnCore::new_unsafe_experts_only(
            &identity.rp_name,
            &identity.rp_id,
            origins,
            timeout,
            Some(false),
            Some(false),
        );
        Ok(Self { core, conveyance: AttestationConveyancePreference::None })
    }

    /// Asks for attestation.
    #[allow(dead_code)]
    pub(crate) fn direct(identity: &Identity) -> Result<Self, VerifyError> {
        let conveyance = AttestationConveyancePreference::Direct;
        Ok(Self { conveyance, ..Self::new(identity)? })
    }
}

impl Verifier for IndependentVerifier {
    type Record = Credential;
    type Registration = RegistrationState;
    type SignIn = AuthenticationState;

    fn begin_registration(
        &self,
        user: &UserEntity,
        existing: &[Credential],
    ) -> Result<Challenge<RegistrationState>, VerifyError> {
        let builder = self
            .core
            .new_challenge_register_builder(&user.handle, &user.name, &user.name)
            .map_err(other)?
            .user_verification_policy(UserVerificationPolicy::Required)
            .require_resident_key(true)
            .attestation(self.conveyance.clone())
            .exclude_credentials(Some(existing.iter().map(|key| key.cred_id.clone()).collect()));
        let (options, state) = self.core.generate_challenge_register(builder).map_err(other)?;
        Ok(Challenge { options: json(&options.public_key)?, state })
    }

    fn finish_registration(
        &self,
        state: RegistrationState,
        credential: &Value,
    ) -> Result<RegistrationCheck<Credential>, VerifyError> {
        let answer: RegisterPublicKeyCredential = read(credential)?;
        let record = self.core.register_credential(&answer, &state, None).map_err(other)?;
        Ok(RegistrationCheck {
            credential_id: answer.id,
            attestation_trusted: false,
            attestation: json(&record.attestation_format)?.as_str().unwrap_or("unknown").to_owned(),
            backup_eligible: record.backup_eligible,
            backed_up: record.backup_state,
            record,
        })
    }

    fn begin_sign_in(
        &self,
        allow: Option<&[Credential]>,
    ) -> Result<Challenge<AuthenticationState>, VerifyError> {
        let builder = self
            .core
            .new_challenge_authenticate_builder(
                allow.unwrap_or_default().to_vec(),
                Some(UserVerificationPolicy::Required),
            )
            .map_err(other)?;
        let (options, state) = self.core.generate_challenge_authenticate(builder).map_err(other)?;
        Ok(Challenge { options: json(&options.public_key)?, state })
    }

    fn finish_sign_in(
        &self,
        state: AuthenticationState,
        record: &Credential,
        credential: &Value,
    ) -> Result<SignInCheck<Credential>, VerifyError> {
        let answer: PublicKeyCredential = read(credential)?;
        let result =
            self.core.authenticate_single_credential(&answer, &state, record).map_err(other)?;
        let mut record = record.clone();
        record.counter = result.counter();
        record.backup_state = result.backup_state();
        Ok(SignInCheck {
            user_verified: result.user_verified(),
            backed_up: result.backup_state(),
            record,
        })
    }
}

fn json(value: &impl serde::Serialize) -> Result<Value, VerifyError> {
    serde_json::to_value(value).map_err(other)
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, VerifyError> {
    serde_json::from_value(value.clone()).map_err(other)
}

fn other(error: impl std::fmt::Display) -> VerifyError {
    VerifyError::Other(error.to_string())
}
