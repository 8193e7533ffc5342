//! Names that people give: to accounts and to keys.

use crate::{ApiError, ErrorCode};

/// The longest name of an account or a key, in characters.
pub(crate) const NAME_MAX: usize = 64;

/// Checks the name of an account or a key: 1 to 64 characters, none of them a control character,
/// not only spaces.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), ApiError> {
    let fits = (1..=NAME_MAX).contains(&name.chars().count());
    if fits && !name.trim().is_empty() && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::BadName,
        format!("The {what} must have 1 to {NAME_MAX} characters, and no control characters."),
    ))
}
