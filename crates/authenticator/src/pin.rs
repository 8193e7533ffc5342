//! The PIN: what it must be like, and its comparison, which costs a retry before it begins
//! (CTAP 2.3 §6.5.1, §6.5.5). How it is kept is the [`PinVerifier`](crate::PinVerifier)'s business.

pub(crate) mod matched;

use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::Status;
use zeroize::Zeroizing;

use self::matched::{NewPin, PinMatched};
use crate::{
    Change, Event, KeyError, PinComparison, PinHash, PinUvAuthProtocol, PinVerifierError, Record,
    flow::{Core, Flow, await_held, await_held_or_undo, await_work},
    pin_protocol::SharedSecret,
    store_access::Write,
    user_verification,
};

/// How many mismatches in a row stop all further tries until the next power-up.
const IN_A_ROW: u8 = 3;

/// The length of a PIN as it is sent, padded with zeros.
const PADDED: usize = 64;

/// A new PIN, from its encrypted and padded form.
pub(crate) fn read_new(
    core: &Core,
    shared: &SharedSecret,
    new_pin_enc: &[u8],
) -> Result<NewPin, Status> {
    let padded = shared.decrypt(&core.provider, new_pin_enc).ok_or(Status::PinAuthInvalid)?;
    if padded.len() != PADDED {
        return Err(Status::InvalidParameter);
    }
    let length =
        padded.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    let pin = padded.get(..length).unwrap_or_default();
    let text = std::str::from_utf8(pin).map_err(|_| Status::PinPolicyViolation)?;
    let points = text.chars().count();
    let fits = pin.len() < PADDED
        && points >= usize::from(core.min_pin_length())
        && points <= usize::from(core.max_pin_length());
    if !fits || core.pin_complexity() && is_simple(text) {
        return Err(Status::PinPolicyViolation);
    }
    let length = u8::try_from(points).map_err(|_| Status::PinPolicyViolation)?;
    Ok(NewPin { hash: half_hash(&core.provider, pin)?, length })
}

/// Whether a PIN is one that others try first: one character again and again, or characters that
/// follow one another.
fn is_simple(pin: &str) -> bool {
    let points: Vec<i64> = pin.chars().map(|c| i64::from(u32::from(c))).collect();
    let steps = |step: i64| {
        points.windows(2).all(|pair| match pair {
            [first, second] => first.saturating_add(step) == *second,
            _ => true,
        })
    };
    [0, 1, -1].into_iter().any(steps)
}

fn half_hash(provider: &CryptoProvider, pin: &[u8]) -> Result<PinHash, Status> {
    let hash = Zeroizing::new(provider.sha256.hash(&[pin]));
    let half = Secret::from_slice(hash.get(..16).unwrap_or_default());
    half.map(PinHash::new).map_err(|_| Status::Other)
}

/// Whether a PIN may be tried at all: there is one, retries are left, and not too many have failed
/// in a row.
pub(crate) const fn may_try(core: &Core) -> Result<(), Status> {
    if core.state.pin.is_none() {
        return Err(Status::PinNotSet);
    }
    if core.state.pin_retries == 0 {
        return Err(Status::PinBlocked);
    }
    if is_latched(core) {
        return Err(Status::PinAuthBlocked);
    }
    Ok(())
}

/// Whether a power cycle is needed before the next try.
pub(crate) const fn is_latched(core: &Core) -> bool {
    core.pin_mismatches >= IN_A_ROW
}

/// Compares the PIN, which takes a retry that is durable by then; a match gives all retries back.
pub(crate) fn compare(
    core: &mut Core,
    protocol: PinUvAuthProtocol,
    shared: SharedSecret,
    pin_hash_enc: Vec<u8>,
    then: impl FnOnce(&mut Core, SharedSecret, PinMatched) -> Flow + Send + 'static,
) -> Flow {
    let before = core.state.pin_retries;
    let left = before.saturating_sub(1);
    // Until the result is known, the worse of the two counts.
    core.state.pin_retries = left;
    let write = core.store.commit(vec![retries(left)]);
    await_held(core, write, move |core, taken| {
        if let Err(error) = taken {
            core.state.pin_retries = before;
            return Err(error.status());
        }
        let given = shared.decrypt(&core.provider, &pin_hash_enc);
        let given = given.and_then(|given| Secret::<16>::from_slice(&given).ok());
        let (Some(given), Some(stored)) = (given.map(PinHash::new), &core.state.pin) else {
            return Err(mismatch(core, protocol));
        };
        let compared = Write::of(core.pin_verifier.compare(&stored.kept, &given));
        await_held(core, compared, move |core, compared| match compared {
            Err(error) => Err(error.status()),
            Ok(PinComparison::Mismatch { left }) => {
                let counted = core.state.pin_retries;
                core.state.pin_retries = left.map_or(counted, |left| left.min(counted));
                Err(mismatch(core, protocol))
            }
            Ok(PinComparison::Match { secret }) => {
                core.pin_mismatches = 0;
                let matched = PinMatched::new(given, secret.clone());
                unlock(core, secret, |core| give_back(core, |core| then(core, shared, matched)))
            }
        })
    })
}

/// The key store gets what only the PIN opens.
fn unlock(
    core: &mut Core,
    secret: Option<Secret<32>>,
    then: impl FnOnce(&mut Core) -> Flow + Send + 'static,
) -> Flow {
    let Some(secret) = secret else { return then(core) };
    core.keys_unlocked = true;
    let unlocked = Write::of(core.keys.unlock(&secret));
    let then = |core: &mut Core, unlocked: Result<(), KeyError>| {
        unlocked.map_err(|error| error.status())?;
        then(core)
    };
    // Meanwhile it may have been locked, in vain.
    await_held_or_undo(core, unlocked, then, |core| core.keys.lock())
}

/// How many tries there are: those that were counted here, or fewer if the verifier says so.
pub(crate) fn count_tries(
    core: &mut Core,
    kept: &[u8],
    counted: u8,
    then: impl FnOnce(&mut Core, Result<u8, PinVerifierError>) -> Flow + Send + 'static,
) -> Flow {
    let work = core.pin_verifier.tries_left(kept);
    await_work(core, work, move |core, left| {
        then(core, left.map(|left| left.map_or(counted, |left| left.min(counted))))
    })
}

fn mismatch(core: &mut Core, protocol: PinUvAuthProtocol) -> Status {
    core.key_agreement.regenerate(protocol);
    core.pin_mismatches = core.pin_mismatches.saturating_add(1);
    if core.state.pin_retries == 0 {
        core.events.push(Event::PinBlocked { until_power_up: false });
        return Status::PinBlocked;
    }
    if is_latched(core) {
        core.events.push(Event::PinBlocked { until_power_up: true });
        return Status::PinAuthBlocked;
    }
    Status::PinInvalid
}

/// All retries are there again, of the PIN and of built-in verification.
fn give_back(core: &mut Core, then: impl FnOnce(&mut Core) -> Flow + Send + 'static) -> Flow {
    let max = core.max_pin_retries();
    let write = core.store.commit(vec![retries(max)]);
    await_held(core, write, move |core, given| {
        given.map_err(|error| error.status())?;
        core.state.pin_retries = max;
        let kept = core.state.pin.as_ref().map(|pin| pin.kept.clone()).unwrap_or_default();
        count_tries(core, &kept, max, move |core, left| {
            core.state.pin_retries = left.unwrap_or(max);
            user_verification::restore(core, then)
        })
    })
}

/// The change that stores how many retries are left.
pub(crate) fn retries(left: u8) -> Change {
    Change::Record { record: Record::PinRetries, value: Some(Zeroizing::new(vec![left])) }
}

#[cfg(test)]
mod tests {
    use super::is_simple;

    #[test]
    fn pins_that_everybody_tries_first_are_simple() {
        for pin in ["0000", "1234", "9876", "aaaaaa", "abcdef"] {
            assert!(is_simple(pin), "{pin}");
        }
        for pin in ["1243", "0001", "1357", "äöüß"] {
            assert!(!is_simple(pin), "{pin}");
        }
    }
}
