//! Which exit code and name each error of the relying party has.

use towline_rp::{ClientError, ErrorCode};

use crate::exit::{Exit, Failure};

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let (exit, reason) = match &error {
            ClientError::Url(_) | ClientError::NoName { .. } => (Exit::Usage, "relying_party_url"),
            ClientError::Unreachable { .. } => (Exit::Environment, "relying_party_unreachable"),
            ClientError::Refused(refusal) if refusal.code == ErrorCode::BadName => {
                (Exit::Usage, "bad_name")
            }
            _ => (Exit::Failed, "relying_party"),
        };
        Self::new(exit, reason, error.to_string().trim_end_matches('.'))
    }
}
