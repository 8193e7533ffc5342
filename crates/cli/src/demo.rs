//! `towline demo`: both ends of a passkey at once.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::sync::broadcast::error::RecvError;
use towline_demo::{Demo, DemoConfig, DemoError, DemoEvent};

use crate::{
    args,
    event::{Event, Role},
    exit::{Exit, Failure},
    report::Report,
    stop::Stop,
};

pub(crate) async fn run(args: args::Demo, report: &Report) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let demo = Demo::bind(DemoConfig { addr, speed: args.speed }).await.map_err(failed)?;
    let url = demo.url();
    let page =
        Event::Listening { role: Role::Demo, url: url.clone(), place: None, simulated: true };
    // A person opens the first address that they see.
    if !report.is_json() {
        report.event(&page);
    }
    for (role, url) in roles().zip(demo.site_urls()) {
        report.event(&Event::Listening { role, url, place: None, simulated: false });
    }
    if report.is_json() {
        report.event(&page);
    }
    let (handle, mut events) = (demo.stop_handle(), demo.events());
    let mut running = std::pin::pin!(demo.run());
    if !args.no_open {
        // It answers as soon as it runs, which is before any browser has started.
        open(url, report);
    }
    let ended = loop {
        tokio::select! {
            ended = &mut running => break ended,
            event = events.recv() => match event {
                Ok(DemoEvent::StepDone { step, short }) => {
                    report.event(&Event::TourStep { step, short });
                }
                Ok(DemoEvent::Timed(timed)) => report.event(&Event::Timed(timed)),
                // The page has them all.
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => break Ok(()),
            },
            () = stop.wished() => {
                handle.stop();
                break running.await;
            }
        }
    };
    ended.map_err(failed)?;
    report.event(&Event::Stopped { role: Role::Demo, simulated: true, forgets: false });
    Ok(Exit::Ok)
}

/// The site, and those that sign in through it.
fn roles() -> impl Iterator<Item = Role> {
    std::iter::once(Role::Rp).chain(std::iter::repeat(Role::Site))
}

fn open(url: String, report: &Report) {
    if let Err(error) = open::that_detached(url) {
        let text = format!("no browser could be started ({error}); open the address yourself");
        report.event(&Event::Hint { text });
    }
}

fn failed(error: DemoError) -> Failure {
    let message = error.to_string();
    match error {
        DemoError::NotLoopback(_) => Failure::usage("not_loopback", message),
        DemoError::Listen { .. } => Failure::environment("listen", message),
        _ => Failure::environment("demo", message),
    }
}
