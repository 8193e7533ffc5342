//! The extensions of makeCredential and getAssertion.

use arbitrary::Arbitrary;
use towline_ctap::{
    Extensions,
    extension::{
        CredBlob, CredentialProtectionPolicy, GetCredBlob, GetLargeBlobKey, GetMinPinLength,
        HmacSecret, HmacSecretInput, HmacSecretMcInput, LargeBlob, LargeBlobInput,
        LargeBlobSupport, PinComplexityPolicy, PrfCreateInput, PrfGetInput, PrfSalts,
        ThirdPartyPayment,
    },
};

use super::{Listed, Proof};
use crate::watch::{PEER, Watch};

/// One input of a creation.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Creating {
    Protect(u8),
    HmacSecret(bool),
    HmacSecretMc(Salts),
    Prf(Option<Eval>),
    CredBlob(u8),
    LargeBlobKey(bool),
    LargeBlob(bool),
    MinPinLength(bool),
    PinComplexity(bool),
    Payment(bool),
    Other(Other),
}

/// One input of a sign-in.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Asserting {
    HmacSecret(Salts),
    Prf(Option<Eval>, Option<(Listed, Eval)>),
    CredBlob(bool),
    LargeBlobKey(bool),
    /// Reads, or writes so many bytes.
    LargeBlob(Option<u16>),
    Payment(bool),
    Other(Other),
}

/// The salts of `hmac-secret`, mostly of a length that is right.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Salts {
    length: u8,
    proof: Proof,
}

/// The salts of `prf`.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Eval(u8, Option<u8>);

/// Any extension with any small value.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Other {
    id: u8,
    value: u8,
}

impl Salts {
    fn input(self, watch: &Watch) -> HmacSecretInput {
        let length = match self.length {
            0 => 0,
            1 => 16,
            2 => 48,
            3 => 96,
            even if even % 2 == 0 => 64,
            _ => 32,
        };
        let (pin_uv_auth_protocol, salt_auth) = self.proof.parts(watch);
        HmacSecretInput {
            key_agreement: PEER,
            salt_enc: watch.sealed(&vec![self.length; length]),
            salt_auth: salt_auth.unwrap_or_else(|| watch.param()),
            pin_uv_auth_protocol,
        }
    }
}

impl From<Eval> for PrfSalts {
    fn from(eval: Eval) -> Self {
        Self { first: [eval.0; 32], second: eval.1.map(|byte| [byte; 32]) }
    }
}

impl Other {
    fn add(self, extensions: &mut Extensions) {
        let ids = ["credProtect", "hmac-secret", "largeBlob", "appid", "hmac-secret-mc", "prf"];
        let values: [&[u8]; 6] = [&[0xf5], &[0x01], &[0xa0], &[0x80], &[0x41, 0], &[0xf6]];
        let value = values[usize::from(self.value) % values.len()];
        // One that is there already stays.
        let _ = extensions.set_raw(ids[usize::from(self.id) % ids.len()], value);
    }
}

impl Creating {
    /// Adds it to the inputs.
    pub fn add(self, watch: &Watch, extensions: &mut Extensions) {
        match self {
            Self::Protect(level) => {
                let level = CredentialProtectionPolicy::from_level(u64::from(level % 3) + 1);
                extensions.set(&level.expect("1 to 3"));
            }
            Self::HmacSecret(on) => extensions.set(&HmacSecret(on)),
            Self::HmacSecretMc(salts) => {
                extensions.set(&HmacSecret(true));
                extensions.set(&HmacSecretMcInput(salts.input(watch)));
            }
            Self::Prf(eval) => extensions.set(&PrfCreateInput { eval: eval.map(Into::into) }),
            Self::CredBlob(length) => extensions.set(&CredBlob(vec![7; usize::from(length)])),
            Self::LargeBlobKey(on) => extensions.set(&GetLargeBlobKey(on)),
            Self::LargeBlob(true) => extensions.set(&LargeBlobSupport::Required),
            Self::LargeBlob(false) => extensions.set(&LargeBlobSupport::Preferred),
            Self::MinPinLength(on) => extensions.set(&GetMinPinLength(on)),
            Self::PinComplexity(on) => extensions.set(&PinComplexityPolicy(on)),
            Self::Payment(on) => extensions.set(&ThirdPartyPayment(on)),
            Self::Other(other) => other.add(extensions),
        }
    }
}

impl Asserting {
    /// Adds it to the inputs.
    pub fn add(self, watch: &Watch, extensions: &mut Extensions) {
        match self {
            Self::HmacSecret(salts) => extensions.set(&salts.input(watch)),
            Self::Prf(eval, one) => extensions.set(&PrfGetInput {
                eval: eval.map(Into::into),
                eval_by_credential: one
                    .map(|(listed, eval)| (listed.id(watch), eval.into()))
                    .into_iter()
                    .collect(),
            }),
            Self::CredBlob(on) => extensions.set(&GetCredBlob(on)),
            Self::LargeBlobKey(on) => extensions.set(&GetLargeBlobKey(on)),
            Self::LargeBlob(None) => extensions.set(&LargeBlobInput::Read),
            Self::LargeBlob(Some(length)) => {
                let compressed = vec![8; usize::from(length) % 600];
                extensions.set(&LargeBlobInput::Write(LargeBlob {
                    compressed,
                    original_size: length.into(),
                }));
            }
            Self::Payment(on) => extensions.set(&ThirdPartyPayment(on)),
            Self::Other(other) => other.add(extensions),
        }
    }
}
