//! `hmac-secret-mc`: what `hmac-secret` gives to an assertion, given to the creation already (CTAP
//! 2.3 §12).

use towline_cbor::{Reader, Writer};

use super::{ExtensionValue, HmacSecretInput, HmacSecretOutput};
use crate::Malformed;

/// The salts for a creation; only beside `hmac-secret`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HmacSecretMcInput(pub HmacSecretInput);

/// The answer to [`HmacSecretMcInput`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HmacSecretMcOutput(pub HmacSecretOutput);

impl ExtensionValue for HmacSecretMcInput {
    const ID: &'static str = "hmac-secret-mc";

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        HmacSecretInput::read(reader).map(Self)
    }

    fn write(&self, writer: &mut Writer) {
        self.0.write(writer);
    }
}

impl ExtensionValue for HmacSecretMcOutput {
    const ID: &'static str = HmacSecretMcInput::ID;

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        HmacSecretOutput::read(reader).map(Self)
    }

    fn write(&self, writer: &mut Writer) {
        self.0.write(writer);
    }
}
