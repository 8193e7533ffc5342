//! The loop around one side: the tunnel, the machine, its deadline, and what the program says.

use std::{
    future::pending,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use tokio::{
    sync::{mpsc, watch},
    task::AbortHandle,
};
use towline_crypto::{CryptoProvider, zeroize::Zeroizing};
use towline_hybrid::{
    CodeSource, InitiatorConfig, ResponderConfig,
    qr::{CircleHint, QrPayload},
};
use towline_hybrid_tokio::{ComputerSession, Connector, PhoneSession, TransportError};
use towline_radio::{Advertiser, Scanner};
use towline_sync::{
    CircleError, Content, Introduction, JoinedCircle, Joining, JoiningError, JoiningOutput,
    JoiningQuestion, JoiningSummary, Moment,
};

use crate::{
    JoiningFailure,
    tunnel::{Tunnel, TunnelNews},
};

/// What the program is told and asked, in this order as a rule.
#[derive(Debug)]
pub enum JoiningEvent {
    /// The radio listens for the other device, or broadcasts for it.
    Radio {
        /// Which radio. A simulated one says so.
        radio: String,
    },
    /// Where this device shows the code: the other one is near, since its advert was heard. The
    /// code need not be shown any longer.
    Near,
    /// The two devices talk.
    Connected,
    /// Ask the person, and answer by [`JoiningSession::answer`].
    Ask(JoiningQuestion),
    /// The question is moot: take it off the screen.
    Withdraw,
    /// At the device in the circle: add this one by [`towline_sync::Circle::add`], keep the record,
    /// and answer by [`JoiningSession::admitted`] or [`JoiningSession::not_admitted`].
    Admit(Introduction),
    /// At the new device: keep this, and answer by [`JoiningSession::kept`] or
    /// [`JoiningSession::not_kept`].
    Keep(Box<JoinedCircle>),
    /// It is over, everything is released, and nothing follows.
    Finished(Result<JoiningSummary, JoiningFailure>),
}

/// The events of one [`JoiningSession`], in their order.
pub struct JoiningEvents(mpsc::UnboundedReceiver<JoiningEvent>);

impl JoiningEvents {
    /// The next event; `None` after the last. Cancel-safe.
    pub async fn next(&mut self) -> Option<JoiningEvent> {
        self.0.recv().await
    }
}

/// What the program says to the machine.
type Order = Box<dyn FnOnce(&mut Joining) + Send>;

/// The text of the code, as long as it is on show.
type Code = Option<Zeroizing<String>>;

/// One side of a device that joins. Dropping it ends it, and releases the radio and the socket.
pub struct JoiningSession {
    orders: mpsc::UnboundedSender<Order>,
    code: watch::Receiver<Code>,
    task: AbortHandle,
}

impl Drop for JoiningSession {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl JoiningSession {
    /// Shows a code, and listens for the device that scans it.
    ///
    /// # Errors
    /// [`TransportError::Hybrid`], when the cryptography fails. What goes wrong later comes as
    /// [`JoiningEvent::Finished`].
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver.
    pub fn show(
        machine: Joining,
        config: InitiatorConfig,
        provider: &CryptoProvider,
        scanner: Arc<dyn Scanner>,
        connector: Arc<dyn Connector>,
    ) -> Result<(Self, JoiningEvents), TransportError> {
        let hint = if machine.is_newcomer() { CircleHint::Join } else { CircleHint::Invite };
        let (session, events) =
            ComputerSession::start_for_circle(config, provider, hint, scanner, connector)?;
        Ok(Self::run(machine, Tunnel::Shown { session, events, opened: false }))
    }

    /// Connects to the device that shows this code, and broadcasts so that it knows to be near.
    /// `config` is that of [`ResponderConfig::for_circle`].
    ///
    /// # Errors
    /// [`JoiningError::SamePart`] when the code is that of a device that wants the same,
    /// [`towline_hybrid::Error::NotForCircles`] when it is for signing in, and what else keeps the
    /// two from coming together. What goes wrong later comes as [`JoiningEvent::Finished`].
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver.
    pub fn scan(
        machine: Joining,
        config: ResponderConfig,
        provider: &CryptoProvider,
        (code, source): (QrPayload, CodeSource),
        advertiser: Arc<dyn Advertiser>,
        connector: Arc<dyn Connector>,
    ) -> Result<(Self, JoiningEvents), JoiningFailure> {
        let both_new = machine.is_newcomer();
        let same = if both_new { CircleHint::Join } else { CircleHint::Invite };
        if code.circle_hint() == Some(same) {
            return Err(JoiningError::SamePart { both_new }.into());
        }
        let mut config = config;
        config.circle = true;
        let (session, events) =
            PhoneSession::start(config, provider, code, source, advertiser, connector)?;
        Ok(Self::run(machine, Tunnel::Scanned { session, events }))
    }

    fn run(machine: Joining, tunnel: Tunnel) -> (Self, JoiningEvents) {
        let (orders, orders_in) = mpsc::unbounded_channel();
        let (events, events_out) = mpsc::unbounded_channel();
        let (code, code_out) = watch::channel(tunnel.qr_uri());
        let runner = Runner { machine, tunnel, orders: orders_in, events, code, is_open: false };
        let task = tokio::spawn(runner.run()).abort_handle();
        (Self { orders, code: code_out, task }, JoiningEvents(events_out))
    }

    /// The text of the code to show; `None` once the other device has authenticated, when it is
    /// wiped here, and where this device scans. It is a secret: whoever reads it and is near can
    /// act as the other device.
    #[must_use]
    pub fn qr_uri(&self) -> Option<Zeroizing<String>> {
        self.code.borrow().clone()
    }

    /// The person's answer to [`JoiningEvent::Ask`].
    pub fn answer(&self, yes: bool) {
        self.order(move |machine| machine.handle_answer(yes, now()));
    }

    /// The device of [`JoiningEvent::Admit`] was added, and that is durable: what
    /// [`towline_sync::Circle::welcome`] gives, and where the store is, at most 16 KiB.
    pub fn admitted(&self, welcome: Zeroizing<Vec<u8>>, store: Content) {
        self.order(move |machine| machine.handle_admitted(welcome, &store, now()));
    }

    /// The device of [`JoiningEvent::Admit`] was not added: the circle's reason, or none where the
    /// record could not be kept.
    pub fn not_admitted(&self, why: Option<CircleError>) {
        self.order(move |machine| machine.handle_not_admitted(why));
    }

    /// What [`JoiningEvent::Keep`] brought is durable.
    pub fn kept(&self) {
        self.order(Joining::handle_kept);
    }

    /// What [`JoiningEvent::Keep`] brought could not be kept.
    pub fn not_kept(&self) {
        self.order(Joining::handle_not_kept);
    }

    /// The person does not want to go on.
    pub fn cancel(&self) {
        self.order(Joining::handle_cancel);
    }

    /// A session that is over ignores it.
    fn order(&self, order: impl FnOnce(&mut Joining) + Send + 'static) {
        let _over = self.orders.send(Box::new(order));
    }
}

struct Runner {
    machine: Joining,
    tunnel: Tunnel,
    orders: mpsc::UnboundedReceiver<Order>,
    events: mpsc::UnboundedSender<JoiningEvent>,
    code: watch::Sender<Code>,
    is_open: bool,
}

impl Runner {
    async fn run(mut self) {
        let result = loop {
            if let Some(result) = self.drain().await {
                break result.map_err(JoiningFailure::from);
            }
            let deadline = self.machine.poll_timeout();
            tokio::select! {
                news = self.tunnel.next() => if let Some(error) = self.hear(news) {
                    break Err(error.into());
                },
                order = self.orders.recv() => match order {
                    Some(order) => order(&mut self.machine),
                    // The session was dropped: this task is about to be ended.
                    None => return,
                },
                () = sleep_until(deadline) => self.machine.handle_timeout(now()),
            }
        };
        self.code.send_replace(None);
        self.tunnel.close().await;
        let _nobody_listens = self.events.send(JoiningEvent::Finished(result));
    }

    /// Does what the machine wants; gives how it ended, if it has.
    async fn drain(&mut self) -> Option<Result<JoiningSummary, JoiningError>> {
        while let Some(output) = self.machine.poll_output() {
            match output {
                JoiningOutput::Send(message) => self.tunnel.send(message).await,
                JoiningOutput::Ask(question) => self.tell(JoiningEvent::Ask(question)),
                JoiningOutput::Withdraw => self.tell(JoiningEvent::Withdraw),
                JoiningOutput::Admit(newcomer) => self.tell(JoiningEvent::Admit(newcomer)),
                JoiningOutput::Keep(joined) => self.tell(JoiningEvent::Keep(joined)),
                JoiningOutput::Finished(result) => return Some(result),
            }
        }
        None
    }

    /// Gives why the two never came together, if that is so.
    fn hear(&mut self, news: TunnelNews) -> Option<TransportError> {
        match news {
            TunnelNews::Radio(radio) => self.tell(JoiningEvent::Radio { radio }),
            TunnelNews::Near => self.tell(JoiningEvent::Near),
            TunnelNews::Opened => {
                self.is_open = true;
                self.code.send_replace(None);
                self.tell(JoiningEvent::Connected);
                self.machine.handle_opened(now());
            }
            TunnelNews::Message(message) => self.machine.handle_message(message, now()),
            // It was there and is gone, before it said who it is.
            TunnelNews::Ended(Some(TransportError::Hybrid(towline_hybrid::Error::Closed {
                ..
            }))) if !self.is_open => self.machine.handle_closed(),
            TunnelNews::Ended(error) if !self.is_open => {
                return Some(error.unwrap_or(TransportError::Over));
            }
            TunnelNews::Ended(error) => {
                tracing::debug!(?error, "the tunnel ended");
                self.machine.handle_closed();
            }
        }
        None
    }

    fn tell(&self, event: JoiningEvent) {
        let _nobody_listens = self.events.send(event);
    }
}

/// By tokio's clock, which tests can move, and the one on the wall.
fn now() -> Moment {
    let unix_time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall_clock = u64::try_from(unix_time.as_millis()).unwrap_or(u64::MAX);
    Moment { instant: tokio::time::Instant::now().into_std(), wall_clock }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => pending().await,
    }
}
