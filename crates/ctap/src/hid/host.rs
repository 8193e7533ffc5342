//! The host's side: one channel, one request at a time.

use alloc::collections::VecDeque;
use core::time::Duration;
use std::time::Instant;

use super::{
    HidChannel, HidCommand, HidError, InitResponse, KeepaliveStatus, MAX_MESSAGE, Packet, Payload,
    Report,
    assembly::{Incoming, Outgoing},
    packet::first,
};

/// How long a host waits for the next packet, keepalives included, where [`Host::set_patience`]
/// says nothing else.
const PATIENCE: Duration = Duration::from_secs(3);

/// What a host wants done, or has to tell.
#[derive(PartialEq, Eq)]
pub enum HostOutput<'a> {
    /// Send a report to the device.
    Send(Report),
    /// The device has given the host a channel.
    Opened(InitResponse),
    /// The answer to a request.
    Message {
        /// What it answers.
        command: HidCommand,
        /// The payload, put together from all packets.
        message: &'a [u8],
    },
    /// The request is still under way.
    Keepalive(KeepaliveStatus),
    /// The request has come to nothing.
    Failed(HostFailure),
}

/// Why a request has come to nothing.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostFailure {
    /// The device said so.
    #[error("{0}")]
    Device(#[from] HidError),
    /// The device broke the protocol.
    #[error("the device sent packets that do not follow the protocol")]
    Misbehaved,
    /// Nothing was heard in time.
    #[error("the device did not answer in time")]
    TimedOut,
}

/// Why a request could not even be sent.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There is no channel yet: [`Host::open`] comes first.
    #[error("there is no channel to the device yet")]
    NotOpen,
    /// A request is under way: wait for its end, or call [`Host::abort`].
    #[error("another request is under way")]
    Busy,
    /// More bytes than a message can have.
    #[error("a message of {0} bytes is too long: at most 7609 are possible")]
    TooLong(usize),
}

/// The host's side of CTAPHID, from requests to reports and back.
///
/// Feed it with `open`, `send`, `cancel` and `handle_*`; after each call drain it with
/// [`poll_output`](Self::poll_output) until that gives `None`, and call
/// [`handle_timeout`](Self::handle_timeout) at the instant that
/// [`poll_timeout`](Self::poll_timeout) names. Reports for other hosts are ignored. It allocates
/// nothing for a packet.
#[derive(Debug)]
pub struct Host {
    channel: Option<HidChannel>,
    state: State,
    patience: Duration,
    deadline: Option<Instant>,
    incoming: Incoming,
    outgoing: Outgoing,
    short: VecDeque<Report>,
    events: VecDeque<Event>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Idle,
    /// INIT was sent, on the broadcast channel or the own one.
    Opening {
        nonce: [u8; 8],
        on: HidChannel,
    },
    /// A request was sent.
    Waiting {
        command: HidCommand,
    },
    /// Its answer is coming in.
    Receiving {
        command: HidCommand,
    },
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Opened(InitResponse),
    Message(HidCommand),
    Keepalive(KeepaliveStatus),
    Failed(HostFailure),
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// A host without a channel.
    #[must_use]
    pub fn new() -> Self {
        Self {
            channel: None,
            state: State::Idle,
            patience: PATIENCE,
            deadline: None,
            incoming: Incoming::new(),
            outgoing: Outgoing::new(),
            short: VecDeque::with_capacity(4),
            events: VecDeque::with_capacity(4),
        }
    }

    /// How long to wait for the next packet: 3 s if this is not called. Devices that follow the
    /// standard send a keepalive every 100 ms.
    pub const fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// The channel, if there is one.
    #[must_use]
    pub const fn channel(&self) -> Option<HidChannel> {
        self.channel
    }

    /// Asks for a channel, or, with one, for a fresh start on it: whatever is under way ends. The
    /// nonce tells the answer from those for other hosts; choose it at random.
    pub fn open(&mut self, nonce: [u8; 8], now: Instant) {
        let on = self.channel.unwrap_or(HidChannel::BROADCAST);
        self.outgoing.abort();
        self.state = State::Opening { nonce, on };
        self.short.push_back(first(on, HidCommand::Init, &nonce).0);
        self.wait(now);
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`SendError`] when there is no channel, another request under way, or the message too long.
    pub fn send(
        &mut self,
        command: HidCommand,
        message: &[u8],
        now: Instant,
    ) -> Result<(), SendError> {
        let channel = self.channel.ok_or(SendError::NotOpen)?;
        if message.len() > MAX_MESSAGE {
            return Err(SendError::TooLong(message.len()));
        }
        if !matches!(self.state, State::Idle) {
            return Err(SendError::Busy);
        }
        self.outgoing.begin(channel, command, message);
        self.state = State::Waiting { command };
        self.wait(now);
        Ok(())
    }

    /// Sends a CTAP2 request: a command byte and its parameters.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_cbor(&mut self, request: &[u8], now: Instant) -> Result<(), SendError> {
        self.send(HidCommand::Cbor, request, now)
    }

    /// Asks the device to end the CTAP2 request under way; its answer still comes. Without one
    /// nothing happens.
    pub fn cancel(&mut self) {
        if let (Some(channel), State::Waiting { command: HidCommand::Cbor }) =
            (self.channel, self.state)
        {
            // It goes out after the request itself, all of whose packets come first.
            self.short.push_back(first(channel, HidCommand::Cancel, &[]).0);
        }
    }

    /// Does not wait any more for what is under way. The device does not learn of it:
    /// [`Self::open`] is a fresh start.
    pub fn abort(&mut self) {
        self.state = State::Idle;
        self.deadline = None;
        self.outgoing.abort();
    }

    /// Takes a report from the device.
    pub fn handle_packet(&mut self, report: &Report, now: Instant) {
        let Packet { channel, payload } = Packet::read(report);
        if let State::Opening { nonce, on } = self.state {
            if channel == on {
                self.opening(nonce, payload);
            }
            return;
        }
        if self.channel != Some(channel) || matches!(self.state, State::Idle) {
            return;
        }
        self.wait(now);
        match (self.state, payload) {
            (
                State::Waiting { command },
                Payload::Initialization { command: answer, length, data },
            ) => {
                self.answer(command, answer, length, data);
            }
            (State::Receiving { command }, Payload::Continuation { sequence, data }) => {
                match self.incoming.go_on(sequence, data) {
                    Ok(true) => self.finish(Event::Message(command)),
                    Ok(false) => {}
                    Err(_) => self.finish(Event::Failed(HostFailure::Misbehaved)),
                }
            }
            (State::Receiving { .. }, Payload::Initialization { command, data, .. }) => {
                self.finish(Event::Failed(failure(command, data)));
            }
            // Left over from an answer that was not waited for.
            _ => {}
        }
    }

    /// Lets the time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.outgoing.abort();
            self.finish(Event::Failed(HostFailure::TimedOut));
        }
    }

    /// When to call [`Self::handle_timeout`], if nothing happens before.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    /// The next thing to do or to know, if there is one.
    pub fn poll_output(&mut self) -> Option<HostOutput<'_>> {
        if let Some(report) = self.outgoing.next().or_else(|| self.short.pop_front()) {
            return Some(HostOutput::Send(report));
        }
        Some(match self.events.pop_front()? {
            Event::Opened(response) => HostOutput::Opened(response),
            Event::Message(command) => {
                HostOutput::Message { command, message: self.incoming.message() }
            }
            Event::Keepalive(status) => HostOutput::Keepalive(status),
            Event::Failed(failure) => HostOutput::Failed(failure),
        })
    }

    fn opening(&mut self, nonce: [u8; 8], payload: Payload<'_>) {
        let Payload::Initialization { command, length, data } = payload else { return };
        match command {
            HidCommand::Init => {
                let response = data
                    .get(..usize::from(length))
                    .and_then(InitResponse::decode)
                    .filter(|response| response.nonce == nonce);
                // Another host's answer is on the broadcast channel, too.
                let Some(response) = response else { return };
                self.channel = Some(response.channel);
                self.finish(Event::Opened(response));
            }
            HidCommand::Error => self.finish(Event::Failed(failure(command, data))),
            _ => {}
        }
    }

    fn answer(&mut self, command: HidCommand, answer: HidCommand, length: u16, data: &[u8]) {
        match answer {
            HidCommand::Keepalive if command == HidCommand::Cbor => {
                let status = data.first().copied().unwrap_or_default();
                self.events.push_back(Event::Keepalive(KeepaliveStatus::from_u8(status)));
            }
            _ if answer == command && usize::from(length) <= MAX_MESSAGE => {
                if self.incoming.begin(length, data) {
                    self.finish(Event::Message(command));
                } else {
                    self.state = State::Receiving { command };
                }
            }
            _ => {
                self.outgoing.abort();
                self.finish(Event::Failed(failure(answer, data)));
            }
        }
    }

    fn finish(&mut self, event: Event) {
        self.state = State::Idle;
        self.deadline = None;
        self.events.push_back(event);
    }

    fn wait(&mut self, now: Instant) {
        self.deadline = now.checked_add(self.patience);
    }
}

/// What a packet says that is no answer.
fn failure(command: HidCommand, data: &[u8]) -> HostFailure {
    match (command, data.first()) {
        (HidCommand::Error, Some(code)) => HidError::from_u8(*code).into(),
        _ => HostFailure::Misbehaved,
    }
}
