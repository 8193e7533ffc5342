//! The PIN: how it is kept, what it must be like, and its comparison, which costs a retry before it
//! begins (CTAP 2.3 §6.5.1, §6.5.5).

use towline_crypto::{CryptoProvider, Secret};
use towline_ctap::Status;
use zeroize::Zeroizing;

use crate::{
    Change, Event, PinUvAuthProtocol, Record,
    flow::{Core, Flow, await_held},
    pin_protocol::SharedSecret,
    user_verification,
};

/// How many mismatches in a row stop all further tries until the next power-up.
const IN_A_ROW: u8 = 3;

/// The length of a PIN as it is sent, padded with zeros.
const PADDED: usize = 64;

/// What is kept of a PIN: the first half of its hash, and its length in code points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredPin {
    hash: Secret<16>,
    pub(crate) length: u8,
}

impl StoredPin {
    pub(crate) fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let mut record = Zeroizing::new(self.hash.expose().to_vec());
        record.push(self.length);
        record
    }

    pub(crate) fn from_record(record: &[u8]) -> Option<Self> {
        let (length, hash) = record.split_last()?;
        Some(Self { hash: Secret::from_slice(hash).ok()?, length: *length })
    }
}

/// Proof that a PIN matched. Made in this module only.
pub(crate) struct PinMatched(());

impl PinMatched {
    /// The new PIN that whoever has just been let in sends.
    pub(crate) fn is_same(&self, core: &Core, new: &StoredPin) -> bool {
        core.state.pin.as_ref().is_some_and(|pin| pin.hash == new.hash)
    }
}

/// A new PIN, from its encrypted and padded form.
pub(crate) fn read_new(
    core: &Core,
    shared: &SharedSecret,
    new_pin_enc: &[u8],
) -> Result<StoredPin, Status> {
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
    Ok(StoredPin { hash: half_hash(&core.provider, pin)?, length })
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

fn half_hash(provider: &CryptoProvider, pin: &[u8]) -> Result<Secret<16>, Status> {
    let hash = Zeroizing::new(provider.sha256.hash(&[pin]));
    Secret::from_slice(hash.get(..16).unwrap_or_default()).map_err(|_| Status::Other)
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
        let stored = core.state.pin.as_ref().map(|pin| &pin.hash);
        if given.is_none() || given.as_ref() != stored {
            return Err(mismatch(core, protocol));
        }
        core.pin_mismatches = 0;
        give_back(core, move |core| then(core, shared, PinMatched(())))
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
        user_verification::restore(core, then)
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
