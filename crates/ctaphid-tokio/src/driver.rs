//! The loop: reports, answers, finished work and the time go into the two machines, and what comes
//! out is carried out.

use std::{collections::VecDeque, convert::Infallible, pin::pin, time::Instant};

use tokio::{sync::mpsc, time::sleep_until};
use towline_authenticator::{Authenticator, ChannelId, Event, KeepAliveStatus};
use towline_ctap::{
    Transport, Version,
    hid::{
        self, Capabilities, Channel, DeviceConfig, DeviceOutput, HidCommand, KeepaliveStatus,
        Packet, Payload, Report,
    },
};
use towline_device::{Ask, Delivery, Device, Simulated};

use crate::{
    Person, Presence,
    control::{self, CONTROL_CHANNEL, POWER_CYCLE},
    reports::{QUEUE, Received, Reports, Source},
};

/// A security key: one authenticator, which any number of doors lead to.
///
/// Every door, and every connection of one, is a handle to the same device: channels and state are
/// shared, and opening one changes nothing. One that closes while its request is under way cancels
/// that: nobody would learn of the answer.
#[derive(Debug)]
pub struct SecurityKey {
    inbox: mpsc::Receiver<Received>,
    reports: Reports,
}

impl Default for SecurityKey {
    fn default() -> Self {
        Self::new()
    }
}

impl SecurityKey {
    /// A key that has no door yet.
    #[must_use]
    pub fn new() -> Self {
        let (sender, inbox) = mpsc::channel(QUEUE);
        Self { inbox, reports: Reports(sender) }
    }

    /// What a door needs.
    #[must_use]
    pub fn reports(&self) -> Reports {
        self.reports.clone()
    }

    /// Serves, until the future is dropped. That it starts is a power-up of the authenticator; what
    /// came before waits.
    pub async fn run<P: Person>(
        mut self,
        authenticator: Authenticator,
        presence: Presence<P>,
    ) -> Infallible {
        let simulated = matches!(presence, Presence::Simulated(_));
        let (Presence::Ask(person) | Presence::Simulated(person)) = presence;
        Driver::new(authenticator, simulated).run(&mut self.inbox, person).await
    }
}

/// One key: its channels, its authenticator, and whose request is under way.
struct Driver {
    device: Device<Front>,
    hid: hid::Device,
    /// What the authenticator has for the person.
    desk: mpsc::UnboundedReceiver<ForPerson>,
    /// Where the answers to the request under way go.
    requester: Option<Source>,
    /// Who keeps all others out, if anybody does.
    locker: Option<Source>,
    /// How simulated presence answers.
    simulated: Option<towline_device::Presence>,
    /// Questions that came while another one was open.
    asks: VecDeque<Ask>,
    /// What the person gets to know as soon as they are not busy with a question.
    notices: VecDeque<Notice>,
}

/// What the authenticator has for the person.
enum ForPerson {
    Ask(Ask),
    Notice(Notice),
}

#[derive(Debug, PartialEq, Eq)]
enum Notice {
    Event(Event),
    Wink,
}

/// Hands on what is for the person, who may take their time; where presence is simulated, what is
/// asked is answered here.
struct Front {
    desk: mpsc::UnboundedSender<ForPerson>,
    simulated: Option<Simulated<towline_device::Nobody>>,
}

impl towline_device::Person for Front {
    fn ask(&mut self, ask: Ask) {
        match &mut self.simulated {
            Some(simulated) => simulated.ask(ask),
            // The driver has both ends.
            None => drop(self.desk.send(ForPerson::Ask(ask))),
        }
    }

    fn notice(&mut self, event: &Event) {
        drop(self.desk.send(ForPerson::Notice(Notice::Event(event.clone()))));
    }

    fn wink(&mut self) {
        drop(self.desk.send(ForPerson::Notice(Notice::Wink)));
    }
}

/// How many notices wait while a question is open; then the oldest are lost. A touch for U2F is
/// asked for beside requests, so that a client can go on meanwhile for as long as it likes.
const NOTICES: usize = 64;

/// Keeps a notice until the person has time for it.
fn keep(notices: &mut VecDeque<Notice>, notice: Notice) {
    // Who looks for a key looks for it once.
    if notice == Notice::Wink && notices.contains(&notice) {
        return;
    }
    if notices.len() >= NOTICES {
        notices.pop_front();
    }
    notices.push_back(notice);
}

enum Happened {
    Received(Received),
    Delivered(Delivery),
    ForPerson(ForPerson),
    /// It is time for something, or somebody is gone.
    Time,
}

impl Driver {
    fn new(authenticator: Authenticator, simulated: bool) -> Self {
        let mut config = DeviceConfig::default();
        config.never = Some(Channel(CONTROL_CHANNEL));
        if authenticator.config().identity.versions.contains(&Version::U2fV2) {
            config.capabilities = Capabilities::CBOR.with(Capabilities::WINK);
        }
        let (sender, desk) = mpsc::unbounded_channel();
        let simulated = simulated.then(|| Simulated::new(towline_device::Nobody));
        let presence = simulated.as_ref().map(Simulated::presence);
        Self {
            device: Device::new(authenticator, Front { desk: sender, simulated }),
            hid: hid::Device::new(config),
            desk,
            requester: None,
            locker: None,
            simulated: presence,
            asks: VecDeque::new(),
            notices: VecDeque::new(),
        }
    }

    async fn run(
        mut self,
        inbox: &mut mpsc::Receiver<Received>,
        mut person: impl Person,
    ) -> Infallible {
        self.device.power_up();
        loop {
            for notice in self.notices.drain(..) {
                match notice {
                    Notice::Event(event) => person.notice(&event),
                    Notice::Wink => person.wink(),
                }
            }
            match self.asks.pop_front() {
                Some(ask) => self.ask(inbox, &mut person, ask).await,
                None => {
                    let happened = self.event(inbox).await;
                    self.handle(happened);
                }
            }
        }
    }

    /// Puts the question to the person until it is answered or withdrawn; everything else goes on
    /// meanwhile.
    async fn ask(
        &mut self,
        inbox: &mut mpsc::Receiver<Received>,
        person: &mut impl Person,
        mut ask: Ask,
    ) {
        let question = ask.question().clone();
        let mut answer = pin!(person.answer(&question));
        loop {
            tokio::select! {
                biased;
                () = ask.withdrawn() => return,
                happened = self.event(inbox) => self.handle(happened),
                answer = &mut answer => {
                    // What nobody waits for any more is not agreed to, however close the two came.
                    self.hang_up();
                    return ask.answer(answer);
                }
            }
        }
    }

    /// Waits for something to happen. Nothing is lost when the future is dropped.
    async fn event(&mut self, inbox: &mut mpsc::Receiver<Received>) -> Happened {
        let timeout = self.hid.poll_timeout();
        tokio::select! {
            biased;
            () = ended(self.requester.as_ref()) => Happened::Time,
            () = ended(self.locker.as_ref()) => Happened::Time,
            delivery = self.device.next() => Happened::Delivered(delivery),
            Some(item) = self.desk.recv() => Happened::ForPerson(item),
            Some(received) = inbox.recv() => Happened::Received(received),
            () = at(timeout) => Happened::Time,
        }
    }

    fn handle(&mut self, happened: Happened) {
        self.hang_up();
        self.hid.handle_timeout(now());
        self.drain(None);
        match happened {
            Happened::Received(received) => self.receive(received),
            Happened::Delivered(delivery) => self.deliver(delivery),
            Happened::ForPerson(ForPerson::Ask(ask)) => self.asks.push_back(ask),
            Happened::ForPerson(ForPerson::Notice(notice)) => keep(&mut self.notices, notice),
            Happened::Time => {}
        }
    }

    /// Lets go of what belongs to somebody who is gone: their request, the question for it, their
    /// lock.
    fn hang_up(&mut self) {
        if self.locker.take_if(|locker| locker.has_ended()).is_some() {
            self.hid.handle_unlock();
        }
        if self.requester.take_if(|requester| requester.has_ended()).is_some()
            && let Some(channel) = self.hid.busy()
        {
            tracing::debug!("whoever asked is gone: the request is cancelled");
            self.hid.handle_gone(channel);
            self.drain(None);
        }
    }

    fn receive(&mut self, Received { report, source }: Received) {
        if let Some(simulated) = &self.simulated {
            if report == POWER_CYCLE {
                tracing::info!("power cycle");
                self.hid.handle_power_cycle();
                return self.device.power_up();
            }
            if control::is_control(&report) {
                if let Some(touch) = control::command(&report) {
                    simulated.set(touch);
                    source.send(report);
                }
                return;
            }
        }
        let (before, locked) = (self.hid.busy(), self.hid.locked());
        self.hid.handle_packet(&report, now());
        let after = self.hid.busy();
        if after.is_some() && after != before {
            self.requester = Some(source.clone());
        }
        match self.hid.locked() {
            None => self.locker = None,
            now if now != locked => self.locker = Some(source.clone()),
            _ => {}
        }
        self.drain(Some(&source));
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            // Said at once, also by authenticators that have no keepalives of their own.
            Delivery::Asked => {
                if let Some(channel) = self.hid.busy() {
                    self.hid.handle_keepalive(channel, KeepaliveStatus::UpNeeded, now());
                }
            }
            Delivery::Status { channel, status } => {
                let status = match status {
                    KeepAliveStatus::Processing => KeepaliveStatus::Processing,
                    KeepAliveStatus::UpNeeded => KeepaliveStatus::UpNeeded,
                };
                self.hid.handle_keepalive(hid_channel(channel), status, now());
            }
            Delivery::Response { channel, bytes } => {
                self.hid.handle_response(hid_channel(channel), &bytes, now());
            }
            // Not printed: it may hold what is nobody's business.
            _ => tracing::warn!("a delivery that is not known here"),
        }
        self.drain(None);
    }

    /// Carries out what CTAPHID wants, until it wants nothing more. `source` is where the report
    /// came from that it reacts to, if it was one.
    fn drain(&mut self, source: Option<&Source>) {
        while let Some(output) = self.hid.poll_output() {
            match output {
                DeviceOutput::Send(report) => {
                    let of_request = is_of_request(&report);
                    let direct = source.filter(|_| !of_request);
                    if let Some(target) = direct.or(self.requester.as_ref()) {
                        target.send(report);
                    }
                }
                // CTAPHID is how USB carries CTAP; whoever asks here can't tell the difference.
                DeviceOutput::Cbor { channel, request } => {
                    self.device.request(Transport::Usb, channel_id(channel), request);
                }
                DeviceOutput::Msg { channel, request } => {
                    self.device.u2f(channel_id(channel), request);
                }
                DeviceOutput::Cancel { channel } => self.device.cancel(channel_id(channel)),
                DeviceOutput::Wink { .. } => self.device.wink(),
            }
        }
    }
}

/// Whether a report belongs to the request under way; otherwise it answers the very report that
/// came last.
fn is_of_request(report: &Report) -> bool {
    match Packet::read(report).payload {
        Payload::Continuation { .. } => true,
        Payload::Initialization { command, .. } => matches!(
            command,
            HidCommand::Cbor | HidCommand::Msg | HidCommand::Ping | HidCommand::Keepalive
        ),
    }
}

fn channel_id(channel: Channel) -> ChannelId {
    ChannelId(channel.0.into())
}

/// The channel of an id that [`channel_id`] made.
fn hid_channel(channel: ChannelId) -> Channel {
    Channel(u32::try_from(channel.0).unwrap_or_default())
}

/// Waits for the end of a source; without one, for ever.
async fn ended(source: Option<&Source>) {
    match source {
        Some(source) => source.ended().await,
        None => std::future::pending().await,
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn at(instant: Option<Instant>) {
    match instant {
        // Timers are rounded up to a millisecond, which is much longer than a ceremony.
        Some(instant) if instant <= now() => {}
        Some(instant) => sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_busy_person_is_told_later_has_an_end() {
        let mut notices = VecDeque::new();
        for _ in 0..1000 {
            keep(&mut notices, Notice::Wink);
        }
        assert_eq!(notices, [Notice::Wink]);
        for _ in 0..1000 {
            keep(&mut notices, Notice::Event(Event::PinChanged));
        }
        keep(&mut notices, Notice::Event(Event::Reset));
        assert_eq!(notices.len(), NOTICES);
        assert_eq!(notices.back(), Some(&Notice::Event(Event::Reset)), "the newest stay");
    }
}
