//! The authenticator as a [`Device`], and its questions on their way to the application's
//! [`Person`].

use std::{pin::pin, time::Duration};

use tokio::sync::mpsc;
use towline_authenticator::{Authenticator, ChannelId, Event};
use towline_ctap::{Command, Status, Transport};
use towline_device::{Ask, Delivery, Device};

use crate::Person;

/// The only channel: whoever owns the driver.
const CHANNEL: ChannelId = ChannelId(0);

/// An authenticator and the person in front of it.
pub(crate) struct Driver<P> {
    device: Device<Outbox>,
    inbox: mpsc::UnboundedReceiver<ForPerson>,
    pub(crate) person: P,
    /// How the requests come.
    transport: Transport,
    /// How long verification stays locked, as the request at hand was told.
    pub(crate) locked_for: Option<Duration>,
}

/// What the authenticator has for the person. Of one request there is never much.
enum ForPerson {
    Ask(Ask),
    Notice(Event),
}

/// Hands on what is asked, since the person may take their time.
struct Outbox(mpsc::UnboundedSender<ForPerson>);

impl towline_device::Person for Outbox {
    fn ask(&mut self, ask: Ask) {
        // The driver has both ends.
        let _ = self.0.send(ForPerson::Ask(ask));
    }

    fn notice(&mut self, event: &Event) {
        let _ = self.0.send(ForPerson::Notice(event.clone()));
    }
}

impl<P: Person> Driver<P> {
    pub(crate) fn new(authenticator: Authenticator, person: P, transport: Transport) -> Self {
        let (outbox, inbox) = mpsc::unbounded_channel();
        let device = Device::new(authenticator, Outbox(outbox));
        Self { device, inbox, person, transport, locked_for: None }
    }

    /// Carries out one request. When the future is dropped, the request is cancelled before the
    /// next one.
    pub(crate) async fn transact(&mut self, request: &[u8]) -> Vec<u8> {
        self.abandon().await;
        self.locked_for = None;
        self.device.request(self.transport.clone(), CHANNEL, request);
        loop {
            let response = tokio::select! {
                biased;
                Some(item) = self.inbox.recv() => self.hand_over(item).await,
                delivery = self.device.next() => response(delivery),
            };
            if let Some(response) = response {
                self.tell_the_rest();
                return response;
            }
        }
    }

    /// What the authenticator says of itself now: what authenticatorGetInfo answers, without its
    /// status byte.
    pub(crate) async fn get_info(&mut self) -> Result<Vec<u8>, Status> {
        let mut response = self.transact(&[Command::GetInfo.to_u8()]).await;
        match response.first().copied().map(Status::from_u8) {
            Some(Status::Ok) => Ok(response.split_off(1)),
            Some(status) => Err(status),
            None => Err(Status::Other),
        }
    }

    /// Cancels a request whose response nobody waits for any more.
    pub(crate) async fn abandon(&mut self) {
        let _nobody_waits = self.call_off().await;
    }

    /// Cancels the request that is under way, and gives its response, if there is one: what could
    /// not be cancelled any more was carried out.
    pub(crate) async fn call_off(&mut self) -> Option<Vec<u8>> {
        let response = self.device.call_off(CHANNEL).await;
        self.tell_the_rest();
        response
    }

    /// Puts a question to the person until it is answered or withdrawn, or tells them what
    /// happened. Gives the response to the request, if it comes meanwhile.
    async fn hand_over(&mut self, item: ForPerson) -> Option<Vec<u8>> {
        let mut ask = match item {
            ForPerson::Ask(ask) => ask,
            ForPerson::Notice(event) => {
                self.notice(&event);
                return None;
            }
        };
        let question = ask.question().clone();
        let mut answer = pin!(self.person.answer(&question));
        loop {
            tokio::select! {
                answer = &mut answer => {
                    ask.answer(answer);
                    return None;
                }
                () = ask.withdrawn() => return None,
                delivery = self.device.next() => {
                    if let Some(response) = response(delivery) {
                        return Some(response);
                    }
                }
            }
        }
    }

    /// What happened is told before the response is given. What was asked is moot by then.
    fn tell_the_rest(&mut self) {
        while let Ok(item) = self.inbox.try_recv() {
            if let ForPerson::Notice(event) = item {
                self.notice(&event);
            }
        }
    }

    fn notice(&mut self, event: &Event) {
        if let Event::VerificationLocked { wait } = event {
            self.locked_for = *wait;
        }
        self.person.notice(event);
    }
}

impl<P> Driver<P> {
    /// The authenticator itself.
    pub(crate) const fn authenticator(&mut self) -> &mut Authenticator {
        self.device.authenticator()
    }

    /// The authenticator itself, to look at.
    pub(crate) const fn as_authenticator(&self) -> &Authenticator {
        self.device.as_authenticator()
    }
}

/// Nobody here needs to know what a request waits for.
fn response(delivery: Delivery) -> Option<Vec<u8>> {
    match delivery {
        Delivery::Response { bytes, .. } => Some(bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use towline_authenticator::{Config, MemoryStore, ResetTime, SoftwareKeys};

    use super::*;
    use crate::Agreeable;

    #[tokio::test]
    async fn the_authenticator_learns_how_a_request_came() {
        for (transport, status) in [(Transport::Internal, 0x00), (Transport::Hybrid, 0x27)] {
            let mut config = Config::phone();
            config.reset.when = ResetTime::Always;
            config.reset.transports = Some(vec![Transport::Internal]);
            let provider = towline_crypto::rustcrypto::provider();
            let keys = SoftwareKeys::new(provider.clone());
            let phone = Authenticator::new(config, provider, MemoryStore::new(), keys).unwrap();
            let mut driver = Driver::new(phone, Agreeable, transport);
            assert_eq!(driver.transact(&[0x07]).await, [status]);
        }
    }
}
