#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! | to .. | see |
//! | --- | --- |
//! | hold authenticators, and let pages use them | [`Service`], [`Session`] |
//! | say what an authenticator is | [`VirtualAuthenticatorOptions`] |
//! | write passkeys down, and read them back | [`StoredCredential`] |
//! | let phones answer codes, and computers show them | [`Session::add_phone`], [`Session::show`], [`Vicinity`] |
//! | follow what happens | [`Subscription`], [`Notice`] |
//! | let clients of WebDriver in, and of DevTools | [`webdriver`], [`devtools`] |
//! | offer it over HTTP, or add a door | [`http`], [`http::router`] |
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod attendant;
mod authenticator;
mod base64url;
mod caller;
mod credential;
pub mod devtools;
mod error;
mod exchange;
mod feed;
pub mod http;
mod ids;
mod limits;
mod options;
mod own_members;
pub mod page;
mod phone;
mod screen;
mod service;
mod session;
mod switches;
mod token;
mod vicinity;
pub mod webdriver;

pub use base64url::{Base64Url, SecretBase64Url};
pub use caller::{Mediation, PageOrigin};
pub use credential::{CredentialPatch, PrfSeeds, StoredCredential};
pub use error::{BadMember, ServiceError};
pub use exchange::Exchange;
pub use feed::{Notice, Subscription, Told, What};
pub use ids::{AuthenticatorId, CeremonyId, PhoneId, ScreenId, SessionId};
pub use limits::ServiceLimits;
pub use options::{Ctap2Version, Preset, Protocol, Transport, VirtualAuthenticatorOptions};
pub use phone::{Breakage, PhoneActivity, PhoneEnding, PhoneFlaw, PhoneOptions, PhoneState};
pub use screen::ScreenState;
pub use service::Service;
pub use session::{Abilities, FaultRule, FaultState, Outcome, Phase, Questions, Session, Signal};
pub use switches::{SwitchChange, Switches};
pub use token::AccessToken;
/// Why a ceremony gave no result, by the name of the exception that a browser would throw.
pub use towline_client::Error as CeremonyError;
pub use vicinity::Vicinity;
