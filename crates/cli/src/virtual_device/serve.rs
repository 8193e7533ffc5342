//! `towline virtual serve`: virtual authenticators over HTTP, for every language and browser.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{net::TcpListener, sync::oneshot};
use towline::PhoneTransport;
use towline_virtual_server::{
    AccessToken, AuthenticatorId, Preset, Service, ServiceError, Session, Subscription, Vicinity,
    VirtualAuthenticatorOptions,
    http::{Settings, router, serve as serve_http},
};

use super::{
    file::{PasskeyFile, State},
    mcp::{Addresses, Desk, converse},
    pipe,
};
use crate::{
    args::{VirtualKind, VirtualServe, VirtualService},
    event::{Event, Role},
    exit::{Exit, Failure},
    network, phone,
    report::Report,
    stop::Stop,
};

/// How long requests that are under way at the end may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Serves until Ctrl-C, or, if that is wanted, until standard input ends.
pub(crate) async fn serve(args: VirtualServe, report: &Report) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let serving = Serving::begin(&args.service, report).await?;
    report.event(&Event::Serving {
        url: serving.url(),
        page_url: serving.page_url(),
        token: serving.token.reveal(),
        port: serving.port,
        simulated: true,
    });
    let input_ended = async {
        if args.until_stdin_ends {
            pipe::end_of_input().await;
        } else {
            std::future::pending().await
        }
    };
    let over = async {
        tokio::select! {
            () = stop.wished() => {}
            () = input_ended => {}
        }
    };
    serving.until(over).await?;
    report.event(&Event::Stopped { role: Role::Virtual, simulated: true, forgets: false });
    Ok(Exit::Ok)
}

/// Serves until the agent closes standard input, or Ctrl-C.
pub(crate) async fn mcp(args: VirtualService) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    // Standard output is for the protocol, with --json as well.
    let report = Report::new(false);
    report.leaves_stdout_free();
    let serving = Serving::begin(&args, &report).await?;
    let addresses =
        Addresses { url: serving.url(), page_url: serving.page_url().unwrap_or_default() };
    let desk = Desk::new(serving.service.clone(), addresses);
    let over = async {
        tokio::select! {
            () = converse(desk) => {}
            () = stop.wished() => {}
        }
    };
    serving.until(over).await?;
    Ok(Exit::Ok)
}

/// A service that has a port.
struct Serving {
    service: Service,
    kept: Kept,
    listener: TcpListener,
    port: u16,
    token: AccessToken,
}

impl Serving {
    async fn begin(args: &VirtualService, report: &Report) -> Result<Self, Failure> {
        let service = match args.meet_others {
            true => Service::default().near(vicinity(args, report).await?),
            false => Service::default(),
        };
        let kept = Kept::begin(args, &service.default_session())?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
        let unavailable = |error: std::io::Error| {
            Failure::environment("listen", format!("can't listen at {address}: {error}"))
        };
        let listener = TcpListener::bind(address).await.map_err(unavailable)?;
        let port = listener.local_addr().map_err(unavailable)?.port();
        let token = service.new_token().map_err(|error| failed(&error))?;
        Ok(Self { service, kept, listener, port, token })
    }

    /// The address of everything.
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/{}/", self.port, self.token.reveal())
    }

    /// The address that pages of the default session are given.
    fn page_url(&self) -> Option<String> {
        let key = self.service.default_session().page_key()?;
        Some(format!("http://127.0.0.1:{}/{key}/page", self.port))
    }

    async fn until(self, over: impl Future<Output = ()>) -> Result<(), Failure> {
        let Self { service, mut kept, listener, port, token } = self;
        let session = service.default_session();
        let (end, ended) = oneshot::channel::<()>();
        let ended = async {
            let _dropped_is_ended = ended.await;
        };
        let router = router(service.clone(), Settings::new(token));
        let mut running = std::pin::pin!(serve_http(listener, router, ended));
        let mut over = std::pin::pin!(over);
        loop {
            tokio::select! {
                served = &mut running => {
                    return served.map_err(|error| {
                        let message = format!("can't serve at port {port} any more: {error}");
                        Failure::environment("listen", message)
                    });
                }
                () = kept.changed() => kept.write(&session)?,
                () = &mut over => {
                    kept.write(&session)?;
                    drop(end);
                    // Whoever waits for something is told that it does not come.
                    for id in service.session_ids() {
                        let _ended_meanwhile = service.end_session(&id);
                    }
                    let _others_are_cut_off = tokio::time::timeout(PATIENCE, running).await;
                    return Ok(());
                }
            }
        }
    }
}

/// Where phones meet the computers of others.
async fn vicinity(args: &VirtualService, report: &Report) -> Result<Vicinity, Failure> {
    let radio = network::radio(&args.radio, network::Use::Advertise, report).await?;
    let phones = PhoneTransport {
        domain: phone::domain(args.domain, args.network.relay.is_some())?,
        advertiser: radio.clone(),
        connector: network::connector(&args.network, towline::fastest::provider()).await?,
    };
    Ok(Vicinity { phones, scanner: radio })
}

/// The authenticator that keeps all in a file, if there is to be one.
struct Kept(Option<Keeper>);

struct Keeper {
    file: PasskeyFile,
    _lock: File,
    authenticator: AuthenticatorId,
    written: State,
    news: Subscription,
}

impl Kept {
    fn begin(args: &VirtualService, session: &Session) -> Result<Self, Failure> {
        let file = args.passkeys.as_deref().map(PasskeyFile::new);
        let Some(file) = file else {
            if let Some(kind) = args.kind {
                add(session, kind)?;
            }
            return Ok(Self(None));
        };
        let lock = file.lock_for_long()?;
        let there = file.read()?;
        let kind = args.kind.or(there.as_ref().map(|state| state.kind));
        let kind = kind.unwrap_or(VirtualKind::SyncedPasskey);
        let authenticator = add(session, kind)?;
        if let Some(there) = &there {
            if there.kind != kind {
                return Err(file.of_other_kind(there.kind));
            }
            let elapsed = Duration::from_millis(there.elapsed_ms);
            let restored = session.restore(&authenticator, &there.kept);
            let restored = restored.and_then(|()| session.advance_clock(elapsed));
            restored.map_err(|error| Failure::environment("passkeys", error.to_string()))?;
        }
        let news = session.subscribe().map_err(|error| failed(&error))?;
        let written = state(session, &authenticator, kind)?;
        if there.is_none() {
            file.write(&written)?;
        }
        Ok(Self(Some(Keeper { file, _lock: lock, authenticator, written, news })))
    }

    /// Something has happened that may have changed what is kept.
    async fn changed(&self) {
        let news = match &self.0 {
            Some(keeper) => keeper.news.next().await,
            None => None,
        };
        if news.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Writes what is kept, if it is not that already.
    fn write(&mut self, session: &Session) -> Result<(), Failure> {
        let Some(keeper) = &mut self.0 else { return Ok(()) };
        while keeper.news.try_next().is_some() {}
        // Who has removed the authenticator keeps the file as it was.
        let Ok(now) = state(session, &keeper.authenticator, keeper.written.kind) else {
            return Ok(());
        };
        if now.kept != keeper.written.kept {
            keeper.file.write(&now)?;
            keeper.written = now;
        }
        Ok(())
    }
}

fn add(session: &Session, kind: VirtualKind) -> Result<AuthenticatorId, Failure> {
    let mut options = VirtualAuthenticatorOptions::default();
    options.preset = Some(match kind {
        VirtualKind::SecurityKey => Preset::SecurityKey,
        VirtualKind::FingerprintKey => Preset::FingerprintKey,
        VirtualKind::Platform => Preset::Platform,
        VirtualKind::SyncedPasskey => Preset::SyncedPasskey,
        VirtualKind::Phone => Preset::Phone,
    });
    session.add_authenticator(options).map_err(|error| failed(&error))
}

fn state(session: &Session, id: &AuthenticatorId, kind: VirtualKind) -> Result<State, Failure> {
    let kept = session.snapshot(id).map_err(|error| failed(&error))?;
    let (elapsed, _) = session.clock().map_err(|error| failed(&error))?;
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    Ok(State { kind, elapsed_ms, kept })
}

fn failed(error: &ServiceError) -> Failure {
    Failure::environment("service", error.to_string())
}
