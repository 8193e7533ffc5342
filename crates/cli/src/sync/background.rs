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
use towline_store::{Error, Store};
use towline_synced::SyncedError;

use super::{
    circle::{Member, failure},
    objects::Patience,
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
        every: Option<Duration>,
        provider: &CryptoProvider,
        report: &Arc<Report>,
    ) -> Result<Self, Failure> {
        let mut member = Member::of(store, Patience::Work, provider)?;
        member.goes_on();
        if let Some(every) = every {
            member.look_every(every);
        }
        status::tell(&member.synced, report);
        let (stop, wished) = channel();
        let (done, stopped) = channel();
        let (failed, ended) = oneshot::channel();
        let report = Arc::clone(report);
        std::thread::spawn(move || {
            let turn = || member.turn(&report).map(drop);
            let tell = |error: &SyncedError| {
                let Failure { reason, message, .. } = failure(error);
                let message = format!("nothing is synced for now: {message}; it is tried again");
                report.event(&Event::Sync { reason, problem: true, message });
            };
            if let Err(error) = keep_up(turn, tell, &wished) {
                let Failure { exit, reason, message, .. } = failure(&error);
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
            Kept::File(store) => Self::start(store.clone(), None, provider, report).map(Some),
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

/// One turn after the other until it is wished to end, and then one more. What fails may be over at
/// the next turn, and is told once; only without a circle there is nothing to go on with.
fn keep_up(
    mut turn: impl FnMut() -> Result<(), SyncedError>,
    mut tell: impl FnMut(&SyncedError),
    wished: &Receiver<()>,
) -> Result<(), SyncedError> {
    let (mut told, mut last) = (None, false);
    loop {
        let failed = turn().err();
        if let Some(error) = &failed
            && failed != told
        {
            if matches!(error, SyncedError::Kept(Error::NoCircle) | SyncedError::Device) {
                return Err(error.clone());
            }
            tell(error);
        }
        told = failed;
        if last {
            return Ok(());
        }
        last = wished.recv_timeout(SOON) != Err(RecvTimeoutError::Timeout);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_fails_is_told_once_and_tried_again() {
        let (stop, wished) = channel();
        let mut stop = Some(stop);
        let (mut turns, mut told) = (0, Vec::new());
        let turn = || {
            turns += 1;
            match turns {
                1..=2 | 4 => Err(SyncedError::Kept(Error::DiskFull)),
                5 => {
                    stop = None;
                    Ok(())
                }
                _ => Ok(()),
            }
        };
        assert_eq!(keep_up(turn, |error| told.push(error.clone()), &wished), Ok(()));
        assert_eq!(turns, 6, "one more after the wish");
        assert_eq!(told, [SyncedError::Kept(Error::DiskFull), SyncedError::Kept(Error::DiskFull)]);
    }

    #[test]
    fn without_a_circle_it_ends() {
        let (_stop, wished) = channel();
        for error in [SyncedError::Kept(Error::NoCircle), SyncedError::Device] {
            let ended = keep_up(|| Err(error.clone()), |_| panic!("it is over"), &wished);
            assert_eq!(ended, Err(error));
        }
    }
}
