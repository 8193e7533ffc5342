//! The code that is on show, as long as it is: its picture, and a word to whoever waits for long.

use std::{convert::Infallible, time::Duration};

use tokio::{sync::watch, time::sleep};

use crate::{
    event::{Event, Step},
    qr::picture::Picture,
    report::Report,
};

/// After so long without a phone somebody may wait for one that will not come.
const LONG: Duration = Duration::from_secs(20);

/// Holds the code that is on show, or none.
#[derive(Default)]
pub(super) struct Shelf(watch::Sender<Option<Shown>>);

struct Shown {
    /// Removed when the code is taken away.
    _picture: Option<Picture>,
}

impl Shelf {
    /// A code is on show, in this file as well.
    pub(super) fn shown(&self, picture: Option<Picture>) {
        self.0.send_replace(Some(Shown { _picture: picture }));
    }

    /// A phone was heard: the code is of no use to another.
    pub(super) fn taken_away(&self) {
        self.0.send_replace(None);
    }

    /// Says what may be wrong when a code has been on show for long: a phone whose person declines
    /// sends nothing.
    pub(super) async fn waits_long(&self, report: &Report) -> Infallible {
        let mut code = self.0.subscribe();
        loop {
            on_show_for(&mut code, LONG).await;
            let message = "Still waiting. If the phone declined or failed: Ctrl-C.";
            report.event(&Event::Step { step: Step::StillWaiting, message: message.into() });
            // Once for each code. Can't fail: `self` holds the sender.
            let _ = code.changed().await;
        }
    }
}

/// Waits until one and the same code has been on show for so long.
async fn on_show_for(code: &mut watch::Receiver<Option<Shown>>, long: Duration) {
    loop {
        let _ = code.wait_for(Option::is_some).await;
        tokio::select! {
            () = sleep(long) => return,
            _ = code.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn only_a_code_that_stays_on_show_is_waited_with_for_long() {
        let (shelf, long) = (Shelf::default(), Duration::from_millis(50));
        let mut code = shelf.0.subscribe();
        assert!(timeout(long * 3, on_show_for(&mut code, long)).await.is_err());
        let shown = Instant::now();
        shelf.shown(None);
        on_show_for(&mut code, long).await;
        assert!(shown.elapsed() >= long);
        // One that was taken away is not waited with.
        shelf.shown(None);
        shelf.taken_away();
        assert!(timeout(long * 3, on_show_for(&mut code, long)).await.is_err());
    }
}
