//! `towline rp`: the small relying party.

use towline_rp::{Rp, RpConfig, RpError, StrictVerifier};

use crate::{
    args,
    event::{Event, Role},
    exit::{Exit, Failure},
    report::Report,
    stop::Stop,
};

pub(crate) async fn run(args: args::Rp, report: &Report) -> Result<Exit, Failure> {
    let mut stop = Stop::new()?;
    let provider = towline::crypto::rustcrypto::provider();
    let config = RpConfig { addr: args.listen, rp_name: args.name, ..RpConfig::default() };
    let rp = Rp::bind(config, |identity| StrictVerifier::new(identity, provider)).await.map_err(
        |error| {
            let message = error.to_string();
            match error {
                RpError::NotLoopback(_) => Failure::usage("not_loopback", message),
                _ => Failure::environment("listen", message),
            }
        },
    )?;
    report.event(&Event::Listening {
        role: Role::Rp,
        url: rp.url(),
        place: None,
        simulated: false,
    });
    let shutdown = rp.shutdown_handle();
    let mut running = std::pin::pin!(rp.run());
    tokio::select! {
        () = &mut running => {}
        () = stop.wished() => {
            shutdown.shutdown();
            running.await;
        }
    }
    report.event(&Event::Stopped { role: Role::Rp, simulated: false, forgets: false });
    Ok(Exit::Ok)
}
