//! How a TPM is, for people who look for what is wrong.

use std::{fmt, time::Duration};

use crate::{command::TpmCommand, error::Error, tpm::Tpm};

const REVISION: u32 = 0x102;
const MANUFACTURER: u32 = 0x105;
const FIRMWARE: u32 = 0x10b;
const PERMANENT: u32 = 0x200;
const STARTED: u32 = 0x201;
const WRONG: u32 = 0x20e;
const MOST_WRONG: u32 = 0x20f;
const INTERVAL: u32 = 0x210;
const RECOVERY: u32 = 0x211;

const OWNER_AUTH: u32 = 0x0001;
const LOCKOUT_AUTH: u32 = 0x0004;
const IN_LOCKOUT: u32 = 0x0200;
const STORAGE_ENABLED: u32 = 0x0002;

/// The first revision of the standard with indexes that count PINs: 1.38.
const COUNTS_PINS: u32 = 138;

/// How a TPM is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmHealth {
    /// Who has made it, by the four letters of the TCG's registry: `IBM` or `INTC`.
    pub vendor: String,
    /// The same as a number, as certificates of attestation keys have it.
    pub vendor_id: u32,
    /// The version of its firmware, as the vendor counts.
    pub firmware: u32,
    /// The revision of the standard, times a hundred: 138 is 1.38.
    pub revision: u32,
    /// Whether the owner hierarchy, where the keys are, is turned on.
    pub is_enabled: bool,
    /// Whether the owner has set a password.
    pub owner_password: bool,
    /// Whether resetting the lockout takes a password. Mostly it does not.
    pub lockout_password: bool,
    /// The TPM's own count of wrong authorisations.
    pub lockout: Lockout,
}

/// The lockout of a whole TPM. The keys here have no part in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lockout {
    /// Whether it is locked out.
    pub is_locked: bool,
    /// How many wrong ones it has counted.
    pub count: u32,
    /// How many it takes.
    pub most: u32,
    /// After this time the count falls by one.
    pub falls_after: Duration,
    /// After this time somebody who gave a wrong lockout password may try again.
    pub recovers_after: Duration,
}

impl TpmHealth {
    /// Asks a TPM.
    ///
    /// # Errors
    /// [`Error`].
    pub fn of(tpm: &mut Tpm) -> Result<Self, Error> {
        let mut all = tpm.run(TpmCommand::properties(0x100, 32))?.values;
        all.extend(tpm.run(TpmCommand::properties(PERMANENT, 32))?.values);
        let value = |wanted: u32| {
            let found = all.iter().find(|(property, _)| *property == wanted);
            found.map(|(_, value)| *value).unwrap_or_default()
        };
        let letters = value(MANUFACTURER).to_be_bytes();
        let letters = letters.iter().copied().filter(u8::is_ascii_graphic).map(char::from);
        let seconds = |property| Duration::from_secs(value(property).into());
        Ok(Self {
            vendor: letters.collect(),
            vendor_id: value(MANUFACTURER),
            firmware: value(FIRMWARE),
            revision: value(REVISION),
            is_enabled: value(STARTED) & STORAGE_ENABLED != 0,
            owner_password: value(PERMANENT) & OWNER_AUTH != 0,
            lockout_password: value(PERMANENT) & LOCKOUT_AUTH != 0,
            lockout: Lockout {
                is_locked: value(PERMANENT) & IN_LOCKOUT != 0,
                count: value(WRONG),
                most: value(MOST_WRONG),
                falls_after: seconds(INTERVAL),
                recovers_after: seconds(RECOVERY),
            },
        })
    }

    /// Whether it can count PINs.
    #[must_use]
    pub const fn counts_pins(&self) -> bool {
        self.revision >= COUNTS_PINS
    }
}

impl fmt::Display for TpmHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vendor, revision, .. } = self;
        let (major, minor) = (revision / 100, revision % 100);
        write!(f, "a TPM 2.0 by {vendor}, revision {major}.{minor:02}")
    }
}

impl fmt::Display for Lockout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, most, .. } = self;
        let (falls, recovers) = (self.falls_after.as_secs(), self.recovers_after.as_secs());
        write!(
            f,
            "{count} of {most} wrong passwords counted, one less every {falls} s, lockout password \
             again after {recovers} s"
        )
    }
}
