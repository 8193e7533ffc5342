//! What shows that the person is there, or was verified, and what comes of that: the flags UP and
//! UV.

use towline_ctap::Flags;

use crate::pin::matched::PinMatched;

/// Proof that the person confirmed their presence. Made where a question is answered only; a token
/// may keep it for a while.
#[derive(Clone, Copy)]
pub(crate) struct Present(());

impl Present {
    /// For the handling of an answer only.
    pub(super) const fn by_answer() -> Self {
        Self(())
    }
}

/// Proof that the person was verified. Made where a question is answered, and where a PIN
/// matched, only; a token may keep it for a while.
#[derive(Clone, Copy)]
pub(crate) struct Verified {
    here: bool,
}

impl Verified {
    /// On this authenticator; for the handling of an answer only.
    pub(super) const fn by_answer() -> Self {
        Self { here: true }
    }

    /// Verified by the PIN, which was typed into the platform.
    pub(crate) const fn by_pin(_: &PinMatched) -> Self {
        Self { here: false }
    }

    /// Whether it happened on this authenticator, which shows presence too.
    pub(crate) fn presence(self) -> Option<Present> {
        self.here.then_some(Present(()))
    }
}

/// What the person has shown during one ceremony. Starts with nothing (CTAP 2.3 §6.1.2 step 4,
/// §6.2.2 step 3).
#[derive(Clone, Default)]
pub(crate) struct Gestures {
    present: bool,
    verified: bool,
}

impl Gestures {
    pub(crate) fn confirm(&mut self, _: Present) {
        self.present = true;
    }

    pub(crate) fn verify(&mut self, _: Verified) {
        self.verified = true;
    }

    /// Built-in verification is an interaction, and so shows presence where presence is asked for.
    pub(crate) fn confirm_by_verification(&mut self, verified: Verified) {
        self.present |= verified.here;
    }

    pub(crate) const fn is_present(&self) -> bool {
        self.present
    }

    /// The proof of it, for what nobody gets without presence.
    pub(crate) fn presence(&self) -> Option<Present> {
        self.present.then_some(Present(()))
    }

    pub(crate) const fn is_verified(&self) -> bool {
        self.verified
    }

    /// UP and UV as shown.
    pub(crate) fn flags(&self) -> Flags {
        Flags::empty().with(Flags::UP, self.present).with(Flags::UV, self.verified)
    }
}
