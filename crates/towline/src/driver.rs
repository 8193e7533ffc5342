//! Drives the authenticator: asks the person, runs slow work on a thread of its own, keeps the time.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{
    task::{JoinError, JoinHandle},
    time::sleep_until,
};
use towline_authenticator::{
    Answer, Authenticator, ChannelId, Event, JobDone, Output, Question, Token,
};
use towline_ctap::{Command, Status, Transport};

use crate::Person;

/// The only channel: whoever owns the driver.
const CHANNEL: ChannelId = ChannelId(0);

/// An authenticator and the person in front of it.
pub(crate) struct Driver<P> {
    pub(crate) authenticator: Authenticator,
    pub(crate) person: P,
    /// How the requests come.
    transport: Transport,
    /// Work that runs, also after the request that wanted it is gone: its result still has to be handed back.
    jobs: Vec<(Token, JoinHandle<JobDone>)>,
    /// How long verification stays locked, as the request at hand was told.
    pub(crate) locked_for: Option<Duration>,
}

impl<P: Person> Driver<P> {
    pub(crate) const fn new(authenticator: Authenticator, person: P, transport: Transport) -> Self {
        Self { authenticator, person, transport, jobs: Vec::new(), locked_for: None }
    }

    /// Carries out one request. When the future is dropped, the request is cancelled before the next one.
    pub(crate) async fn transact(&mut self, request: &[u8]) -> Vec<u8> {
        self.abandon().await;
        self.locked_for = None;
        let transport = self.transport.clone();
        self.authenticator.handle_request_over(transport, CHANNEL, request, now());
        loop {
            match self.authenticator.poll_output() {
                Some(Output::Response { bytes, .. }) => return bytes,
                Some(Output::Ask { token, question }) => self.ask(token, &question).await,
                Some(output) => self.act(output),
                None => self.wait().await,
            }
        }
    }

    /// What the authenticator says of itself now: what authenticatorGetInfo answers, without its status byte.
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

    /// Cancels the request that is under way, and gives its response, if there is one: what could not be cancelled any more
    /// was carried out.
    pub(crate) async fn call_off(&mut self) -> Option<Vec<u8>> {
        self.authenticator.handle_cancel(CHANNEL, now());
        let mut response = None;
        loop {
            while let Some(output) = self.authenticator.poll_output() {
                match output {
                    Output::Response { bytes, .. } => response = Some(bytes),
                    output => self.act(output),
                }
            }
            // What is being saved can't be cancelled; it is short.
            if !self.authenticator.is_busy() {
                return response;
            }
            self.wait().await;
        }
    }

    /// Puts the question to the person until it is answered or withdrawn.
    async fn ask(&mut self, token: Token, question: &Question) {
        let mut answer = pin!(self.person.answer(question));
        loop {
            let timeout = self.authenticator.poll_timeout();
            tokio::select! {
                answer = &mut answer => {
                    if self.authenticator.handle_answer(token, answer, now()).is_err() {
                        tracing::warn!("the answer does not fit the question; taken as a no");
                        // The question was open a moment ago, and a no fits every question.
                        let _ = self.authenticator.handle_answer(token, Answer::Deny, now());
                    }
                    return;
                }
                () = at(timeout) => {
                    self.authenticator.handle_timeout(now());
                    // While a question is open there are only keepalives, which nobody needs here, and its withdrawal.
                    while let Some(output) = self.authenticator.poll_output() {
                        if matches!(output, Output::Withdraw { token: withdrawn } if withdrawn == token) {
                            return;
                        }
                    }
                }
            }
        }
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Work { token, job } => {
                self.jobs.push((token, tokio::task::spawn_blocking(move || job.run())));
            }
            Output::Event(event) => {
                if let Event::VerificationLocked { wait } = &event {
                    self.locked_for = *wait;
                }
                self.person.notice(&event);
            }
            _ => {}
        }
    }

    /// Waits for work to be done, or for the authenticator's own deadline.
    async fn wait(&mut self) {
        let timeout = self.authenticator.poll_timeout();
        tokio::select! {
            (token, done) = done(&mut self.jobs) => {
                // Unknown is a job that the authenticator has given up meanwhile.
                let _ = match done {
                    Ok(done) => self.authenticator.handle_work(token, done, now()),
                    Err(_) => self.authenticator.handle_work_lost(token, now()),
                };
            }
            () = at(timeout) => self.authenticator.handle_timeout(now()),
        }
    }
}

/// Whichever job is done first: one that hangs keeps no other waiting. Without jobs it waits for ever.
async fn done(jobs: &mut Vec<(Token, JoinHandle<JobDone>)>) -> (Token, Result<JobDone, JoinError>) {
    poll_fn(|context| {
        let done = jobs.iter_mut().enumerate().find_map(|(index, (token, job))| {
            match Pin::new(job).poll(context) {
                Poll::Ready(done) => Some((index, *token, done)),
                Poll::Pending => None,
            }
        });
        match done {
            Some((index, token, done)) => {
                drop(jobs.swap_remove(index));
                Poll::Ready((token, done))
            }
            None => Poll::Pending,
        }
    })
    .await
}

/// The time, by tokio's clock, so that tests may stop it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use towline_authenticator::{Config, MemoryStore, ResetPolicy, SoftwareKeys};

    use super::*;
    use crate::Agreeable;

    #[tokio::test]
    async fn the_authenticator_learns_how_a_request_came() {
        for (transport, status) in [(Transport::Internal, 0x00), (Transport::Hybrid, 0x27)] {
            let mut config = Config::phone();
            config.reset = ResetPolicy::Always;
            config.reset_transports = Some(vec![Transport::Internal]);
            let provider = towline_crypto::rustcrypto::provider();
            let keys = SoftwareKeys::new(provider.clone());
            let phone = Authenticator::new(config, provider, MemoryStore::new(), keys).unwrap();
            let mut driver = Driver::new(phone, Agreeable, transport);
            assert_eq!(driver.transact(&[0x07]).await, [status]);
        }
    }
}
