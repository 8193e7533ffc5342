//! `towline relay`: the tunnel service, and the simulated Bluetooth if asked for.

mod file;

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use towline::{
    crypto::CryptoProvider,
    radio::RadioError,
    tunnel::{
        Drain, Ending, Happening, KeptContacts, OriginPolicy, Relay, RelayConfig, RelayError,
        Security, Tls,
    },
};
use towline_nats::{Nats, NatsError};

use crate::{
    air, args, descriptors,
    event::{Event, Role},
    exit::{Exit, Failure},
    network::listen_address,
    outcome::End,
    report::Report,
    stop::Stop,
};

/// Descriptors that are kept for other things than connections: the operator, the certificate's
/// files, the runtime.
const KEPT: u64 = 64;

/// What happened, and was not said yet.
const UNSAID: usize = 64;

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
    let provider = towline::fastest::provider();
    let listen = args.listen.as_deref().unwrap_or("127.0.0.1:0");
    let mut config = RelayConfig::new(listen_address(listen).await?, security, provider.clone());
    config.admin = match &args.admin {
        Some(text) => Some(listen_address(text).await?),
        None => None,
    };
    config.node = args.node.unwrap_or(0);
    let drain = drain(&args);
    remember(&mut config, &args, &provider).await?;
    config.trusted_proxies = args.trusted_proxy;
    config.proxy_protocol = args.proxy_protocol;
    config.origin_policy = origin_policy(args.allow_origin);
    let limits = &mut config.limits;
    limits.waiting = args.most_waiting.unwrap_or(limits.waiting);
    limits.ringing = args.most_ringing.unwrap_or(limits.ringing);
    limits.listening = args.most_listening.unwrap_or(limits.listening);
    limits.pairs = args.most_tunnels.unwrap_or(limits.pairs);
    limits.per_source = args.per_source.unwrap_or(limits.per_source);
    limits.idle_time = args.idle.map_or(limits.idle_time, Duration::from_secs);
    limits.pair_time = args.lifetime.map_or(limits.pair_time, Duration::from_secs);
    // A source that may hold many connections may also make them at once.
    config.requests_per_source = config.requests_per_source.max(config.limits.per_source);
    let short = fit(&mut config);
    let (happenings, happened) = mpsc::channel(UNSAID);
    config.happenings = report.is_watched().then_some(happenings);
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
    if let Some(short) = short {
        report.event(&short);
    }

    let handle = relay.handle();
    let air_lost = async {
        match hub {
            Some(hub) => hub.run().await,
            None => std::future::pending::<RadioError>().await,
        }
    };
    let mut air_lost = std::pin::pin!(air_lost);
    let mut running = std::pin::pin!(relay.run());
    let mut telling = std::pin::pin!(tell(happened, report));
    tokio::select! {
        () = &mut telling => {}
        () = &mut running => {}
        error = &mut air_lost => return Err(air::radio_failure(&error)),
        () = stop.wished() => {
            // A person at the keyboard does not wait for others' codes. A second wish ends it all.
            match stop.why() {
                End::Terminated => handle.drain(&drain),
                _ => handle.shutdown(drain.grace),
            }
            tokio::select! {
                () = &mut telling => {}
                () = &mut running => {}
                () = stop.wished() => {}
            }
        }
    }
    if let Some(error) = handle.failure() {
        return Err(relay_failure(&error));
    }
    report.event(&Event::Stopped { role: Role::Relay, simulated: false, forgets: false });
    Ok(Exit::Ok)
}

/// In which order it leaves when a service manager says so.
fn drain(args: &args::Relay) -> Drain {
    let default = Drain::default();
    let notice = if args.admin.is_some() { default.notice } else { Duration::ZERO };
    Drain {
        notice: args.notice.map_or(notice, Duration::from_secs),
        spread: args.spread.map_or(default.spread, Duration::from_secs),
        grace: args.grace.map_or(default.grace, Duration::from_secs),
        ..default
    }
}

/// What the relay knows of revoked contacts, and of the other nodes.
async fn remember(
    config: &mut RelayConfig,
    args: &args::Relay,
    provider: &CryptoProvider,
) -> Result<(), Failure> {
    if let Some(path) = &args.revoked {
        let kept = KeptContacts::open(path, provider.clone())
            .map_err(|error| Failure::environment("revoked", error.to_string()))?;
        config.contacts = Arc::new(kept);
    }
    if let Some(servers) = &args.bus {
        let mut nats = Nats::new(servers);
        if let Some(user) = &args.bus_user {
            nats = nats.user(user, bus_password(args.bus_password.as_ref())?);
        }
        if let Some(file) = &args.bus_ca {
            nats = nats.root_certificates(file);
        }
        if let (Some(certificate), Some(key)) = (&args.bus_cert, &args.bus_key) {
            nats = nats.client_certificate(certificate, key);
        }
        let joined = nats.join(provider).await.map_err(|error| match error {
            NatsError::Random => Failure::environment("random", error.to_string()),
            _ => Failure::usage("bus", error.to_string()),
        })?;
        config.bus = Some(joined.link);
        config.contacts = Arc::new(joined.contacts);
    }
    Ok(())
}

/// The password of this node's user at the bus.
fn bus_password(named: Option<&args::Variable>) -> Result<String, Failure> {
    let name = named.map_or("TOWLINE_BUS_PASSWORD", |args::Variable(name)| name);
    let wrong = match std::env::var(name) {
        Ok(password) if !password.is_empty() => return Ok(password),
        Ok(_) => "is empty",
        Err(std::env::VarError::NotPresent) => "is not set",
        Err(std::env::VarError::NotUnicode(_)) => "is not UTF-8",
    };
    let message = format!(
        "bus-user needs a password in the environment variable {name}, which {wrong}: set it to \
         the one that the bus has for this user"
    );
    Err(Failure::usage("configuration", message))
}

/// Web pages are let in as far as the operator says.
fn origin_policy(but: Vec<String>) -> OriginPolicy {
    if but.iter().any(|origin| origin == "*") {
        OriginPolicy::Any
    } else {
        OriginPolicy::NoPages { but }
    }
}

/// Gets the descriptors that the limits need, and keeps the relay from using all there are. What to
/// say if they are too few.
fn fit(config: &mut RelayConfig) -> Option<Event> {
    let limits = &config.limits;
    let calls = [limits.waiting, limits.ringing, limits.locating, limits.listening];
    let places = calls.into_iter().chain([limits.pairs, limits.pairs]);
    let needed = places.fold(config.requests_at_once, usize::saturating_add);
    let needed = u64::try_from(needed).unwrap_or(u64::MAX).saturating_add(KEPT);
    let granted = descriptors::raise(needed)?;
    let connections = granted.saturating_sub(KEPT).max(granted >> 1).max(1);
    config.connections = usize::try_from(connections).unwrap_or(usize::MAX);
    (granted < needed).then(|| {
        let message = format!(
            "this process may open {granted} files and connections, and the relay's limits need {needed}: beyond \
             {connections} connections, others have to wait. Raise the limit (`ulimit -n`, LimitNOFILE in a unit), or lower \
             --most-tunnels, --most-listening, --most-waiting and --most-ringing"
        );
        Event::Descriptors { needed, granted, message }
    })
}

/// Says what happens, until nothing can happen any more.
async fn tell(mut happened: mpsc::Receiver<Happening>, report: &Report) {
    while let Some(happening) = happened.recv().await {
        match happening {
            Happening::Met { number } => {
                report.event(&Event::Tunnel { number, open: true, lasted_ms: None, reason: None });
            }
            Happening::Parted { number, after, phone, computer } => {
                let lasted_ms = u64::try_from(after.as_millis()).ok();
                // That one of them left is how each tunnel ends.
                let reason =
                    [phone, computer].into_iter().find(|ending| *ending != Ending::PeerLeft);
                let reason = reason.map(Ending::name);
                report.event(&Event::Tunnel { number, open: false, lasted_ms, reason });
            }
            _ => {}
        }
    }
    std::future::pending().await
}

fn relay_failure(error: &RelayError) -> Failure {
    match error {
        RelayError::PlainNotLoopback { .. } => Failure::usage("not_loopback", error.to_string()),
        RelayError::Certificate { .. } => Failure::usage("certificate", error.to_string()),
        RelayError::CertificateFile { .. } => Failure::usage("unreadable", error.to_string()),
        RelayError::NumberTaken { .. } => Failure::environment("node", error.to_string()),
        _ => Failure::environment("listen", error.to_string()),
    }
}
