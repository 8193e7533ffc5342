//! A verifier whose types are forgotten: records are bytes, and what it remembers of a ceremony is
//! a function of the answer.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Challenge, RegistrationCheck, SignInCheck, UserEntity, Verifier, VerifyError};

type Finish<T> = Box<dyn FnOnce(&Value) -> Result<T, VerifyError> + Send>;

/// The rest of a registration.
pub(crate) type FinishRegistration = Finish<RegistrationCheck<Vec<u8>>>;

/// The rest of a sign-in, which needs the record of the key that the answer names.
pub(crate) type FinishSignIn =
    Box<dyn FnOnce(&[u8], &Value) -> Result<SignInCheck<Vec<u8>>, VerifyError> + Send>;

/// [`Verifier`] for any record.
pub(crate) trait Judge: Send + Sync {
    fn begin_registration(
        &self,
        user: &UserEntity,
        existing: &[Vec<u8>],
    ) -> Result<Challenge<FinishRegistration>, VerifyError>;

    fn begin_sign_in(
        &self,
        allow: Option<&[Vec<u8>]>,
    ) -> Result<Challenge<FinishSignIn>, VerifyError>;
}

/// A verifier, shared with the ceremonies under way.
pub(crate) struct Shared<V>(pub(crate) std::sync::Arc<V>);

impl<V> Judge for Shared<V>
where
    V: Verifier,
    V::Record: Serialize + DeserializeOwned,
{
    fn begin_registration(
        &self,
        user: &UserEntity,
        existing: &[Vec<u8>],
    ) -> Result<Challenge<FinishRegistration>, VerifyError> {
        let existing = existing.iter().map(|record| read(record)).collect::<Result<Vec<_>, _>>()?;
        let Challenge { options, state } = self.0.begin_registration(user, &existing)?;
        let verifier = self.0.clone();
        let finish: FinishRegistration = Box::new(move |answer| {
            let check = verifier.finish_registration(state, answer)?;
            Ok(RegistrationCheck {
                record: write(&check.record)?,
                credential_id: check.credential_id,
                attestation: check.attestation,
                attestation_trusted: check.attestation_trusted,
                backup_eligible: check.backup_eligible,
                backed_up: check.backed_up,
            })
        });
        Ok(Challenge { options, state: finish })
    }

    fn begin_sign_in(
        &self,
        allow: Option<&[Vec<u8>]>,
    ) -> Result<Challenge<FinishSignIn>, VerifyError> {
        let records = |records: &[Vec<u8>]| {
            records.iter().map(|record| read(record)).collect::<Result<Vec<_>, _>>()
        };
        let allow = allow.map(records).transpose()?;
        let Challenge { options, state } = self.0.begin_sign_in(allow.as_deref())?;
        let verifier = self.0.clone();
        let finish: FinishSignIn = Box::new(move |record, answer| {
            let check = verifier.finish_sign_in(state, &read(record)?, answer)?;
            Ok(SignInCheck {
                record: write(&check.record)?,
                user_verified: check.user_verified,
                backed_up: check.backed_up,
            })
        });
        Ok(Challenge { options, state: finish })
    }
}

fn read<R: DeserializeOwned>(record: &[u8]) -> Result<R, VerifyError> {
    serde_json::from_slice(record)
        .map_err(|error| VerifyError::Unavailable(format!("a record can't be read: {error}")))
}

fn write<R: Serialize>(record: &R) -> Result<Vec<u8>, VerifyError> {
    serde_json::to_vec(record)
        .map_err(|error| VerifyError::Unavailable(format!("a record can't be written: {error}")))
}
