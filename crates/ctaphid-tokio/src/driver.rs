//! The loop: reports, answers, finished work and the time go into the two machines, and what comes
//! out is carried out.

use std::{convert::Infallible, time::Instant};

use tokio::{sync::mpsc, time::sleep_until};
use towline_authenticator::{Authenticator, ChannelId};
use towline_ctap::{
    Transport, Version,
    hid::{Capabilities, HidChannel, HidDevice, HidDeviceConfig, HidDeviceOutput, To},
};
use towline_device::{Delivery, Device, Person, Presence, Simulated};

use crate::{
    control::{self, CONTROL_CHANNEL, POWER_CYCLE},
    reports::{QUEUE, Received, ReportSource, Reports},
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
    /// came before waits. Control reports and power cycles are not understood.
    pub async fn run(self, authenticator: Authenticator, person: impl Person) -> Infallible {
        self.serve(authenticator, person, None).await
    }

    /// The same, with simulated presence, and verification if there is any: it is given at once,
    /// unless a control report says otherwise. Whoever can reach a door gets what it asks for.
    /// `watcher` is only told what happens.
    pub async fn run_simulated(
        self,
        authenticator: Authenticator,
        watcher: impl Person,
    ) -> Infallible {
        let person = Simulated::new(watcher);
        let presence = person.presence();
        self.serve(authenticator, person, Some(presence)).await
    }

    async fn serve<P: Person>(
        mut self,
        authenticator: Authenticator,
        person: P,
        simulated: Option<Presence>,
    ) -> Infallible {
        Driver::new(authenticator, person, simulated).run(&mut self.inbox).await
    }
}

/// One key: its channels, its authenticator, and whose request is under way.
struct Driver<P> {
    device: Device<P>,
    hid: HidDevice,
    /// Where the last report came from.
    sender: Option<ReportSource>,
    /// Where the message came from that makes the device busy.
    requester: Option<ReportSource>,
    /// Who keeps all others out, if anybody does.
    locker: Option<ReportSource>,
    /// How simulated presence answers.
    simulated: Option<Presence>,
}

enum Happened {
    Received(Received),
    Delivered(Delivery),
    /// It is time for something, or somebody is gone.
    Time,
}

impl<P: Person> Driver<P> {
    fn new(authenticator: Authenticator, person: P, simulated: Option<Presence>) -> Self {
        let mut config = HidDeviceConfig::default();
        config.never = Some(HidChannel(CONTROL_CHANNEL));
        if authenticator.config().identity.versions.contains(&Version::U2fV2) {
            config.capabilities = Capabilities::CBOR.with(Capabilities::WINK);
        }
        Self {
            device: Device::new(authenticator, person),
            hid: HidDevice::new(config),
            sender: None,
            requester: None,
            locker: None,
            simulated,
        }
    }

    async fn run(mut self, inbox: &mut mpsc::Receiver<Received>) -> Infallible {
        self.device.power_up();
        loop {
            let happened = self.event(inbox).await;
            self.handle(happened);
        }
    }

    /// Waits for something to happen. Nothing is lost when the future is dropped.
    async fn event(&mut self, inbox: &mut mpsc::Receiver<Received>) -> Happened {
        let timeout = self.hid.poll_timeout();
        tokio::select! {
            biased;
            // What nobody waits for any more is not agreed to, however close the two came.
            () = ended(self.requester.as_ref()) => Happened::Time,
            () = ended(self.locker.as_ref()) => Happened::Time,
            delivery = self.device.next() => Happened::Delivered(delivery),
            Some(received) = inbox.recv() => Happened::Received(received),
            () = at(timeout) => Happened::Time,
        }
    }

    fn handle(&mut self, happened: Happened) {
        self.hang_up();
        // One time for both: whoever was too slow is told so before somebody else begins.
        let now = now();
        self.hid.handle_timeout(now);
        self.drain();
        match happened {
            Happened::Received(received) => self.receive(received, now),
            Happened::Delivered(delivery) => self.deliver(delivery),
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
            self.drain();
        }
    }

    fn receive(&mut self, Received { report, source }: Received, now: Instant) {
        if let Some(simulated) = &self.simulated {
            if report == POWER_CYCLE {
                tracing::info!("power cycle");
                self.hid.handle_power_cycle();
                self.device.power_up();
                return self.drain();
            }
            if control::is_control(&report) {
                if let Some(touch) = control::command(&report) {
                    simulated.set(touch);
                    source.send(report);
                }
                return;
            }
        }
        self.hid.handle_packet(&report, now);
        // Whoever makes the device busy, or locks it, has it until it is free again.
        if self.hid.busy().is_some() {
            self.requester.get_or_insert_with(|| source.clone());
        }
        if self.hid.locked().is_some() {
            self.locker.get_or_insert_with(|| source.clone());
        }
        self.sender = Some(source);
        self.drain();
    }

    fn deliver(&mut self, delivery: Delivery) {
        match delivery {
            Delivery::Status { channel, status } => {
                self.hid.handle_keepalive(hid_channel(channel), status, now());
            }
            Delivery::Response { channel, bytes } => {
                self.hid.handle_response(hid_channel(channel), &bytes, now());
            }
            // The status of the request says so; what a person is told is no affair of the host.
            Delivery::Asked | Delivery::Told(_) => {}
            // Not printed: it may hold what is nobody's business.
            _ => tracing::warn!("a delivery that is not known here"),
        }
        self.drain();
    }

    /// Carries out what CTAPHID wants, until it wants nothing more.
    fn drain(&mut self) {
        while let Some(output) = self.hid.poll_output() {
            match output {
                HidDeviceOutput::Send { to, report } => {
                    let target = match to {
                        To::LastSender => &self.sender,
                        To::Requester => &self.requester,
                    };
                    if let Some(target) = target {
                        target.send(report);
                    }
                }
                // CTAPHID is how USB carries CTAP; whoever asks here can't tell the difference.
                HidDeviceOutput::Cbor { channel, request } => {
                    self.device.request(Transport::Usb, channel_id(channel), request);
                }
                HidDeviceOutput::Msg { channel, request } => {
                    self.device.u2f(channel_id(channel), request);
                }
                HidDeviceOutput::Cancel { channel } => self.device.cancel(channel_id(channel)),
                HidDeviceOutput::Wink { .. } => self.device.wink(),
            }
        }
        if self.hid.busy().is_none() {
            self.requester = None;
        }
        if self.hid.locked().is_none() {
            self.locker = None;
        }
    }
}

fn channel_id(channel: HidChannel) -> ChannelId {
    ChannelId(channel.0.into())
}

/// The channel of an id that [`channel_id`] made.
fn hid_channel(channel: ChannelId) -> HidChannel {
    HidChannel(u32::try_from(channel.0).unwrap_or_default())
}

/// Waits for the end of a source; without one, for ever.
async fn ended(source: Option<&ReportSource>) {
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
