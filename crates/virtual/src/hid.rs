//! CTAPHID in front of a virtual authenticator, for those who test clients of it.

use std::time::Instant;

use towline_authenticator::ChannelId;
use towline_ctap::{
    Transport,
    hid::{Capabilities, HidChannel, HidDevice, HidDeviceConfig, HidDeviceOutput, Report},
};

use crate::{Direction, VirtualAuthenticator, builder, machine::Said};

/// A door of CTAPHID: reports in, reports out. Nothing waits, and no time passes by itself: move
/// [the clock](VirtualAuthenticator::clock), or let [`advance`](Self::advance) do it.
///
/// ```
/// use towline_ctap::hid::{Host, HostOutput};
/// use towline_virtual::VirtualAuthenticator;
///
/// let key = VirtualAuthenticator::security_key();
/// let (mut hid, mut host) = (key.hid(), Host::new());
/// let mut answer = None;
/// host.open([7; 8], key.clock().now());
/// while answer.is_none() {
///     match host.poll_output() {
///         Some(HostOutput::Send(report)) => hid.send(report),
///         Some(HostOutput::Opened(_)) => host.send_cbor(&[0x04], key.clock().now())?,
///         Some(HostOutput::Message { message, .. }) => answer = Some(message[0]),
///         Some(_) => {}
///         None => match hid.receive() {
///             Some(report) => host.handle_packet(&report, key.clock().now()),
///             None => hid.advance(),
///         },
///     }
/// }
/// assert_eq!(answer, Some(0x00)); // what getInfo answers begins with success
/// # Ok::<(), towline_ctap::hid::SendError>(())
/// ```
#[derive(Debug)]
pub struct Hid {
    device: VirtualAuthenticator,
    hid: HidDevice,
    /// Reports on their way out.
    out: std::collections::VecDeque<Report>,
}

enum Wanted {
    Cbor(HidChannel, Vec<u8>),
    Msg(HidChannel, Vec<u8>),
    Cancel(HidChannel),
}

impl Hid {
    pub(crate) fn new(device: VirtualAuthenticator) -> Self {
        let mut config = HidDeviceConfig::default();
        let mut machine = device.machine();
        machine.tells_status = true;
        if builder::speaks_u2f(machine.config()) {
            config.capabilities = Capabilities::CBOR.with(Capabilities::WINK);
        }
        drop(machine);
        Self { device, hid: HidDevice::new(config), out: std::collections::VecDeque::new() }
    }

    /// Takes a report from the host.
    pub fn send(&mut self, report: Report) {
        for report in self.pass(Direction::In, report) {
            self.hid.handle_packet(&report, self.now());
            self.settle();
        }
    }

    /// The next report for the host, if there is one now.
    pub fn receive(&mut self) -> Option<Report> {
        self.settle();
        self.out.pop_front()
    }

    /// When something happens by itself: a keepalive, the end of a request's patience.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let both = [self.hid.poll_timeout(), self.device.machine().poll_timeout()];
        both.into_iter().flatten().min()
    }

    /// Lets the time pass until something happens by itself, if anything will.
    pub fn advance(&mut self) {
        if let Some(due) = self.poll_timeout() {
            self.device.clock().advance_to(due);
        }
        self.settle();
    }

    /// Unplugs the key and plugs it in again: channels are gone.
    pub fn replug(&mut self) {
        self.hid.handle_power_cycle();
        self.device.replug();
        self.settle();
    }

    fn now(&self) -> Instant {
        self.device.clock().now()
    }

    fn settle(&mut self) {
        self.hid.handle_timeout(self.now());
        loop {
            while let Some(wanted) = self.drain() {
                let mut machine = self.device.machine();
                match wanted {
                    // CTAPHID is how USB carries CTAP.
                    Wanted::Cbor(channel, request) => {
                        machine.request(id(channel), Transport::Usb, &request);
                    }
                    Wanted::Msg(channel, request) => machine.u2f(id(channel), &request),
                    Wanted::Cancel(channel) => machine.cancel(id(channel)),
                }
            }
            let Some(busy) = self.hid.busy() else { return };
            let mut machine = self.device.machine();
            machine.settle();
            let said = machine.take(id(busy));
            drop(machine);
            match said {
                Some(Said::Response(bytes)) => self.hid.handle_response(busy, &bytes, self.now()),
                Some(Said::Status(status)) => {
                    self.hid.handle_keepalive(busy, status, self.now());
                }
                // Somebody pulled it out: the host sees no more of it.
                Some(Said::Gone) => self.hid.handle_power_cycle(),
                None => return,
            }
        }
    }

    /// Sends what is to be sent, up to the next request.
    fn drain(&mut self) -> Option<Wanted> {
        loop {
            let report = match self.hid.poll_output()? {
                HidDeviceOutput::Send { report, .. } => report,
                HidDeviceOutput::Cbor { channel, request } => {
                    return Some(Wanted::Cbor(channel, request.to_vec()));
                }
                HidDeviceOutput::Msg { channel, request } => {
                    return Some(Wanted::Msg(channel, request.to_vec()));
                }
                HidDeviceOutput::Cancel { channel } => return Some(Wanted::Cancel(channel)),
                HidDeviceOutput::Wink { .. } => continue,
            };
            let passed = self.pass(Direction::Out, report);
            self.out.extend(passed);
        }
    }

    fn pass(&self, direction: Direction, report: Report) -> Vec<Report> {
        self.device.meddling().report(direction, report)
    }
}

/// Beside those of other clients.
fn id(channel: HidChannel) -> ChannelId {
    ChannelId((1 << 63) | u64::from(channel.0))
}
