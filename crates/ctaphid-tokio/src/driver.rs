//! The loop: reports, answers, finished work and the time go into the two machines, and what comes out is carried out.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    pin::pin,
    time::Instant,
};

use tokio::{
    sync::mpsc,
    task::{Id, JoinError, JoinSet},
    time::sleep_until,
};
use towline_authenticator::{
    Answer, Authenticator, ChannelId, Event, JobDone, KeepAliveStatus, Output, Question, Token,
};
use towline_ctap::{
    Transport, Version,
    hid::{
        Capabilities, Channel, Device, DeviceConfig, DeviceOutput, HidCommand, KeepaliveStatus,
        Packet, Payload, Report,
    },
};
use towline_device::unix_time;

use crate::{
    Person, Presence,
    control::{self, CONTROL_CHANNEL, POWER_CYCLE},
    presence::{Said, Simulation},
    reports::{QUEUE, Received, Reports, Source},
};

/// A security key: one authenticator, which any number of doors lead to.
///
/// Every door, and every connection of one, is a handle to the same device: channels and state are shared, and opening one
/// changes nothing. One that closes while its request is under way cancels that: nobody would learn of the answer.
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

    /// Serves, until the future is dropped. That it starts is a power-up of the authenticator; what came before waits.
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

/// One device: its channels, its authenticator, and whose request is under way.
struct Driver {
    authenticator: Authenticator,
    device: Device,
    /// Where the answers to the request under way go.
    requester: Option<Source>,
    /// Who keeps all others out, if anybody does.
    locker: Option<Source>,
    simulation: Option<Simulation>,
    open: Option<(Token, Question)>,
    jobs: JoinSet<JobDone>,
    tokens: HashMap<Id, Token>,
    /// What the person gets to know as soon as they are not busy with a question.
    notices: VecDeque<Notice>,
}

#[derive(Debug, PartialEq, Eq)]
enum Notice {
    Event(Event),
    Wink,
}

/// How many notices wait while a question is open; then the oldest are lost. A touch for U2F is asked for beside requests, so
/// that a client can go on meanwhile for as long as it likes.
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
    Done(Result<(Id, JobDone), JoinError>),
    /// It is time for something, or somebody is gone.
    Time,
}

impl Driver {
    fn new(authenticator: Authenticator, simulated: bool) -> Self {
        let mut config = DeviceConfig::default();
        config.never = Some(Channel(CONTROL_CHANNEL));
        if authenticator.config().versions.contains(&Version::U2fV2) {
            config.capabilities = Capabilities::CBOR.with(Capabilities::WINK);
        }
        Self {
            authenticator,
            device: Device::new(config),
            requester: None,
            locker: None,
            simulation: simulated.then(Simulation::default),
            open: None,
            jobs: JoinSet::new(),
            tokens: HashMap::new(),
            notices: VecDeque::new(),
        }
    }

    async fn run(
        mut self,
        inbox: &mut mpsc::Receiver<Received>,
        mut person: impl Person,
    ) -> Infallible {
        self.authenticator.handle_power_up(now());
        self.drain(None);
        loop {
            for notice in self.notices.drain(..) {
                match notice {
                    Notice::Event(event) => person.notice(&event),
                    Notice::Wink => person.wink(),
                }
            }
            match &self.open {
                Some((token, question)) if self.simulation.is_none() => {
                    let (token, question) = (*token, question.clone());
                    self.ask(inbox, &mut person, token, &question).await;
                }
                _ => {
                    let happened = self.event(inbox).await;
                    self.handle(happened);
                }
            }
        }
    }

    /// Puts the question to the person until it is answered or withdrawn; everything else goes on meanwhile.
    async fn ask(
        &mut self,
        inbox: &mut mpsc::Receiver<Received>,
        person: &mut impl Person,
        token: Token,
        question: &Question,
    ) {
        let mut answer = pin!(person.answer(question));
        while self.open.as_ref().is_some_and(|(open, _)| *open == token) {
            tokio::select! {
                answer = &mut answer => {
                    // What nobody waits for any more is not agreed to, however close the two came.
                    self.hang_up();
                    self.answer(token, answer);
                }
                happened = self.event(inbox) => self.handle(happened),
            }
        }
    }

    /// Waits for something to happen. Nothing is lost when the future is dropped.
    async fn event(&mut self, inbox: &mut mpsc::Receiver<Received>) -> Happened {
        let simulated = self.simulation.as_ref().and_then(Simulation::due);
        let timeouts = [self.authenticator.poll_timeout(), self.device.poll_timeout(), simulated];
        tokio::select! {
            Some(received) = inbox.recv() => Happened::Received(received),
            Some(done) = self.jobs.join_next_with_id() => Happened::Done(done),
            () = ended(self.requester.as_ref()) => Happened::Time,
            () = ended(self.locker.as_ref()) => Happened::Time,
            () = at(timeouts.into_iter().flatten().min()) => Happened::Time,
        }
    }

    fn handle(&mut self, happened: Happened) {
        self.hang_up();
        self.time();
        match happened {
            Happened::Received(received) => self.receive(received),
            Happened::Done(done) => {
                let (Ok((id, _)) | Err(id)) =
                    done.as_ref().map(|(id, done)| (*id, done)).map_err(JoinError::id);
                if let Some(token) = self.tokens.remove(&id) {
                    // Unknown is a job that the authenticator has given up meanwhile.
                    let _ = match done {
                        Ok((_, done)) => self.authenticator.handle_work(token, done, now()),
                        Err(_) => self.authenticator.handle_work_lost(token, now()),
                    };
                }
                self.drain(None);
            }
            Happened::Time => {}
        }
    }

    /// Lets go of what belongs to somebody who is gone: their request, the question for it, their lock.
    fn hang_up(&mut self) {
        if self.locker.take_if(|locker| locker.has_ended()).is_some() {
            self.device.handle_unlock();
        }
        if self.requester.take_if(|requester| requester.has_ended()).is_some()
            && let Some(channel) = self.device.busy()
        {
            tracing::debug!("whoever asked is gone: the request is cancelled");
            self.device.handle_gone(channel);
            self.drain(None);
        }
    }

    /// Lets the time pass, for everybody.
    fn time(&mut self) {
        let now = now();
        self.device.handle_timeout(now);
        if self.authenticator.poll_timeout().is_some_and(|due| due <= now) {
            self.authenticator.handle_timeout(now);
        }
        self.drain(None);
        let said = self.simulation.as_mut().and_then(|simulation| simulation.take(now));
        if let (Some(said), Some((token, question))) = (said, &self.open) {
            let answer = match said {
                Said::Yes => question.simulated_agreement(),
                Said::No => Answer::Deny,
            };
            self.answer(*token, answer);
        }
    }

    fn receive(&mut self, Received { report, source }: Received) {
        if let Some(simulation) = &mut self.simulation {
            if report == POWER_CYCLE {
                return self.power_cycle();
            }
            if control::is_control(&report) {
                if let Some(touch) = control::command(&report) {
                    simulation.set(touch);
                    source.send(report);
                }
                return;
            }
        }
        let (before, locked) = (self.device.busy(), self.device.locked());
        self.device.handle_packet(&report, now());
        let after = self.device.busy();
        if after.is_some() && after != before {
            self.requester = Some(source.clone());
        }
        match self.device.locked() {
            None => self.locker = None,
            now if now != locked => self.locker = Some(source.clone()),
            _ => {}
        }
        self.drain(Some(&source));
    }

    fn power_cycle(&mut self) {
        tracing::info!("power cycle");
        self.device.handle_power_cycle();
        self.authenticator.handle_power_up(now());
        self.drain(None);
    }

    /// Takes the answer to a question, if it is still open.
    fn answer(&mut self, token: Token, answer: Answer) {
        if self.open.take_if(|(open, _)| *open == token).is_none() {
            return;
        }
        if self.authenticator.handle_answer(token, answer, now()).is_err() {
            tracing::warn!("the answer does not fit the question; taken as a no");
            // The question was open a moment ago, and a no fits every question.
            let _ = self.authenticator.handle_answer(token, Answer::Deny, now());
        }
        self.drain(None);
    }

    /// Carries out what the machines want, until they want nothing more. `source` is where the report came from that they
    /// react to, if it was one.
    fn drain(&mut self, source: Option<&Source>) {
        loop {
            self.drain_device(source);
            let Some(output) = self.authenticator.poll_output() else { return };
            match output {
                Output::Ask { token, question } => {
                    self.open = Some((token, question));
                    if let Some(simulation) = &mut self.simulation {
                        simulation.ask(now());
                    }
                    // Said at once, also by authenticators that have no keepalives of their own.
                    if let Some(channel) = self.device.busy() {
                        self.device.handle_keepalive(channel, KeepaliveStatus::UpNeeded, now());
                    }
                }
                Output::Withdraw { token } => {
                    self.open.take_if(|(open, _)| *open == token);
                    if let Some(simulation) = &mut self.simulation {
                        simulation.withdraw();
                    }
                }
                Output::Work { token, job } => {
                    let task = self.jobs.spawn_blocking(move || job.run());
                    self.tokens.insert(task.id(), token);
                }
                Output::KeepAlive { channel, status } => {
                    let status = match status {
                        KeepAliveStatus::Processing => KeepaliveStatus::Processing,
                        KeepAliveStatus::UpNeeded => KeepaliveStatus::UpNeeded,
                    };
                    self.device.handle_keepalive(hid_channel(channel), status, now());
                }
                Output::Response { channel, bytes } => {
                    self.device.handle_response(hid_channel(channel), &bytes, now());
                }
                Output::Event(event) => keep(&mut self.notices, Notice::Event(event)),
                // Not printed: it may hold what is nobody's business.
                _ => tracing::warn!("an output that is not known here"),
            }
        }
    }

    fn drain_device(&mut self, source: Option<&Source>) {
        while let Some(output) = self.device.poll_output() {
            match output {
                DeviceOutput::Send(report) => {
                    let of_request = is_of_request(&report);
                    let direct = source.filter(|_| !of_request);
                    if let Some(target) = direct.or(self.requester.as_ref()) {
                        target.send(report);
                    }
                }
                DeviceOutput::Cbor { channel, request } => {
                    // CTAPHID is how USB carries CTAP; whoever asks here can't tell the difference.
                    let channel = channel_id(channel);
                    self.authenticator.handle_unix_time(unix_time());
                    self.authenticator.handle_request_over(Transport::Usb, channel, request, now());
                }
                DeviceOutput::Msg { channel, request } => {
                    self.authenticator.handle_unix_time(unix_time());
                    self.authenticator.handle_u2f(channel_id(channel), request, now());
                }
                DeviceOutput::Cancel { channel } => {
                    self.authenticator.handle_cancel(channel_id(channel), now());
                }
                DeviceOutput::Wink { .. } => keep(&mut self.notices, Notice::Wink),
            }
        }
    }
}

/// Whether a report belongs to the request under way; otherwise it answers the very report that came last.
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
