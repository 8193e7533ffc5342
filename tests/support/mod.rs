//! The parts of the journey: a relying party, a relay over TLS, a simulated air, phones, computers,
//! and who uses them.

pub mod parts;
pub mod people;
pub mod screen;
#[path = "../../examples/verifier.rs"]
pub mod verifier;

use std::{future::Future, time::Duration};

use serde_json::Value;
use towline::{ComputerError, hybrid::ResponderSummary, transport::TransportError};
use towline_rp::{ClientError, RegisteredKey, SignedInKey};
use towline_virtual::ScriptedPerson;
use towline_virtual_phone::FakePhone;

#[allow(unused_imports, reason = "secrets need nobody to wait for")]
pub use self::people::*;
pub use self::{parts::*, screen::*};

/// Longer than anything here takes; what does not end by then hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it ends in time")
}

/// Why there is no key, or no sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    Computer(ComputerError),
    Site(ClientError),
}

impl From<ComputerError> for Failure {
    fn from(error: ComputerError) -> Self {
        Self::Computer(error)
    }
}

impl From<towline::client::Error> for Failure {
    fn from(error: towline::client::Error) -> Self {
        Self::Computer(error.into())
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Site(error)
    }
}

impl Failure {
    pub fn computer(self) -> ComputerError {
        match self {
            Self::Computer(error) => error,
            Self::Site(error) => panic!("the site refused: {error}"),
        }
    }

    /// What the client says, where the way to the authenticator worked.
    pub fn client(self) -> towline::client::Error {
        match self.computer() {
            ComputerError::Client(error) => error,
            error => panic!("the way to the phone broke: {error}"),
        }
    }

    /// What the transport says.
    pub fn transport(self) -> TransportError {
        match self.computer() {
            ComputerError::Transport(error) => error,
            error => panic!("not the transport: {error}"),
        }
    }

    pub fn site(self) -> towline_rp::ErrorCode {
        match self {
            Self::Site(ClientError::Refused(error)) => error.code,
            other => panic!("not refused by the site: {other:?}"),
        }
    }
}

/// What the protocol says, where neither the radio nor the caller is to blame.
pub fn hybrid_error(error: &TransportError) -> &towline::hybrid::Error {
    match error {
        TransportError::Hybrid(error) => error,
        error => panic!("not the protocol: {error}"),
    }
}

/// How a scanned code ended on the phone; nothing if there was no code to scan.
pub type OnPhone = Option<Result<ResponderSummary, TransportError>>;

/// The computer's ceremony and the phone that scans its code, side by side.
pub async fn tow<T>(
    phone: &mut FakePhone,
    camera: &mut Camera,
    ceremony: impl Future<Output = T>,
) -> (T, OnPhone) {
    let scanning = async {
        match camera.scan().await {
            Some(code) => Some(phone.scan(&code).await),
            None => None,
        }
    };
    in_time(async { tokio::join!(ceremony, scanning) }).await
}

/// Registers over the phone that scans the computer's code.
pub async fn register(
    world: &World,
    phone: &mut FakePhone,
    account: &str,
    name: &str,
) -> (Result<RegisteredKey, Failure>, OnPhone) {
    let (display, mut camera) = Display::new();
    tow(phone, &mut camera, register_at(world, world.computer(), display, account, name)).await
}

/// The computer's half of [`register`].
pub async fn register_at(
    world: &World,
    computer: towline::Computer,
    display: Display,
    account: &str,
    name: &str,
) -> Result<RegisteredKey, Failure> {
    let rp = &world.site.rp;
    let begun = rp.begin_registration(account, name).await?;
    let made = computer.create(&display, &rp.origin(), &begun.public_key.to_string()).await?;
    Ok(rp.finish_registration(&begun.ceremony, json(&made)).await?)
}

/// Signs in with the phone that scans the computer's code.
pub async fn sign_in(
    world: &World,
    phone: &mut FakePhone,
    account: Option<&str>,
) -> (Result<SignedInKey, Failure>, OnPhone) {
    let (display, mut camera) = Display::new();
    tow(phone, &mut camera, sign_in_at(world, world.computer(), display, account)).await
}

/// The computer's half of [`sign_in`].
pub async fn sign_in_at(
    world: &World,
    computer: towline::Computer,
    display: Display,
    account: Option<&str>,
) -> Result<SignedInKey, Failure> {
    let rp = &world.site.rp;
    let begun = rp.begin_sign_in(account).await?;
    let used = computer.get(&display, &rp.origin(), &begun.public_key.to_string()).await?;
    Ok(rp.finish_sign_in(&begun.ceremony, json(&used)).await?)
}

/// Registers with this device.
pub async fn register_here(
    site: &Site,
    device: &mut towline::LocalAuthenticator<ScriptedPerson>,
    account: &str,
    name: &str,
) -> Result<RegisteredKey, Failure> {
    let begun = site.rp.begin_registration(account, name).await?;
    let options = begun.public_key.to_string();
    let made = in_time(device.create(&site.rp.origin(), &options)).await?;
    Ok(site.rp.finish_registration(&begun.ceremony, json(&made)).await?)
}

/// Signs in with this device.
pub async fn sign_in_here(
    site: &Site,
    device: &mut towline::LocalAuthenticator<ScriptedPerson>,
    account: Option<&str>,
) -> Result<SignedInKey, Failure> {
    let begun = site.rp.begin_sign_in(account).await?;
    let options = begun.public_key.to_string();
    let used = in_time(device.get(&site.rp.origin(), &options)).await?;
    Ok(site.rp.finish_sign_in(&begun.ceremony, json(&used)).await?)
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}
