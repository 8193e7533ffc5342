//! FIDO2 authenticator and hybrid transport: be the phone, be the computer, test a relying party.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "computer")]
mod computer;
#[cfg(any(feature = "local", feature = "phone"))]
mod driver;
#[cfg(feature = "local")]
mod local;
#[cfg(any(feature = "local", feature = "phone"))]
mod person;
#[cfg(feature = "phone")]
mod phone;

#[cfg(feature = "computer")]
pub use computer::{Computer, ComputerError, Screen, Step};
#[cfg(feature = "local")]
pub use local::LocalAuthenticator;
#[cfg(any(feature = "local", feature = "phone"))]
pub use person::{Agreeable, Person, agree};
#[cfg(feature = "phone")]
pub use phone::{Phone, PhoneTransport};
#[cfg(any(feature = "local", feature = "phone"))]
pub use towline_authenticator as authenticator;
#[cfg(any(feature = "computer", feature = "local"))]
pub use towline_client as client;
pub use towline_crypto as crypto;
#[cfg(any(feature = "computer", feature = "phone"))]
pub use towline_hybrid as hybrid;
#[cfg(any(feature = "computer", feature = "phone"))]
pub use towline_hybrid_tokio as transport;
#[cfg(any(feature = "computer", feature = "phone"))]
pub use towline_radio as radio;
#[cfg(feature = "relay")]
pub use towline_tunnel as tunnel;
