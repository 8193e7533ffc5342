//! authenticatorClientPIN.

use arbitrary::Arbitrary;
use towline_ctap::{ClientPinRequest, KeyAgreementKey, Permissions, Request};

use super::{Party, Proof, Sensible};
use crate::watch::{PEER, PIN, Watch, padded};

/// Anything about the PIN.
#[derive(Debug, Arbitrary)]
pub enum ClientPin {
    PinRetries,
    VerificationRetries,
    KeyAgreement(u8),
    SetPin { new: NewPin, proof: Proof },
    ChangePin { old: Known, new: NewPin, proof: Proof },
    Token { pin: Known, proof: Proof },
    TokenForPin { pin: Known, proof: Proof, permissions: u8, rp: Option<Party> },
    TokenForVerification { proof: Proof, permissions: u8, rp: Option<Party> },
}

/// A PIN that may be right.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Known(u8);

/// A PIN that may be set.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct NewPin(u8);

/// What PINs are set to.
const PINS: [&str; 3] = [PIN, "1357-red", "8642-green-and-quite-a-lot-longer"];

impl Known {
    fn hash(self, watch: &Watch) -> Vec<u8> {
        match self.0 {
            0 => watch.sealed(&[0; 16]),
            1 => watch.sealed(&[0; 32]),
            2 => vec![1; 15],
            3 => Vec::new(),
            other => watch.pin_hash(PINS[usize::from(other) % PINS.len()]),
        }
    }
}

impl NewPin {
    fn sealed(self, watch: &Watch) -> Vec<u8> {
        let text = match self.0 {
            0 => "123",
            1 => "1111",
            2 => "\u{e4}\u{f6}\u{fc}\u{df}",
            3 => return watch.sealed(&[b'x'; 64]),
            4 => return watch.sealed(&[0xff; 63]),
            5 => return watch.sealed(&[[0xff; 32], [0; 32]].concat()),
            6 => return watch.sealed(&[0; 128]),
            7 => "",
            other => PINS[usize::from(other) % PINS.len()],
        };
        watch.sealed(&padded(text))
    }
}

impl Sensible for ClientPin {
    fn message(&self, watch: &Watch) -> Vec<u8> {
        use ClientPinRequest as Pin;
        let key_agreement: KeyAgreementKey = PEER;
        let proven = |proof: &Proof| {
            let (protocol, param) = proof.parts(watch);
            let (usual, good) = (watch.protocol(), watch.param());
            (protocol.unwrap_or(usual), param.unwrap_or(good))
        };
        let rp_id = |rp: &Option<Party>| rp.map(Party::id);
        let request = match self {
            Self::PinRetries => Pin::GetPinRetries,
            Self::VerificationRetries => Pin::GetUvRetries,
            Self::KeyAgreement(protocol) => {
                Pin::GetKeyAgreement { protocol: u64::from(protocol % 4) }
            }
            Self::SetPin { new, proof } => {
                let ((protocol, param), new_pin_enc) = (proven(proof), new.sealed(watch));
                Pin::SetPin { protocol, key_agreement, param, new_pin_enc }
            }
            Self::ChangePin { old, new, proof } => {
                let (protocol, param) = proven(proof);
                let (new_pin_enc, pin_hash_enc) = (new.sealed(watch), old.hash(watch));
                Pin::ChangePin { protocol, key_agreement, param, new_pin_enc, pin_hash_enc }
            }
            Self::Token { pin, proof } => {
                let ((protocol, _), pin_hash_enc) = (proven(proof), pin.hash(watch));
                Pin::GetPinToken { protocol, key_agreement, pin_hash_enc }
            }
            Self::TokenForPin { pin, proof, permissions, rp } => {
                Pin::GetPinUvAuthTokenUsingPinWithPermissions {
                    protocol: proven(proof).0,
                    key_agreement,
                    pin_hash_enc: pin.hash(watch),
                    permissions: Permissions::from_bits((*permissions).into()),
                    rp_id: rp_id(rp),
                }
            }
            Self::TokenForVerification { proof, permissions, rp } => {
                Pin::GetPinUvAuthTokenUsingUvWithPermissions {
                    protocol: proven(proof).0,
                    key_agreement,
                    permissions: Permissions::from_bits((*permissions).into()),
                    rp_id: rp_id(rp),
                }
            }
        };
        Request::from(request).encode()
    }
}
