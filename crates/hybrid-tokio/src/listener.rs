//! The driver of a phone that listens: hears of linked computers that ring, and keeps its
//! connection.

mod events;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use towline_crypto::CryptoProvider;
use towline_hybrid::ids::{RoutingId, TunnelId};
use towline_hybrid::link::ClientPayload;
use towline_hybrid::tunnel::ConnectFailure;
use towline_hybrid::{Decision, ListenError, Listener, ListenerConfig, ListenerOutput, RingToken};

pub use self::events::ListenerEvents;
use self::events::Teller;
use crate::driver::{AbortOnDrop, Link, LinkEvent, Outcome, now, outcome, sleep_until};
use crate::{Connector, Incoming, Target, TransportError};

/// What happens while a phone listens.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenerEvent {
    /// Computers can ring now.
    Listening,
    /// Computers can't ring until the connection is made anew, which is tried after a pause.
    Lost {
        /// Why, where the connection was refused.
        failure: Option<ConnectFailure>,
        /// How long the pause is.
        pause: Duration,
    },
    /// A computer rings: say by [`ListenerSession::decide`] and the same token whether it is known.
    Rung {
        /// Comes back with the decision.
        token: RingToken,
        /// What the computer said.
        payload: ClientPayload,
        /// Which server it waits at.
        routing_id: RoutingId,
        /// In which tunnel it waits there.
        tunnel_id: TunnelId,
    },
    /// The ring is moot: its computer went away, before it was answered or after.
    Over {
        /// The token of the ring.
        token: RingToken,
    },
    /// It is over, and nothing follows.
    Finished(Result<(), ListenError>),
}

/// A phone that listens. Dropping it ends that.
pub struct ListenerSession {
    commands: mpsc::UnboundedSender<Command>,
    done: watch::Receiver<Outcome<()>>,
    _task: AbortOnDrop,
}

enum Command {
    Decide(RingToken, Decision),
    Revoke,
    Stop,
}

impl ListenerSession {
    /// Starts to listen.
    ///
    /// # Panics
    /// Outside of a tokio runtime with its time driver.
    #[must_use]
    pub fn start(
        config: ListenerConfig,
        provider: &CryptoProvider,
        connector: Arc<dyn Connector>,
    ) -> (Self, ListenerEvents) {
        let (commands, commands_in) = mpsc::unbounded_channel();
        let (events, events_out) = events::queue();
        let (done, done_out) = watch::channel(None);
        let driver = Driver {
            machine: Listener::new(config, provider, now()),
            connector,
            link: Link::Down,
            closing: JoinSet::new(),
            commands: commands_in,
            events,
            done,
        };
        let task = AbortOnDrop(tokio::spawn(driver.run()).abort_handle());
        (Self { commands, done: done_out, _task: task }, events_out)
    }

    /// What the phone says to [`ListenerEvent::Rung`], of which at most [`ListenerConfig::rings`]
    /// wait. Moot rings are ignored.
    pub fn decide(&self, token: RingToken, decision: Decision) {
        let _over = self.commands.send(Command::Decide(token, decision));
    }

    /// Nobody shall reach this phone under this contact id any more: waits until the service knows,
    /// however long that takes.
    ///
    /// # Errors
    /// [`TransportError::Listen`], when somebody else listens with the same key.
    pub async fn revoke(self) -> Result<(), TransportError> {
        self.end(Command::Revoke).await
    }

    /// Listens no more, and waits until all is closed.
    ///
    /// # Errors
    /// [`TransportError::Listen`], why it had ended before.
    pub async fn stop(self) -> Result<(), TransportError> {
        self.end(Command::Stop).await
    }

    async fn end(self, command: Command) -> Result<(), TransportError> {
        // A driver that is gone has left its outcome.
        let _gone = self.commands.send(command);
        outcome(self.done.clone()).await
    }
}

struct Driver {
    machine: Listener,
    connector: Arc<dyn Connector>,
    link: Link,
    closing: JoinSet<()>,
    commands: mpsc::UnboundedReceiver<Command>,
    events: Teller,
    done: watch::Sender<Outcome<()>>,
}

impl Driver {
    async fn run(mut self) {
        let result = loop {
            let mut finished = None;
            while let Some(output) = self.machine.poll_output() {
                if let ListenerOutput::Finished(result) = output {
                    finished = Some(result);
                } else {
                    self.perform(output);
                }
            }
            if let Some(result) = finished {
                break result;
            }
            let deadline = self.machine.poll_timeout();
            tokio::select! {
                event = self.link.next() => self.arrived(event),
                command = self.commands.recv() => match command {
                    Some(Command::Decide(token, decision)) => {
                        self.machine.handle_decision(token, decision, now());
                    }
                    Some(Command::Revoke) => self.machine.revoke(now()),
                    // The session was dropped: this task is about to be ended.
                    Some(Command::Stop) | None => self.machine.stop(now()),
                },
                // A connection that has closed is done with, and a phone listens for weeks.
                Some(_) = self.closing.join_next() => {}
                () = sleep_until(deadline) => self.machine.handle_timeout(now()),
            }
        };
        while self.closing.join_next().await.is_some() {}
        self.done.send_replace(Some(result.map_err(TransportError::Listen)));
        self.tell(ListenerEvent::Finished(result));
    }

    fn perform(&mut self, output: ListenerOutput) {
        match output {
            ListenerOutput::Connect { domain, key } => {
                self.link = Link::Opening(self.connector.connect(Target::Listen { domain, key }));
            }
            ListenerOutput::Send(message) => self.link.send(message),
            ListenerOutput::Close => self.link.close(&mut self.closing),
            ListenerOutput::Listening => self.tell(ListenerEvent::Listening),
            ListenerOutput::Lost { failure, pause } => {
                self.tell(ListenerEvent::Lost { failure, pause })
            }
            ListenerOutput::Rung { token, payload, routing_id, tunnel_id } => {
                self.tell(ListenerEvent::Rung { token, payload, routing_id, tunnel_id });
            }
            ListenerOutput::Over { token } => self.tell(ListenerEvent::Over { token }),
            _ => {}
        }
    }

    fn arrived(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Opened(Ok(connected)) => {
                self.link = Link::Up(connected.channel);
                self.machine.handle_connected(now());
            }
            LinkEvent::Opened(Err(failure)) => self.machine.handle_connect_failed(failure, now()),
            LinkEvent::Incoming(Incoming::Frame(frame)) => self.machine.handle_frame(&frame, now()),
            LinkEvent::Incoming(Incoming::Text) => self.machine.handle_text(now()),
            LinkEvent::Incoming(Incoming::Closed) => {
                self.link.close(&mut self.closing);
                self.machine.handle_closed(now());
            }
        }
    }

    fn tell(&self, event: ListenerEvent) {
        self.events.tell(event);
    }
}
