//! `towline relay`: the tunnel service, and the simulated Bluetooth if asked for.

use std::time::Duration;

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

pub(crate) async fn run(args: args::Relay, report: &Report) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let (security, scheme) = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => {
            let tls = Tls::from_files(cert, key).map_err(|error| relay_failure(&error))?;
            (Security::Tls(tls), "wss")
        }
        _ if args.behind_proxy => (Security::PlainAnywhere, "ws"),
        _ => (Security::Plain, "ws"),
    };
    let provider = towline::crypto::rustcrypto::provider();
    let mut config = RelayConfig::new(args.listen, security, provider);
    config.admin = args.admin;
    config.node = args.node;
    let limits = &mut config.limits;
    limits.waiting = args.most_waiting.unwrap_or(limits.waiting);
    limits.listening = args.most_listening.unwrap_or(limits.listening);
    limits.pairs = args.most_tunnels.unwrap_or(limits.pairs);
    limits.per_source = args.per_source.unwrap_or(limits.per_source);
    limits.idle_time = args.idle.map_or(limits.idle_time, Duration::from_secs);
    limits.pair_time = args.lifetime.map_or(limits.pair_time, Duration::from_secs);
    // A source that may hold many connections may also make them at once.
    config.requests_per_source = config.requests_per_source.max(config.limits.per_source);
    let relay = Relay::bind(config).await.map_err(|error| relay_failure(&error))?;
    let hub = match args.air {
        Some(addr) => Some(air::bind(addr, report).await?),
        None => None,
    };
    let url = format!("{scheme}://{}", relay.local_addr());
    if let Some(admin) = relay.admin_addr() {
        let url = format!("http://{admin}");
        report.event(&Event::Listening {
            role: Role::RelayAdmin,
            url,
            place: None,
            simulated: false,
        });
    }
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
            // Tunnels may go on for a while; a second wish ends them at once.
            handle.shutdown(Duration::from_secs(args.grace));
            tokio::select! {
                () = &mut running => {}
                () = stop.wished() => {}
            }
        }
    }
    report.event(&Event::Stopped { role: Role::Relay, simulated: false, forgets: false });
    Ok(Exit::Ok)
}

fn relay_failure(error: &RelayError) -> Failure {
    match error {
        RelayError::PlainNotLoopback { .. } => Failure::usage("not_loopback", error.to_string()),
        RelayError::Certificate { .. } => Failure::usage("certificate", error.to_string()),
        RelayError::CertificateFile { .. } => Failure::usage("unreadable", error.to_string()),
        _ => Failure::environment("listen", error.to_string()),
    }
}
