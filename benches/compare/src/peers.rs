//! The peers, each at the work that it shares with towline.

pub mod passkey_rs;
pub mod rounds;
pub mod soft_fido2;
mod soft_webauthn;
pub mod softpasskey;

pub use towline_benches::webauthn::{CREATION, ORIGIN, id_of, request};
