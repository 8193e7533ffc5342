//! The key as one on USB, where the system can be made to believe it: on Linux, through
//! `/dev/uhid`.

use std::convert::Infallible;

use towline_ctaphid_tokio::Reports;
#[cfg(target_os = "linux")]
use towline_uhid::{Description, UhidError, UsbKey};

use crate::{
    event::{Event, Place, Role},
    exit::Failure,
};

#[cfg(target_os = "linux")]
pub(crate) use towline_uhid::MAX_MSG_SIZE;

/// Where there is no such key, no message is too long for it.
#[cfg(not(target_os = "linux"))]
pub(crate) const MAX_MSG_SIZE: usize = usize::MAX;

/// A key that is plugged in.
pub(crate) struct Usb {
    #[cfg(target_os = "linux")]
    key: UsbKey,
    #[cfg(not(target_os = "linux"))]
    nowhere: Infallible,
}

impl Usb {
    /// Whether one could be plugged in, before a store is made for it.
    #[cfg(target_os = "linux")]
    pub(crate) fn look() -> Result<(), Failure> {
        UsbKey::look().map_err(|error| failure(&error))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn look() -> Result<(), Failure> {
        Err(nowhere())
    }

    /// Plugs it in, and says where it is.
    #[cfg(target_os = "linux")]
    pub(crate) async fn plug_in(simulated: bool) -> Result<(Self, Event), Failure> {
        let mut key = UsbKey::plug_in(&Description::default()).map_err(|error| failure(&error))?;
        let node = key.started().await.map_err(|error| failure(&error))?;
        let address = node.map_or_else(|| "unknown".into(), |node| node.display().to_string());
        let event = Event::Listening {
            role: Role::Key,
            url: format!("usb:{address}"),
            place: Some(Place { kind: "usb".into(), address }),
            simulated,
        };
        Ok((Self { key }, event))
    }

    /// Serves until it is pulled out from below.
    #[cfg(target_os = "linux")]
    pub(crate) async fn serve(self, reports: Reports) -> Result<Infallible, Failure> {
        match self.key.serve(reports).await {
            // The key is gone, and whoever waits for this with it.
            Ok(()) => std::future::pending().await,
            Err(error) => Err(failure(&error)),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) async fn plug_in(_simulated: bool) -> Result<(Self, Event), Failure> {
        Err(nowhere())
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) async fn serve(self, _reports: Reports) -> Result<Infallible, Failure> {
        match self.nowhere {}
    }
}

#[cfg(target_os = "linux")]
fn failure(error: &UhidError) -> Failure {
    Failure::environment("uhid", error.to_string())
}

#[cfg(not(target_os = "linux"))]
fn nowhere() -> Failure {
    Failure::usage("uhid", "a key on USB can be pretended on Linux only; use --listen")
}
