//! `towline sync watch`: takes part in the circle until Ctrl-C.

use std::{sync::Arc, time::Duration};

use towline::crypto::CryptoProvider;

use super::{background::Background, circle::Member, objects::Patience, status};
use crate::{
    args,
    exit::{Exit, Failure},
    keys::kept,
    report::Report,
    stop::Stop,
};

pub(super) async fn run(
    args: &args::Store,
    every: Option<u64>,
    once: bool,
    provider: &CryptoProvider,
    report: &Arc<Report>,
) -> Result<Exit, Failure> {
    if once {
        let mut member = Member::open(args, Patience::Work, provider)?;
        let all = member.settle(report)? && member.reaches_objects();
        status::tell(&member.synced, report);
        return Ok(if all { Exit::Ok } else { Exit::Environment });
    }
    let mut stop = Stop::new()?;
    let store = kept::open(args, provider)?;
    let mut background =
        Background::start(store, every.map(Duration::from_secs), provider, report)?;
    tokio::select! {
        exit = background.ended() => Ok(exit),
        () = stop.wished() => Ok(Exit::Ok),
    }
}
