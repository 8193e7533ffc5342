//! `towline air`: carries a simulated Bluetooth between processes.

use std::net::SocketAddr;

use towline::radio::{RadioError, air::UdpHub};

use crate::{
    args,
    event::{Event, Role},
    exit::{Exit, Failure},
    report::Report,
    stop::Stop,
};

pub(crate) async fn run(args: &args::Air, report: &Report) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let hub = bind(args.listen, report).await?;
    tokio::select! {
        error = hub.run() => Err(radio_failure(&error)),
        () = stop.wished() => {
            report.event(&Event::Stopped { role: Role::Air, simulated: true, forgets: false });
            Ok(Exit::Ok)
        }
    }
}

/// Binds a hub and says so.
pub(crate) async fn bind(listen: SocketAddr, report: &Report) -> Result<UdpHub, Failure> {
    let hub = UdpHub::bind(listen).await.map_err(|error| radio_failure(&error))?;
    let url = format!("udp:{}", hub.local_addr());
    report.event(&Event::Listening { role: Role::Air, url, place: None, simulated: true });
    Ok(hub)
}

pub(crate) fn radio_failure(error: &RadioError) -> Failure {
    let reason = match error {
        RadioError::NoAdapter => "no_bluetooth",
        RadioError::Off => "bluetooth_off",
        RadioError::NoPermission => "bluetooth_not_allowed",
        RadioError::CannotAdvertise => "cannot_advertise",
        RadioError::Busy => "bluetooth_busy",
        RadioError::NoHub { .. } => "no_simulated_air",
        RadioError::NotLoopback { .. } => return Failure::usage("not_loopback", error.to_string()),
        _ => "bluetooth",
    };
    Failure::environment(reason, error.to_string())
}
