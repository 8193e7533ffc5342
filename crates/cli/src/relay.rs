//! `towline relay`: the tunnel service, and the simulated Bluetooth if asked for.

use std::{path::Path, time::Duration};

use towline::{
    radio::RadioError,
    tunnel::{Relay, RelayConfig, RelayError, Security, Tls},
};

use crate::{
    air, args,
    event::{Event, Role},
    exit::{Exit, Failure},
    report::Report,
    stop::Stop,
};

/// How long tunnels that run may go on after the first Ctrl-C. The second ends them at once.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) async fn run(args: args::Relay, report: &Report) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let (security, scheme) = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => {
            let tls =
                Tls::from_pem(&read(cert)?, &read(key)?).map_err(|error| relay_failure(&error))?;
            (Security::Tls(tls), "wss")
        }
        _ => (Security::Plain, "ws"),
    };
    let provider = towline::crypto::rustcrypto::provider();
    let config = RelayConfig::new(args.listen, security, provider);
    let relay = Relay::bind(config).await.map_err(|error| relay_failure(&error))?;
    let hub = match args.air {
        Some(addr) => Some(air::bind(addr, report).await?),
        None => None,
    };
    let url = format!("{scheme}://{}", relay.local_addr());
    report.event(&Event::Listening { role: Role::Relay, url, place: None, simulated: false });

    let handle = relay.handle();
    let air_lost = async {
        match hub {
            Some(hub) => hub.run().await,
            None => std::future::pending::<RadioError>().await,
        }
    };
    let mut air_lost = std::pin::pin!(air_lost);
    let mut running = std::pin::pin!(relay.run());
    tokio::select! {
        () = &mut running => {}
        error = &mut air_lost => return Err(air::radio_failure(&error)),
        () = stop.wished() => {
            handle.shutdown(GRACE);
            tokio::select! {
                () = &mut running => {}
                () = stop.wished() => {}
            }
        }
    }
    report.event(&Event::Stopped { role: Role::Relay, simulated: false, forgets: false });
    Ok(Exit::Ok)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::usage("unreadable", format!("{} can't be read: {error}", path.display()))
    })
}

fn relay_failure(error: &RelayError) -> Failure {
    match error {
        RelayError::PlainNotLoopback { .. } => Failure::usage("not_loopback", error.to_string()),
        RelayError::Certificate { .. } => Failure::usage("certificate", error.to_string()),
        _ => Failure::environment("listen", error.to_string()),
    }
}
