//! The device's side: many channels, one request at a time.

use alloc::collections::VecDeque;
use core::time::Duration;
use std::time::Instant;

use super::{
    Capabilities, HidChannel, HidCommand, HidDeviceConfig, HidError, InitResponse, KeepaliveStatus,
    MAX_MESSAGE, Packet, Payload, Report,
    assembly::{Incoming, Outgoing},
    channels::Channels,
    packet::first,
};

/// What a device wants done.
#[derive(PartialEq, Eq)]
pub enum HidDeviceOutput<'a> {
    /// Send a report.
    Send {
        /// Which of the ways to the device it goes.
        to: To,
        /// The 64 bytes of the report.
        report: Report,
    },
    /// Carry out a CTAP2 request, then call [`HidDevice::handle_response`], exactly once.
    Cbor {
        /// The channel of the host that sent the request.
        channel: HidChannel,
        /// The command byte and its parameters; never empty.
        request: &'a [u8],
    },
    /// Carry out a CTAP1/U2F request, then call [`HidDevice::handle_response`], exactly once.
    Msg {
        /// The channel of the host that sent the request.
        channel: HidChannel,
        /// The APDU; never empty.
        request: &'a [u8],
    },
    /// End the request of this channel soon. Its response is still to be handed in, whatever it has
    /// become.
    Cancel {
        /// The channel whose request is to end.
        channel: HidChannel,
    },
    /// Show the person which device it is.
    Wink {
        /// The channel of the host that asks.
        channel: HidChannel,
    },
}

/// Where a report goes, on a device that several programs reach by different ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// To where the last packet came from: this answers it.
    LastSender,
    /// To where the message came from that makes the device [busy](HidDevice::busy), or made it so
    /// until this report.
    Requester,
}

/// The device's side of CTAPHID, from reports to requests and back.
///
/// Feed it with `handle_*`; after each call drain it with [`poll_output`](Self::poll_output) until
/// that gives `None`, and call [`handle_timeout`](Self::handle_timeout) at the instant that
/// [`poll_timeout`](Self::poll_timeout) names. It does no I/O and has no clock, and it allocates
/// nothing for a packet.
#[derive(Debug)]
pub struct HidDevice {
    config: HidDeviceConfig,
    channels: Channels,
    state: State,
    lock: Option<(HidChannel, Instant)>,
    /// A request was given up, but its response has not come yet.
    abandoned: bool,
    incoming: Incoming,
    outgoing: Outgoing,
    /// What has one packet.
    short: VecDeque<(To, Report)>,
    signals: VecDeque<Signal>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Idle,
    /// A message is coming in.
    Receiving {
        channel: HidChannel,
        command: HidCommand,
        deadline: Option<Instant>,
    },
    /// A request waits for its response.
    Running {
        channel: HidChannel,
        command: HidCommand,
        status: KeepaliveStatus,
        /// When the next keepalive is due; `None` for requests without.
        keepalive: Option<Instant>,
        cancelled: bool,
    },
}

#[derive(Debug, Clone, Copy)]
enum Signal {
    Request { channel: HidChannel, command: HidCommand },
    Cancel(HidChannel),
    Wink(HidChannel),
}

/// Longest lock, in seconds.
const MAX_LOCK: u8 = 10;

/// The version of CTAPHID.
const PROTOCOL: u8 = 2;

impl HidDevice {
    /// A device that was just plugged in.
    #[must_use]
    pub fn new(config: HidDeviceConfig) -> Self {
        let channels = Channels::new(config.first_channel, config.last_channel, config.never);
        Self {
            config,
            channels,
            state: State::Idle,
            lock: None,
            abandoned: false,
            incoming: Incoming::new(),
            outgoing: Outgoing::new(),
            short: VecDeque::with_capacity(16),
            signals: VecDeque::with_capacity(4),
        }
    }

    /// Takes a report from the host.
    pub fn handle_packet(&mut self, report: &Report, now: Instant) {
        self.handle_timeout(now);
        let Packet { channel, payload } = Packet::read(report);
        if channel == HidChannel::BROADCAST {
            return match payload {
                Payload::Initialization { command: HidCommand::Init, length, data } => {
                    self.init(channel, length, data);
                }
                _ => self.error(channel, HidError::InvalidChannel),
            };
        }
        if !self.channels.is_allocated(channel) {
            return self.error(channel, HidError::InvalidChannel);
        }
        match payload {
            Payload::Initialization { command, length, data } => {
                self.initialization(channel, command, length, data, now);
            }
            Payload::Continuation { sequence, data } => {
                self.continuation(channel, sequence, data, now);
            }
        }
    }

    /// Takes the response to the request of a channel: a status byte and CBOR, or an APDU's answer.
    /// That of a request which was given up meanwhile goes nowhere.
    pub fn handle_response(&mut self, channel: HidChannel, response: &[u8], now: Instant) {
        self.handle_timeout(now);
        if self.abandoned {
            self.abandoned = false;
            return;
        }
        match self.state {
            State::Running { channel: running, command, .. } if running == channel => {
                self.state = State::Idle;
                if response.len() > MAX_MESSAGE {
                    let error = HidError::Other.to_u8();
                    self.tell(To::Requester, channel, HidCommand::Error, &[error]);
                } else {
                    self.outgoing.begin(channel, command, response);
                }
            }
            _ => {}
        }
    }

    /// Takes what the authenticator is waiting for. A change is told to the host at once, and the
    /// same again from time to time without being asked.
    pub fn handle_keepalive(&mut self, channel: HidChannel, status: KeepaliveStatus, now: Instant) {
        self.handle_timeout(now);
        if let State::Running { channel: running, status: known, keepalive: Some(due), .. } =
            &mut self.state
            && *running == channel
            && *known != status
            && !self.abandoned
        {
            *known = status;
            *due = now;
            self.keep_alive(now);
        }
    }

    /// The device was unplugged and plugged in again: channels, lock and everything under way are
    /// gone. A channel from before is not allocated again as long as there are others, so that
    /// nobody else gets what its owner still sends.
    pub fn handle_power_cycle(&mut self) {
        self.give_up();
        self.outgoing.abort();
        self.short.clear();
        self.lock = None;
        self.channels.reset();
    }

    /// Whoever has this channel is gone, by a connection that closed, say: what it was sending, its
    /// request and what it is still to be sent are given up. The request ends as by
    /// [`handle_packet`](Self::handle_packet) of a CANCEL; its response is still to be handed in,
    /// and goes nowhere. The channel stays allocated: another connection may go on with it.
    pub fn handle_gone(&mut self, channel: HidChannel) {
        if self.busy() == Some(channel) {
            self.give_up();
            self.outgoing.abort();
        }
    }

    /// Ends the lock, as at its time; whoever set it is gone.
    pub const fn handle_unlock(&mut self) {
        self.lock = None;
    }

    /// Lets the time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.lock.is_some_and(|(_, until)| until <= now) {
            self.lock = None;
        }
        match self.state {
            State::Receiving { channel, deadline: Some(deadline), .. } if deadline <= now => {
                self.state = State::Idle;
                let error = HidError::MessageTimeout.to_u8();
                self.tell(To::Requester, channel, HidCommand::Error, &[error]);
            }
            State::Running { .. } => self.keep_alive(now),
            _ => {}
        }
    }

    /// When to call [`Self::handle_timeout`], if nothing happens before.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Idle => None,
            State::Receiving { deadline, .. } => deadline,
            State::Running { keepalive, .. } => keepalive,
        }
    }

    /// The next thing to do, if there is one.
    pub fn poll_output(&mut self) -> Option<HidDeviceOutput<'_>> {
        if let Some((to, report)) = self.short.pop_front() {
            return Some(HidDeviceOutput::Send { to, report });
        }
        if let Some(report) = self.outgoing.next() {
            return Some(HidDeviceOutput::Send { to: To::Requester, report });
        }
        Some(match self.signals.pop_front()? {
            Signal::Request { channel, command: HidCommand::Msg } => {
                HidDeviceOutput::Msg { channel, request: self.incoming.message() }
            }
            Signal::Request { channel, .. } => {
                HidDeviceOutput::Cbor { channel, request: self.incoming.message() }
            }
            Signal::Cancel(channel) => HidDeviceOutput::Cancel { channel },
            Signal::Wink(channel) => HidDeviceOutput::Wink { channel },
        })
    }

    /// The channel whose message is coming in, under way or going out, if there is one.
    #[must_use]
    pub fn busy(&self) -> Option<HidChannel> {
        match self.state {
            State::Receiving { channel, .. } | State::Running { channel, .. } => Some(channel),
            State::Idle => self.outgoing.channel(),
        }
    }

    /// The channel that keeps all others out, if there is one.
    #[must_use]
    pub fn locked(&self) -> Option<HidChannel> {
        self.lock.map(|(owner, _)| owner)
    }

    fn initialization(
        &mut self,
        channel: HidChannel,
        command: HidCommand,
        length: u16,
        data: &[u8],
        now: Instant,
    ) {
        match command {
            HidCommand::Init => return self.init(channel, length, data),
            HidCommand::Cancel => return self.cancel(channel),
            _ => {}
        }
        if self.is_locked_out(channel) {
            return self.error(channel, HidError::ChannelBusy);
        }
        match (self.busy(), self.state) {
            // A message that does not end is given up for another one, but that one is out of
            // order.
            (Some(busy), State::Receiving { .. }) if busy == channel => {
                self.state = State::Idle;
                return self.error(channel, HidError::InvalidSequence);
            }
            (Some(_), _) => return self.error(channel, HidError::ChannelBusy),
            (None, _) => {}
        }
        if let Err(error) = self.check(command, length) {
            return self.error(channel, error);
        }
        if self.incoming.begin(length, data) {
            self.carry_out(channel, command, now);
        } else {
            let deadline = now.checked_add(self.config.message_timeout);
            self.state = State::Receiving { channel, command, deadline };
        }
    }

    fn continuation(&mut self, channel: HidChannel, sequence: u8, data: &[u8], now: Instant) {
        match self.state {
            State::Receiving { channel: receiving, command, .. } if receiving == channel => {
                match self.incoming.go_on(sequence, data) {
                    Ok(true) => self.carry_out(channel, command, now),
                    Ok(false) => {
                        let deadline = now.checked_add(self.config.message_timeout);
                        self.state = State::Receiving { channel, command, deadline };
                    }
                    Err(_) => {
                        self.state = State::Idle;
                        self.error(channel, HidError::InvalidSequence);
                    }
                }
            }
            // Stray: of a message that was refused, say.
            _ => {}
        }
    }

    /// Whether a message of this kind and length is to be had at all.
    fn check(&self, command: HidCommand, length: u16) -> Result<(), HidError> {
        let can = |capability| self.config.capabilities.contains(capability);
        let lengths = match command {
            HidCommand::Ping => 0..=MAX_MESSAGE,
            HidCommand::Cbor if can(Capabilities::CBOR) => 1..=MAX_MESSAGE,
            HidCommand::Msg if !can(Capabilities::NMSG) => 1..=MAX_MESSAGE,
            HidCommand::Wink if can(Capabilities::WINK) => 0..=0,
            HidCommand::Lock => 1..=1,
            _ => return Err(HidError::InvalidCommand),
        };
        if lengths.contains(&length.into()) { Ok(()) } else { Err(HidError::InvalidLength) }
    }

    /// Does what the message that has come in asks for.
    fn carry_out(&mut self, channel: HidChannel, command: HidCommand, now: Instant) {
        self.state = State::Idle;
        match command {
            HidCommand::Ping => self.outgoing.begin(channel, command, self.incoming.message()),
            HidCommand::Wink => {
                self.signals.push_back(Signal::Wink(channel));
                self.answer(channel, command, &[]);
            }
            HidCommand::Lock => self.set_lock(channel, now),
            // The authenticator has not let go of the request before.
            _ if self.abandoned => self.error(channel, HidError::ChannelBusy),
            _ => {
                let keeps_alive = command == HidCommand::Cbor;
                self.state = State::Running {
                    channel,
                    command,
                    status: KeepaliveStatus::Processing,
                    keepalive: now
                        .checked_add(self.config.keepalive_interval)
                        .filter(|_| keeps_alive),
                    cancelled: false,
                };
                self.signals.push_back(Signal::Request { channel, command });
            }
        }
    }

    /// A channel for whoever asks on the broadcast channel; a fresh start for whoever has one.
    fn init(&mut self, channel: HidChannel, length: u16, data: &[u8]) {
        if self.is_locked_out(channel) {
            return self.error(channel, HidError::ChannelBusy);
        }
        if length != 8 {
            return self.error(channel, HidError::InvalidLength);
        }
        let Some(nonce) = data.first_chunk::<8>() else { return };
        let allocated = if channel == HidChannel::BROADCAST {
            match self.channels.allocate() {
                Some(allocated) => allocated,
                None => return self.error(channel, HidError::ChannelBusy),
            }
        } else {
            if self.busy() == Some(channel) {
                self.give_up();
                self.outgoing.abort();
            }
            channel
        };
        let response = InitResponse {
            nonce: *nonce,
            channel: allocated,
            protocol: PROTOCOL,
            version: self.config.version,
            capabilities: self.config.capabilities,
        };
        self.answer(channel, HidCommand::Init, &response.encode());
    }

    fn cancel(&mut self, channel: HidChannel) {
        if let State::Running { channel: running, command: HidCommand::Cbor, cancelled, .. } =
            &mut self.state
            && *running == channel
            && !*cancelled
        {
            *cancelled = true;
            self.signals.push_back(Signal::Cancel(channel));
        }
    }

    fn set_lock(&mut self, channel: HidChannel, now: Instant) {
        match self.incoming.message() {
            [0] => self.lock = None,
            &[seconds] if seconds <= MAX_LOCK => {
                let until = now.checked_add(Duration::from_secs(seconds.into()));
                self.lock = until.map(|until| (channel, until));
            }
            _ => return self.error(channel, HidError::InvalidParameter),
        }
        self.answer(channel, HidCommand::Lock, &[]);
    }

    /// Forgets the message or the request under way. The response to a request that the
    /// authenticator knows of is still to come.
    fn give_up(&mut self) {
        if let State::Running { channel, cancelled, .. } = self.state {
            let is_request = |signal: &Signal| matches!(signal, Signal::Request { .. });
            if self.signals.iter().any(is_request) {
                // Nobody has seen the request yet, and nobody has to.
                self.signals.retain(|signal| matches!(signal, Signal::Wink(_)));
            } else {
                self.abandoned = true;
                if !cancelled {
                    self.signals.push_back(Signal::Cancel(channel));
                }
            }
        }
        self.state = State::Idle;
    }

    /// Tells the host that its request is under way, when that is due.
    fn keep_alive(&mut self, now: Instant) {
        let next = now.checked_add(self.config.keepalive_interval);
        if let State::Running { channel, status, keepalive, .. } = &mut self.state
            && keepalive.is_some_and(|due| due <= now)
        {
            *keepalive = next;
            let (channel, status) = (*channel, *status);
            self.tell(To::Requester, channel, HidCommand::Keepalive, &[status.to_u8()]);
        }
    }

    fn is_locked_out(&self, channel: HidChannel) -> bool {
        self.lock.is_some_and(|(owner, _)| owner != channel)
    }

    fn error(&mut self, channel: HidChannel, error: HidError) {
        self.answer(channel, HidCommand::Error, &[error.to_u8()]);
    }

    /// Answers the packet that came last, in one packet.
    fn answer(&mut self, channel: HidChannel, command: HidCommand, payload: &[u8]) {
        self.tell(To::LastSender, channel, command, payload);
    }

    fn tell(&mut self, to: To, channel: HidChannel, command: HidCommand, payload: &[u8]) {
        let (report, _) = first(channel, command, payload);
        self.short.push_back((to, report));
    }
}
