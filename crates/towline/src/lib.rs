#![doc = include_str!("../README.md")]
//!
//! # The story
//!
//! A person stands at a computer, a site asks for a passkey, the computer shows a QR code, the
//! phone scans it, Bluetooth shows that the two are near, a tunnel carries the messages, and the
//! passkey is made or used. Each side of that is a type here; each asks its person through a trait
//! that you implement.
//!
//! # Test a relying party
//!
//! [`LocalAuthenticator`] is an authenticator in this process, with the WebAuthn client on top:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let creation_options = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
//! #     "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
//! #     "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
//! #     "authenticatorSelection": {"residentKey": "required"}}"#;
//! # let request_options = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw"}"#;
//! use towline::{Agreeable, LocalAuthenticator, authenticator::Config};
//!
//! let provider = towline::fastest::provider();
//! let mut device = LocalAuthenticator::in_memory(Config::platform(), provider, Agreeable)?;
//! let registration = device.create("https://example.org", creation_options).await?;
//! let assertion = device.get("https://example.org", request_options).await?;
//! # assert!(registration.contains("attestationObject") && assertion.contains("signature"));
//! # Ok(())
//! # }
//! ```
//!
//! # Be the phone
//!
//! [`Phone`] answers a code. Which radio, which tunnel service and which roots of trust are yours
//! to say; here the radio is simulated, and `connector` leads to a relay on this machine:
//!
//! ```
//! # use std::sync::Arc;
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let options = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
//! #     "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
//! #     "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
//! #     "authenticatorSelection": {"residentKey": "required"}}"#;
//! # let provider = towline::fastest::provider();
//! # let air = towline::radio::air::Air::new();
//! # let security = towline_tunnel::Security::Plain;
//! # let config = towline_tunnel::RelayConfig::new("127.0.0.1:0".parse()?, security, provider.clone());
//! # let relay = towline_tunnel::Relay::bind(config).await?;
//! # let connector = Arc::new(towline::transport::TunnelConnector::plain_loopback(relay.local_addr())?);
//! # tokio::spawn(relay.run());
//! # let (shown, mut seen) = tokio::sync::mpsc::unbounded_channel();
//! # let computer = towline::Computer::new(provider.clone(), Arc::new(air.radio()), connector.clone());
//! # let computer = tokio::spawn(async move {
//! #     let screen = move |step: towline::ComputerStep<'_>| {
//! #         if let towline::ComputerStep::ShowCode(code) = step { drop(shown.send(code.to_owned())) }
//! #     };
//! #     computer.create(&screen, "https://example.org", options).await
//! # });
//! # let scanned = seen.recv().await.ok_or("no code")?;
//! use towline::authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
//! use towline::hybrid::{CodeSource, domain::TunnelDomain};
//! use towline::{Agreeable, Phone, PhoneTransport};
//!
//! let keys = SoftwareKeys::new(provider.clone());
//! let store = MemoryStore::new();
//! let authenticator = Authenticator::new(Config::phone(), provider.clone(), store, keys)?;
//! let advertiser = Arc::new(air.radio());
//! let transport = PhoneTransport { advertiser, connector, domain: TunnelDomain::new(257)? };
//! let mut phone = Phone::new(authenticator, provider, transport, Agreeable); // or your own `Person`
//! let served = phone.answer_code(&scanned, CodeSource::Camera).await?;
//! # assert_eq!(served.requests, 1);
//! # assert!(computer.await??.contains("attestationObject"));
//! # Ok(())
//! # }
//! ```
//!
//! # Be the computer
//!
//! [`Computer`] shows a code, and gives the response for the site:
//!
//! ```
//! # use std::sync::Arc;
//! # use towline::authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let options = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
//! #     "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
//! #     "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
//! #     "authenticatorSelection": {"residentKey": "required"}}"#;
//! # let provider = towline::fastest::provider();
//! # let air = towline::radio::air::Air::new();
//! # let security = towline_tunnel::Security::Plain;
//! # let config = towline_tunnel::RelayConfig::new("127.0.0.1:0".parse()?, security, provider.clone());
//! # let relay = towline_tunnel::Relay::bind(config).await?;
//! # let connector = Arc::new(towline::transport::TunnelConnector::plain_loopback(relay.local_addr())?);
//! # tokio::spawn(relay.run());
//! # let keys = SoftwareKeys::new(provider.clone());
//! # let authenticator = Authenticator::new(Config::phone(), provider.clone(), MemoryStore::new(), keys)?;
//! # let domain = towline::hybrid::domain::TunnelDomain::new(257)?;
//! # let transport =
//! #     towline::PhoneTransport { advertiser: Arc::new(air.radio()), connector: connector.clone(), domain };
//! # let mut phone = towline::Phone::new(authenticator, provider.clone(), transport, towline::Agreeable);
//! # let (shown, mut seen) = tokio::sync::mpsc::unbounded_channel::<String>();
//! # let phone = tokio::spawn(async move {
//! #     let code = seen.recv().await.expect("a code");
//! #     phone.answer_code(&code, towline::hybrid::CodeSource::Camera).await
//! # });
//! # let draw_as_qr_code = |code: &str| drop(shown.send(code.to_owned()));
//! use towline::{Computer, ComputerStep};
//!
//! let computer = Computer::new(provider, Arc::new(air.radio()), connector);
//! let screen = |step: ComputerStep<'_>| match step {
//!     ComputerStep::ShowCode(code) => draw_as_qr_code(code),
//!     step => println!("{step}"), // "Connecting.", "Continue on your phone.", ..
//! };
//! let registration = computer.create(&screen, "https://example.org", options).await?;
//! println!("for the site: {registration}");
//! # assert_eq!(phone.await??.requests, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Linked devices
//!
//! With [`Computer::with_links`] and [`Phone::with_links`] a phone may let a computer remember it,
//! when its person says so as the code is scanned. From then on the computer rings the phone
//! without a code; the phone hears of it by its [`Bell`] ([`Phone::listen`]), through a relay of
//! towline's. Bluetooth has to show that it is near all the same.
//!
//! # Features
//!
//! | feature | default | brings |
//! | --- | --- | --- |
//! | `computer` | yes | [`Computer`] |
//! | `fastest` | yes | [`fastest::provider`]; compiles AWS-LC, for which a C compiler is enough |
//! | `local` | yes | [`LocalAuthenticator`] |
//! | `phone` | yes | [`Phone`] |
//! | `relay` | no | the relay as `towline::tunnel` |
//!
//! The crates beneath are re-exported, with all that a `CredentialStore` or a `KeyStore` of your
//! own needs ([`ctap`]'s types, [`zeroize`]), so that one dependency is enough. They can be used
//! without this one as well: the protocol itself is state machines without I/O, for those who bring
//! their own sockets, dialogs and runtime.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

#[cfg(feature = "phone")]
mod bell;
#[cfg(feature = "computer")]
mod computer;
#[cfg(feature = "local")]
mod local;
#[cfg(feature = "phone")]
mod phone;

#[cfg(feature = "phone")]
pub use bell::{Bell, BellEvent};
#[cfg(feature = "computer")]
pub use computer::{Computer, ComputerError, ComputerStep, Screen};
#[cfg(feature = "local")]
pub use local::LocalAuthenticator;
#[cfg(feature = "phone")]
pub use phone::{Phone, PhoneStep, PhoneTransport};
#[cfg(any(feature = "local", feature = "phone"))]
pub use towline_authenticator as authenticator;
#[cfg(any(feature = "computer", feature = "local"))]
pub use towline_client as client;
pub use towline_crypto as crypto;
pub use towline_crypto::zeroize;
/// Each primitive from the library in which it is fastest.
#[cfg(feature = "fastest")]
pub use towline_crypto_fastest as fastest;
#[cfg(any(feature = "computer", feature = "local", feature = "phone"))]
pub use towline_ctap as ctap;
#[cfg(any(feature = "local", feature = "phone"))]
pub use towline_device as device;
#[cfg(any(feature = "local", feature = "phone"))]
pub use towline_device::{Agreeable, Ask, Person};
#[cfg(feature = "phone")]
pub use towline_device::{PhoneAnswer, PhoneAsk, PhoneQuestion};
#[cfg(any(feature = "computer", feature = "phone"))]
pub use towline_hybrid as hybrid;
#[cfg(any(feature = "computer", feature = "phone"))]
pub use towline_hybrid_tokio as transport;
#[cfg(any(feature = "computer", feature = "phone"))]
pub use towline_radio as radio;
#[cfg(feature = "relay")]
pub use towline_tunnel as tunnel;
