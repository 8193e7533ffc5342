//! A thread that keeps a store up with its circle while the program does something else.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};

use tokio::sync::oneshot;
use towline::crypto::CryptoProvider;
use towline_store::Store;

use super::{
    circle::{EVERY, Member},
    status,
};
use crate::{
    event::Event,
    exit::{Exit, Failure},
    keys::kept::Kept,
    report::Report,
};

/// How soon what was made here is on its way. To find that nothing was costs next to nothing.
const SOON: Duration = Duration::from_millis(250);
/// How long the end of the program waits for what is on its way.
const LAST: Duration = Duration::from_secs(5);

/// Takes part in the circle of a store until it is dropped. Questions to the authenticator of that
/// store wait for nothing of this.
pub(crate) struct Background {
    stop: Option<Sender<()>>,
    stopped: Receiver<()>,
    ended: oneshot::Receiver<Exit>,
}

impl Background {
    /// Says how the circle is, and what happens from now on.
    pub(crate) fn start(
        store: Store,
        every: Duration,
        provider: &CryptoProvider,
        report: &Arc<Report>,
    ) -> Result<Self, Failure> {
        let mut member = Member::of(store, every, provider)?;
        status::tell(&member.synced, report);
        let (stop, wished) = channel();
        let (done, stopped) = channel();
        let (failed, ended) = oneshot::channel();
        let report = Arc::clone(report);
        std::thread::spawn(move || {
            if let Err(Failure { exit, reason, message, .. }) =
                keep_up(&mut member, &wished, &report)
            {
                let message = format!("nothing is synced any more: {message}");
                report.event(&Event::Sync { reason, problem: true, message });
                // Nobody may wait for it.
                let _ = failed.send(exit);
            }
            let _ = done.send(());
        });
        Ok(Self { stop: Some(stop), stopped, ended })
    }

    /// The same for the arguments of an authenticator, if it is to sync.
    pub(crate) fn of(
        wanted: bool,
        kept: &Kept,
        provider: &CryptoProvider,
        report: &Arc<Report>,
    ) -> Result<Option<Self>, Failure> {
        match kept {
            _ if !wanted => Ok(None),
            Kept::File(store) => Self::start(store.clone(), EVERY, provider, report).map(Some),
            Kept::Memory => {
                let message = "what is in memory is in no circle; name the store with --store";
                Err(Failure::usage("no_store", message))
            }
        }
    }

    /// It can't go on, and has said why. Cancel-safe.
    pub(crate) async fn ended(&mut self) -> Exit {
        match (&mut self.ended).await {
            Ok(exit) => exit,
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        // What it has not done by then it does at the next start.
        let _ = self.stopped.recv_timeout(LAST);
    }
}

fn keep_up(member: &mut Member, wished: &Receiver<()>, report: &Report) -> Result<(), Failure> {
    loop {
        member.turn(report)?;
        match wished.recv_timeout(SOON) {
            Err(RecvTimeoutError::Timeout) => {}
            _ => return member.turn(report).map(drop),
        }
    }
}
