//! `towline keys set-pin`: by the messages that a platform sends, so that the authenticator's own
//! rules hold.

use std::path::Path;

use towline::{
    client::{Pin, PinChange, PinError, PinProblem},
    crypto::CryptoProvider,
};
use towline_ctap::Status;

use super::platform::{Platform, failed};
use crate::{
    event::{Action, Event},
    exit::{Exit, Failure},
    report::Report,
    secret,
};

pub(crate) async fn set(
    mut key: Platform,
    present: Option<&Path>,
    new: Option<&Path>,
    provider: &CryptoProvider,
    report: &Report,
) -> Result<Exit, Failure> {
    let info = key.get_info().await?;
    let there = info.options.client_pin == Some(true);
    let present = if there { Some(Pin::new(&secret::read(present, "PIN")?)) } else { None };
    let new = Pin::new(&secret::read_new(new, "PIN")?);
    let mut change = PinChange::new(&info, present, new, provider).map_err(refused)?;
    let mut request = Some(change.request());
    while let Some(next) = request {
        request = change.handle_response(&key.request(&next).await).map_err(refused)?;
    }
    let event =
        Event::Passkey { action: Action::PinChanged, rp_id: None, account: None, simulated: false };
    report.event(&event);
    Ok(Exit::Ok)
}

fn refused(error: PinError) -> Failure {
    let refused = |message: &str| Failure::new(Exit::Refused, "pin", message);
    match error {
        PinError::Problem(PinProblem::Wrong) => refused("that is not the present PIN"),
        PinError::Refused(Status::PinAuthBlocked) => {
            refused("three wrong PINs in a row: try again when you are sure")
        }
        PinError::Refused(Status::PinBlocked) => refused(
            "too many wrong PINs: only `towline keys reset` helps, and it deletes all passkeys",
        ),
        PinError::Problem(PinProblem::TooLong) => {
            Failure::usage("pin", "a PIN has at most 63 bytes")
        }
        PinError::Problem(_) => refused(
            "this PIN is not accepted: it has at least 4 characters, or as many as were set, at most 63 bytes, and no simple pattern",
        ),
        error => failed(error),
    }
}
