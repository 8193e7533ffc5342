//! The loop around a machine: its connection, its radio, its deadline, and the calls of its
//! session.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};
use towline_hybrid::tunnel::ConnectFailure;
use towline_hybrid::{Effect, Machine, RadioFailure};
use towline_radio::BoxFuture;

use crate::antenna::{Antenna, Radio, RadioNews};
use crate::clock::now;
use crate::{Connected, Connector, DataChannel, Incoming, TransportError};

/// How long a channel may take to close in good order.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// What differs between the roles: where that goes which a machine tells.
pub(crate) trait Desk<M: Machine>: Send + 'static {
    /// What a session that went well comes to.
    type Summary: Clone + Send + Sync + 'static;

    /// Looks at the machine after each input, before what it tells.
    fn look(&mut self, machine: &M) {
        let _ = machine;
    }

    /// Passes an event on.
    fn tell(&mut self, event: M::Event);

    /// What the session came to, if this is the last event.
    fn outcome(event: &M::Event) -> Option<Result<Self::Summary, TransportError>>;
}

/// Something that a session wants of its machine.
type Call<M, D> = Box<dyn FnOnce(&mut M, &mut D) + Send>;

/// What a session came to; nothing yet while it runs.
type Outcome<S> = Option<Result<S, TransportError>>;

/// What a session came to, and the event that tells it.
type End<S, E> = (Result<S, TransportError>, E);

/// A session's hold on its runner. Dropping it ends the runner, and with it the radio and the
/// sockets.
pub(crate) struct Handle<M: Machine, D: Desk<M>> {
    /// At most one for each caller that waits, and one for each ring that is open.
    calls: mpsc::UnboundedSender<Call<M, D>>,
    done: watch::Receiver<Outcome<D::Summary>>,
    task: AbortHandle,
}

impl<M: Machine, D: Desk<M>> Drop for Handle<M, D> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<M, D> Handle<M, D>
where
    M: Machine<Event: Send> + Send + 'static,
    D: Desk<M>,
{
    /// Runs this machine.
    pub(crate) fn spawn(
        machine: M,
        desk: D,
        antenna: Antenna,
        connector: Arc<dyn Connector>,
    ) -> Self {
        let (calls, calls_in) = mpsc::unbounded_channel();
        let (done, done_out) = watch::channel(None);
        let runner = Runner {
            machine,
            desk,
            antenna,
            connector,
            radio: Radio::Off,
            link: Link::Down,
            closing: JoinSet::new(),
            calls: calls_in,
            done,
        };
        Self { calls, done: done_out, task: tokio::spawn(runner.run()).abort_handle() }
    }

    /// Has the machine do this, and gives what it says to it.
    ///
    /// # Errors
    /// Why the session is over.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut M, &mut D) -> T + Send + 'static,
    ) -> Result<T, TransportError> {
        let (reply, result) = oneshot::channel();
        self.tell(move |machine, desk| {
            let _nobody_waits = reply.send(call(machine, desk));
        });
        match result.await {
            Ok(result) => Ok(result),
            Err(_) => Err(self.why_over().await),
        }
    }

    /// Has the machine do this. A session that is over ignores it.
    pub(crate) fn tell(&self, call: impl FnOnce(&mut M, &mut D) + Send + 'static) {
        let _over = self.calls.send(Box::new(call));
    }

    /// Waits until all is closed, and gives what the session came to.
    pub(crate) async fn outcome(&self) -> Result<D::Summary, TransportError> {
        match self.done.clone().wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Err(TransportError::Over)),
            Err(_) => Err(TransportError::Over),
        }
    }

    /// Why a session that does not answer any more does not.
    pub(crate) async fn why_over(&self) -> TransportError {
        self.outcome().await.err().unwrap_or(TransportError::Over)
    }
}

struct Runner<M: Machine, D: Desk<M>> {
    machine: M,
    desk: D,
    antenna: Antenna,
    connector: Arc<dyn Connector>,
    radio: Radio,
    link: Link,
    closing: JoinSet<()>,
    calls: mpsc::UnboundedReceiver<Call<M, D>>,
    done: watch::Sender<Outcome<D::Summary>>,
}

impl<M: Machine, D: Desk<M>> Runner<M, D> {
    async fn run(mut self) {
        let (outcome, last) = loop {
            self.desk.look(&self.machine);
            if let Some(end) = self.drain() {
                break end;
            }
            let deadline = self.machine.poll_timeout();
            tokio::select! {
                news = self.radio.next() => self.heard(news),
                news = self.link.next() => self.arrived(news),
                call = self.calls.recv() => match call {
                    Some(call) => call(&mut self.machine, &mut self.desk),
                    // The session was dropped: this task is about to be ended.
                    None => return,
                },
                // A connection that has closed is done with, and a phone listens for weeks.
                Some(_) = self.closing.join_next() => {}
                () = sleep_until(deadline) => self.machine.handle_timeout(now()),
            }
        };
        self.radio = Radio::Off;
        while self.closing.join_next().await.is_some() {}
        tracing::debug!(ok = outcome.is_ok(), "session over");
        self.done.send_replace(Some(outcome));
        self.desk.tell(last);
    }

    /// Does what the machine wants; gives the last event, if it has come.
    fn drain(&mut self) -> Option<End<D::Summary, M::Event>> {
        while let Some(effect) = self.machine.poll_output() {
            match effect {
                Effect::Connect(target) => {
                    self.link = Link::Opening(self.connector.connect(target));
                }
                Effect::Send(message) => self.link.send(message),
                Effect::Close => self.link.close(&mut self.closing),
                Effect::Advertise(advert) => self.radio = self.antenna.advertise(advert),
                Effect::StartScanning => self.radio = self.antenna.scan(),
                Effect::StopRadio => self.radio = Radio::Off,
                Effect::Tell(event) => match D::outcome(&event) {
                    Some(outcome) => return Some((outcome, event)),
                    None => self.desk.tell(event),
                },
            }
        }
        None
    }

    fn heard(&mut self, news: RadioNews) {
        match news {
            RadioNews::Started => {
                self.machine.handle_radio_started(&self.antenna.description(), now());
            }
            RadioNews::Advert(service_data) => self.machine.handle_advert(&service_data, now()),
            RadioNews::Failed(error) => {
                self.machine.handle_radio_failed(RadioFailure::new(error), now());
            }
        }
    }

    fn arrived(&mut self, news: LinkNews) {
        match news {
            LinkNews::Opened(Ok(Connected { channel, opened })) => {
                self.link = Link::Up(channel);
                self.machine.handle_opened(opened, now());
            }
            LinkNews::Opened(Err(failure)) => self.machine.handle_connect_failed(failure, now()),
            LinkNews::Incoming(Incoming::Frame(frame)) => self.machine.handle_frame(frame, now()),
            LinkNews::Incoming(Incoming::Text) => self.machine.handle_text(now()),
            LinkNews::Incoming(Incoming::Closed) => {
                // Closing answers the peer's close frame.
                self.link.close(&mut self.closing);
                self.machine.handle_closed(now());
            }
        }
    }
}

/// The connection to the tunnel service.
#[derive(Default)]
enum Link {
    #[default]
    Down,
    Opening(BoxFuture<'static, Result<Connected, ConnectFailure>>),
    Up(Box<dyn DataChannel>),
}

/// What happened on a [`Link`].
enum LinkNews {
    Opened(Result<Connected, ConnectFailure>),
    Incoming(Incoming),
}

impl Link {
    /// Cancel-safe: a channel that opened, or a message, is returned or stays.
    async fn next(&mut self) -> LinkNews {
        match self {
            Self::Down => pending().await,
            Self::Opening(opening) => {
                let opened = opening.await;
                // The future is used up; whoever takes the news puts the channel in.
                *self = Self::Down;
                LinkNews::Opened(opened)
            }
            Self::Up(channel) => LinkNews::Incoming(channel.next().await),
        }
    }

    fn send(&mut self, frame: Vec<u8>) {
        if let Self::Up(channel) = self {
            channel.send(frame);
        }
    }

    /// Gives up opening, or closes in the background.
    fn close(&mut self, closing: &mut JoinSet<()>) {
        if let Self::Up(channel) = std::mem::take(self) {
            closing.spawn(async move {
                let _late = tokio::time::timeout(CLOSE_TIMEOUT, channel.close()).await;
            });
        }
    }
}
