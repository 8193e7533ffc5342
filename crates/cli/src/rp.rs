//! `towline rp`: the relying party, for people in browsers and for programs.

use std::net::SocketAddr;

use tokio::{net::lookup_host, sync::broadcast::error::RecvError};
use towline_rp::{Identity, RpConfig, RpError, RpServer, SiteEvent, StrictVerifier, TrustAnchors};

use crate::{
    args, attestation,
    event::{Event, Role, SiteAction},
    exit::{Exit, Failure},
    report::Report,
    stop::Stop,
};

pub(crate) async fn run(args: args::Rp, report: &Report) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let provider = towline::fastest::provider();
    let roots = args.roots.as_deref().map(attestation::roots).transpose()?;
    let addr = address(&args.listen).await?;
    let config = RpConfig {
        addr,
        rp_name: args.name,
        data: args.data,
        sites: args.sites.then(|| next_two(addr)),
        programs: args.programs.then_some(true),
        judges_attestation: roots.is_some(),
        ..RpConfig::default()
    };
    let verifier = |identity: &Identity| {
        let verifier = StrictVerifier::new(identity, provider)?;
        Ok(match roots {
            Some(roots) => {
                verifier.with_attestation(TrustAnchors::new(roots, std::time::SystemTime::now))
            }
            // People may let it ask for attestation, of which it has no roots to judge any.
            None => verifier.without_attestation(),
        })
    };
    let rp = RpServer::bind(config, verifier).await.map_err(|error| {
        let message = error.to_string();
        match error {
            RpError::NotLoopback(_) => Failure::usage("not_loopback", message),
            RpError::Data { .. } => Failure::environment("data", message),
            _ => Failure::environment("listen", message),
        }
    })?;
    report.event(&Event::Listening {
        role: Role::Rp,
        url: rp.url(),
        place: None,
        simulated: false,
    });
    for url in rp.site_urls() {
        report.event(&Event::Listening { role: Role::Site, url, place: None, simulated: false });
    }
    let (shutdown, mut events) = (rp.shutdown_handle(), rp.events());
    let mut running = std::pin::pin!(rp.run());
    loop {
        tokio::select! {
            () = &mut running => break,
            event = events.recv() => match event {
                Ok(event) => told(&event).iter().for_each(|event| report.event(event)),
                // Too many at once: the page has them all.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break,
            },
            () = stop.wished() => {
                shutdown.shutdown();
                running.await;
                break;
            }
        }
    }
    report.event(&Event::Stopped { role: Role::Rp, simulated: false, forgets: false });
    Ok(Exit::Ok)
}

/// The next two ports; free ones where any free one was asked for.
fn next_two(addr: SocketAddr) -> [SocketAddr; 2] {
    [1, 2].map(|step| {
        let port = if addr.port() == 0 { 0 } else { addr.port().saturating_add(step) };
        SocketAddr::new(addr.ip(), port)
    })
}

/// What a host and a port stand for. A name counts only if nobody else can be meant by it.
async fn address(host_and_port: &str) -> Result<SocketAddr, Failure> {
    let unknown = |why: String| {
        Failure::environment("listen", format!("can't find out what {host_and_port} is: {why}"))
    };
    let found = lookup_host(host_and_port).await.map_err(|error| unknown(error.to_string()))?;
    let mut found: Vec<SocketAddr> = found.collect();
    if let Some(other) = found.iter().find(|address| !address.ip().is_loopback()) {
        return Err(Failure::usage("not_loopback", RpError::NotLoopback(*other).to_string()));
    }
    // What clients try first, and what there is on every machine.
    found.sort_by_key(SocketAddr::is_ipv6);
    found.first().copied().ok_or_else(|| unknown("nothing has that name".into()))
}

/// One line for each ceremony that came to its end.
fn told(event: &SiteEvent) -> Option<Event> {
    let (action, account, reason) = match event {
        SiteEvent::Registered { account } => (SiteAction::Registered, Some(account), None),
        SiteEvent::SignedIn { account, .. } => (SiteAction::SignedIn, Some(account), None),
        SiteEvent::RegistrationRefused { account, why } => {
            (SiteAction::RegistrationRefused, Some(account), Some(*why))
        }
        SiteEvent::SignInRefused { account, why } => {
            (SiteAction::SignInRefused, account.as_ref(), Some(*why))
        }
        _ => return None,
    };
    Some(Event::Site { action, account: account.cloned(), reason })
}
