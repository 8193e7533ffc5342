//! Passwords: hashed with Argon2id, a few at a time.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use tokio::sync::Semaphore;
use towline_crypto::constant_time_eq;

use crate::{ApiError, ErrorCode};

/// The shortest and the longest password, in characters.
const LENGTHS: std::ops::RangeInclusive<usize> = 10..=128;

/// Memory in KiB, passes, lanes: OWASP's choice for Argon2id.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// How many are hashed at once; each takes [`COST`]'s memory and a processor.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// Whether somebody may choose a password.
pub(crate) fn check(password: &str) -> Result<(), ApiError> {
    if LENGTHS.contains(&password.chars().count()) {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::BadPassword, "The password must have 10 to 128 characters."))
}

/// Hashes a password, as `argon2id$m$t$p$salt$hash`.
pub(crate) async fn hash(password: String, salt: [u8; 16]) -> Result<String, ApiError> {
    let hash = derive(password, salt.to_vec(), COST).await?;
    let (memory, passes, lanes) = COST;
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    Ok(format!("argon2id${memory}${passes}${lanes}${salt}${hash}"))
}

/// Whether a password is the one that was hashed. Where there is none, as much work is done.
pub(crate) async fn verify(password: String, hashed: Option<&str>) -> Result<bool, ApiError> {
    let Some((cost, salt, expected)) = hashed.and_then(parse) else {
        derive(password, vec![0; 16], COST).await?;
        return Ok(false);
    };
    Ok(constant_time_eq(&derive(password, salt, cost).await?, &expected))
}

type Parsed = ((u32, u32, u32), Vec<u8>, Vec<u8>);

fn parse(hashed: &str) -> Option<Parsed> {
    let parts: Vec<&str> = hashed.split('$').collect();
    let ["argon2id", memory, passes, lanes, salt, hash] = parts.as_slice() else { return None };
    let cost = (memory.parse().ok()?, passes.parse().ok()?, lanes.parse().ok()?);
    Some((cost, STANDARD_NO_PAD.decode(salt).ok()?, STANDARD_NO_PAD.decode(hash).ok()?))
}

async fn derive(
    password: String,
    salt: Vec<u8>,
    (memory, passes, lanes): (u32, u32, u32),
) -> Result<[u8; 32], ApiError> {
    let failed = || ApiError::new(ErrorCode::Internal, "Passwords can't be checked now.");
    let _slot = AT_ONCE.acquire().await.map_err(|_| failed())?;
    let work = move || {
        // So long a text was never chosen; it costs no more than another.
        let short: String = password.chars().take(LENGTHS.end().saturating_add(1)).collect();
        let params = Params::new(memory, passes, lanes, Some(32)).ok()?;
        let mut hash = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(short.as_bytes(), &salt, &mut hash)
            .ok()?;
        Some(hash)
    };
    tokio::task::spawn_blocking(work).await.ok().flatten().ok_or_else(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_that_was_hashed_is_right() {
        let hashed = hash("correct horse".into(), [7; 16]).await.unwrap();
        assert!(!hashed.contains("horse"));
        assert!(verify("correct horse".into(), Some(&hashed)).await.unwrap());
        for wrong in ["correct horsf", "", "correct horse "] {
            assert!(!verify(wrong.into(), Some(&hashed)).await.unwrap(), "{wrong}");
        }
        for damaged in ["", "argon2id$1$1", "argon2id$0$0$0$AA$AA", "plain$1$1$1$AA$AA"] {
            let outcome = verify("correct horse".into(), Some(damaged)).await;
            assert!(!matches!(outcome, Ok(true)), "{damaged}");
        }
        assert!(!verify("correct horse".into(), None).await.unwrap());
    }

    #[test]
    fn a_password_has_10_to_128_characters() {
        for (password, fits) in [
            ("short", false),
            ("ten chars!", true),
            (&"é".repeat(128), true),
            (&"x".repeat(129), false),
        ] {
            assert_eq!(check(password).is_ok(), fits, "{password}");
        }
    }
}
