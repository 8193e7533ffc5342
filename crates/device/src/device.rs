//! The actor: the machine on tokio.

use std::{collections::VecDeque, fmt, future::poll_fn};

use tokio::task::{JoinHandle, spawn_blocking};
use towline_authenticator::{Authenticator, ChannelId, Job, JobDone, Token};
use towline_ctap::{Command, Status, Transport};

use crate::{
    Attended, AttendedOutput, Delivery, Person,
    attended::first,
    clock::{at, now, unix_time},
};

/// An authenticator, the person in front of it, its slow work and its clock.
///
/// Requests go in at any time, of any channel; [`next`](Self::next) drives everything and says what
/// came out. Nothing happens while nobody awaits it. It needs tokio with time.
pub struct Device<P = Box<dyn Person>> {
    machine: Attended<P>,
    /// Work that runs, also after the request that wanted it is gone: its result still has to be
    /// handed back.
    jobs: Vec<(Token, JoinHandle<JobDone>)>,
    /// Work that is to be begun.
    work: Vec<(Token, Job)>,
    deliveries: VecDeque<Delivery>,
}

impl<P: Person> Device<P> {
    /// Puts a person in front of an authenticator.
    #[must_use]
    pub const fn new(authenticator: Authenticator, person: P) -> Self {
        let machine = Attended::new(authenticator, person);
        Self { machine, jobs: Vec::new(), work: Vec::new(), deliveries: VecDeque::new() }
    }

    /// The power came (again): what was under way is over, without a response.
    pub fn power_up(&mut self) {
        self.machine.handle_power_up(now());
    }

    /// Takes a CTAP request: a command byte, then its parameters. While another is under way, the
    /// response is `CTAP1_ERR_CHANNEL_BUSY`.
    pub fn request(&mut self, transport: Transport, channel: ChannelId, request: &[u8]) {
        self.machine.handle_request(transport, channel, request, unix_time(), now());
    }

    /// Takes a request of CTAP1/U2F: an APDU.
    pub fn u2f(&mut self, channel: ChannelId, apdu: &[u8]) {
        self.machine.handle_u2f(channel, apdu, unix_time(), now());
    }

    /// Cancels the request of this channel, if there is one. Its response follows all the same.
    pub fn cancel(&mut self, channel: ChannelId) {
        self.machine.handle_cancel(channel, now());
    }

    /// Makes the person notice the device.
    pub fn wink(&mut self) {
        self.machine.person().wink();
    }

    /// Drives everything until something comes out. Cancel-safe: what came out so far is not lost.
    pub async fn next(&mut self) -> Delivery {
        loop {
            self.drain();
            if let Some(delivery) = self.deliveries.pop_front() {
                return delivery;
            }
            self.wait().await;
        }
    }

    /// Carries out one request of one client, who waits for nothing but its response. When the
    /// future is dropped the request is cancelled and its question withdrawn.
    pub async fn transact(
        &mut self,
        transport: Transport,
        channel: ChannelId,
        request: &[u8],
    ) -> Vec<u8> {
        let _nobody_waits = self.call_off(channel).await;
        self.request(transport, channel, request);
        let mut waiting = Waiting { device: self, channel, answered: false };
        loop {
            match waiting.device.next().await {
                Delivery::Response { channel: to, bytes } if to == channel => {
                    waiting.answered = true;
                    return bytes;
                }
                _ => {}
            }
        }
    }

    /// What the authenticator says of itself now: what authenticatorGetInfo answers, without its
    /// status byte.
    ///
    /// # Errors
    /// The status, if it is not [`Status::Ok`].
    pub async fn get_info(
        &mut self,
        transport: Transport,
        channel: ChannelId,
    ) -> Result<Vec<u8>, Status> {
        let request = [Command::GetInfo.to_u8()];
        let mut response = self.transact(transport, channel, &request).await;
        match response.first().copied().map(Status::from_u8) {
            Some(Status::Ok) => Ok(response.split_off(1)),
            Some(status) => Err(status),
            None => Err(Status::Other),
        }
    }

    /// Cancels the request of this channel that is under way, if there is one, and waits for what
    /// can't be cancelled: what is being saved. That is short. Gives the request's response, which
    /// tells whether it was carried out all the same.
    pub async fn call_off(&mut self, channel: ChannelId) -> Option<Vec<u8>> {
        self.cancel(channel);
        self.drain();
        while self.as_authenticator().is_busy() {
            self.wait().await;
            self.drain();
        }
        let mut response = None;
        self.deliveries.retain_mut(|delivery| {
            if delivery.channel().is_some_and(|of| of != channel) {
                return true;
            }
            if let Delivery::Response { bytes, .. } = delivery {
                response = Some(std::mem::take(bytes));
            }
            false
        });
        response
    }

    /// Carries out what the authenticator wants, until it wants nothing more.
    fn drain(&mut self) {
        self.drain_outputs();
        let begun = self.work.drain(..);
        let begun = begun.map(|(token, job)| (token, spawn_blocking(move || job.run())));
        self.jobs.extend(begun);
    }

    /// The same, but no work is begun, which needs a runtime.
    fn drain_outputs(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                AttendedOutput::Delivery(delivery) => self.deliveries.push_back(delivery),
                AttendedOutput::Work { token, job } => self.work.push((token, job)),
            }
        }
    }

    /// Waits for an answer, for work to be done, or for the authenticator's own deadline.
    async fn wait(&mut self) {
        let timeout = self.machine.poll_timeout();
        let (machine, jobs) = (&mut self.machine, &mut self.jobs);
        tokio::select! {
            taken = poll_fn(|context| machine.poll_answer(context, now())) => {
                if taken.is_err() {
                    tracing::warn!("the answer does not fit the question; taken as a no");
                }
            }
            (token, done) = poll_fn(|context| first(jobs, context)) => {
                self.machine.handle_work(token, done.ok(), now());
            }
            () = at(timeout) => self.machine.handle_timeout(now()),
        }
    }
}

impl<P> Device<P> {
    /// The authenticator itself.
    pub const fn authenticator(&mut self) -> &mut Authenticator {
        self.machine.authenticator()
    }

    /// The authenticator itself, to look at.
    pub const fn as_authenticator(&self) -> &Authenticator {
        self.machine.as_authenticator()
    }

    /// The person whom it asks.
    pub const fn person(&mut self) -> &mut P {
        self.machine.person()
    }
}

/// A client who waits for its response. Dropped before that is there, it gives up the request.
struct Waiting<'a, P: Person> {
    device: &'a mut Device<P>,
    channel: ChannelId,
    answered: bool,
}

impl<P: Person> Drop for Waiting<'_, P> {
    fn drop(&mut self) {
        if !self.answered {
            self.device.cancel(self.channel);
            // Work waits for the next call: this may be outside of the runtime.
            self.device.drain_outputs();
        }
    }
}

impl<P> fmt::Debug for Device<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("machine", &self.machine)
            .field("jobs", &self.jobs.len())
            .finish_non_exhaustive()
    }
}
