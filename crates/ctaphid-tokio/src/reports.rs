//! Reports on their way: from the doors into one inbox, and answers back to where they belong.

use std::{future::Future, net::SocketAddr, sync::Arc};

use tokio::sync::{Notify, mpsc};
use towline_ctap::hid::Report;

/// How many reports may wait, in each direction: several messages of the greatest length, 129
/// reports each.
pub(crate) const QUEUE: usize = 1024;

/// A report, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) report: Report,
    pub(crate) source: ReportSource,
}

/// Where doors put the reports that come in. A clone leads to the same key.
#[derive(Debug, Clone)]
pub struct Reports(pub(crate) mpsc::Sender<Received>);

/// The key that the reports were for is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the security key is gone")
    }
}

impl std::error::Error for Gone {}

impl Reports {
    /// Gives the key a report, as soon as it has room for one.
    ///
    /// # Errors
    /// [`Gone`]: nobody takes reports any more, so that the door has nothing left to do.
    pub async fn deliver(&self, report: Report, source: &ReportSource) -> Result<(), Gone> {
        self.0.send(Received { report, source: source.clone() }).await.map_err(|_| Gone)
    }

    /// Waits until the key is gone.
    pub async fn gone(&self) {
        self.0.closed().await;
    }
}

/// Where a report came from, and its answers go.
///
/// It ends when its way out does: when the [`Answers`], or the receiver of its datagrams, are
/// dropped. A request that it has under way is cancelled then, as nobody would learn what became of
/// it.
#[derive(Debug, Clone)]
pub struct ReportSource(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Datagram { peer: SocketAddr, out: mpsc::Sender<(Report, SocketAddr)> },
    Stream { out: mpsc::Sender<Report>, overflow: Arc<Notify> },
}

/// The answers to reports from a [`ReportSource`], in order. To drop them says that whoever asked
/// is gone.
#[derive(Debug)]
pub struct Answers {
    queue: mpsc::Receiver<Report>,
    overflow: Arc<Notify>,
}

impl ReportSource {
    /// A source whose answers are one stream, which is of no use any more with a hole in it.
    #[must_use]
    pub fn stream() -> (Self, Answers) {
        let (out, queue) = mpsc::channel(QUEUE);
        let overflow = Arc::new(Notify::new());
        (Self(Kind::Stream { out, overflow: overflow.clone() }), Answers { queue, overflow })
    }

    /// One of many that share a way out on which reports may be lost, each with the address it is
    /// for.
    #[must_use]
    pub const fn datagram(peer: SocketAddr, out: mpsc::Sender<(Report, SocketAddr)>) -> Self {
        Self(Kind::Datagram { peer, out })
    }

    /// Waits until nobody is left to read what is sent back. A peer of datagrams says no goodbye:
    /// only its socket's door can end. Cancel-safe.
    pub(crate) async fn ended(&self) {
        match &self.0 {
            Kind::Datagram { out, .. } => out.closed().await,
            Kind::Stream { out, .. } => out.closed().await,
        }
    }

    /// Whether that is so now.
    pub(crate) fn has_ended(&self) -> bool {
        match &self.0 {
            Kind::Datagram { out, .. } => out.is_closed(),
            Kind::Stream { out, .. } => out.is_closed(),
        }
    }

    /// Sends a report back. Whoever is gone misses it; whoever does not read is not waited for.
    pub(crate) fn send(&self, report: Report) {
        match &self.0 {
            Kind::Datagram { peer, out } => {
                if out.try_send((report, *peer)).is_err() {
                    tracing::warn!(%peer, "a report could not be sent");
                }
            }
            Kind::Stream { out, overflow } => {
                if let Err(mpsc::error::TrySendError::Full(_)) = out.try_send(report) {
                    overflow.notify_one();
                }
            }
        }
    }
}

impl Answers {
    /// The next one; none when nobody can send any more. Cancel-safe.
    pub async fn next(&mut self) -> Option<Report> {
        self.queue.recv().await
    }

    /// Ends when an answer was lost because too many were waiting: close the stream then.
    pub fn overflow(&self) -> impl Future<Output = ()> + Send + use<> {
        let overflow = self.overflow.clone();
        async move { overflow.notified().await }
    }
}
