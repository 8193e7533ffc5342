//! CTAP1/U2F: APDUs of any bytes, and sequences of requests that make sense. Its requests never
//! wait for the person, so that they are watched here, apart from those of CTAP2.

use std::{collections::HashMap, time::Duration};

use arbitrary::Arbitrary;
use towline_authenticator::{Answer, ChannelId, Output, Token};
use towline_ctap::{
    RpId, RpIdHash,
    u2f::{Control, StatusWord, U2fAuthentication, U2fRegistration, U2fRequest, split_response},
};

use crate::watch::{RPS, Watch};

const HOME: ChannelId = ChannelId(0);

/// How many steps are taken at most, so that a run stays short.
const LONGEST: usize = 32;

/// What the person does about the question that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Arbitrary)]
pub enum Touch {
    Yes,
    No,
    Nothing,
}

/// One step of a sequence.
#[derive(Debug, Arbitrary)]
enum Step {
    Version,
    Register {
        rp: u8,
        touch: Touch,
    },
    /// With a key handle that was made before, with one byte of it changed if `bent` is not 0.
    Authenticate {
        rp: u8,
        handle: u8,
        control: u8,
        bent: u8,
        touch: Touch,
    },
    /// A request of CTAP2 in between, which takes a touch away.
    GetInfo,
    /// So many eighths of a second go by.
    Pass(u8),
}

/// A sequence, and the kind of authenticator that it is for.
#[derive(Debug, Arbitrary)]
pub struct Sequence {
    kind: u8,
    steps: Vec<Step>,
}

/// An authenticator, and what is known of its answers to U2F.
struct Observer {
    watch: Watch,
    open: Option<Token>,
    /// Whether somebody has said yes since a touch was used last.
    touched: bool,
    counter: u32,
    made: HashMap<Box<[u8]>, RpIdHash>,
}

impl Observer {
    fn new(kind: u8) -> Self {
        let (open, made) = (None, HashMap::new());
        Self { watch: Watch::prepared(kind), open, touched: false, counter: 0, made }
    }

    /// Sends an APDU; there is exactly one response, at once, and it is held against the rules.
    fn send(&mut self, apdu: &[u8], touch: Touch) {
        let now = self.watch.now;
        self.watch.authenticator.handle_u2f(HOME, apdu, now);
        let mut response = None;
        while let Some(output) = self.watch.authenticator.poll_output() {
            match output {
                Output::Response { channel, bytes } => {
                    assert_eq!(channel, HOME);
                    assert!(response.replace(bytes).is_none(), "two responses");
                }
                Output::Work { token, job } => {
                    let now = self.watch.now;
                    let done = job.run();
                    self.watch.authenticator.handle_work(token, done, now).expect("awaited");
                }
                Output::Ask { token, .. } => {
                    assert!(response.is_some(), "the question comes after the response");
                    assert_eq!(self.open.replace(token), None, "two questions at once");
                }
                Output::Withdraw { token } => assert_eq!(self.open.take(), Some(token)),
                _ => {}
            }
        }
        assert!(!self.watch.authenticator.is_busy());
        self.judge(apdu, &response.expect("a response"));
        let answer = match touch {
            Touch::Yes => Answer::Approve,
            Touch::No => Answer::Deny,
            Touch::Nothing => return,
        };
        if let Some(token) = self.open.take() {
            let now = self.watch.now;
            self.touched = answer == Answer::Approve;
            self.watch.authenticator.handle_answer(token, answer, now).expect("it is open");
        }
    }

    fn judge(&mut self, apdu: &[u8], response: &[u8]) {
        let (data, word) = split_response(response).expect("a status word");
        if word != StatusWord::NO_ERROR {
            assert!(data.is_empty(), "an error says nothing more");
            return;
        }
        match U2fRequest::decode(apdu).expect("what succeeds is a request") {
            U2fRequest::Version => assert_eq!(data, b"U2F_V2"),
            U2fRequest::Register { application, .. } => {
                assert!(std::mem::take(&mut self.touched), "registered without a touch");
                let made = U2fRegistration::decode(data).expect("a registration");
                assert_eq!(made.encode().as_deref(), Some(data));
                self.made.insert(made.key_handle, application);
            }
            U2fRequest::Authenticate { control, application, key_handle, .. } => {
                assert_ne!(control, Control::CheckOnly, "a check signs nothing");
                let answer = U2fAuthentication::decode(data).expect("an authentication");
                let touched = control == Control::EnforceUserPresence;
                assert_eq!(answer.user_present, touched);
                if touched {
                    assert!(std::mem::take(&mut self.touched), "signed without a touch");
                }
                if let Some(of) = self.made.get(&key_handle).filter(|_| self.watch.seals) {
                    assert_eq!(*of, application, "a key handle of another site");
                }
                assert!(answer.counter == 0 || answer.counter > self.counter);
                self.counter = answer.counter;
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.watch.now += time;
        let now = self.watch.now;
        self.watch.authenticator.handle_timeout(now);
        self.drain();
    }

    fn get_info(&mut self) {
        let now = self.watch.now;
        self.watch.authenticator.handle_request(HOME, &[0x04], now);
        self.touched = false;
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.watch.authenticator.poll_output() {
            match output {
                Output::Withdraw { token } => assert_eq!(self.open.take(), Some(token)),
                Output::Ask { .. } => panic!("asked without a request"),
                _ => {}
            }
        }
    }
}

/// Runs a script of APDUs of any bytes: the kind, then for each a byte for its length, a byte for
/// the touch, and it.
pub fn raw(script: &[u8]) {
    let Some((&kind, mut script)) = script.split_first() else { return };
    let mut observer = Observer::new(kind);
    while let Some((&[length, control], rest)) = script.split_first_chunk() {
        let (apdu, rest) = rest.split_at(usize::from(length).min(rest.len()));
        script = rest;
        let touch = [Touch::Yes, Touch::No, Touch::Nothing][usize::from(control) % 3];
        observer.send(apdu, touch);
    }
}

impl Sequence {
    /// Takes the steps; every answer is held against the rules.
    pub fn run(&self) {
        let mut observer = Observer::new(self.kind);
        let mut handles: Vec<Box<[u8]>> = Vec::new();
        for step in self.steps.iter().take(LONGEST) {
            match step {
                Step::Version => observer.send(&U2fRequest::Version.encode(), Touch::Nothing),
                Step::Register { rp, touch } => {
                    let application = observer.application(*rp);
                    let request = U2fRequest::Register { challenge: [7; 32], application };
                    observer.send(&request.encode(), *touch);
                    handles.extend(
                        observer
                            .made
                            .keys()
                            .filter(|it| !handles.contains(it))
                            .cloned()
                            .collect::<Vec<_>>(),
                    );
                }
                Step::Authenticate { rp, handle, control, bent, touch } => {
                    let chosen = handles.get(usize::from(*handle) % handles.len().max(1));
                    let mut key_handle = chosen.cloned().unwrap_or_else(|| [1; 66].into());
                    if let Some(byte) = key_handle.get_mut(usize::from(*handle)) {
                        *byte ^= bent;
                    }
                    let control = [
                        Control::EnforceUserPresence,
                        Control::CheckOnly,
                        Control::DontEnforceUserPresence,
                    ][usize::from(*control) % 3];
                    let (challenge, application) = ([7; 32], observer.application(*rp));
                    let request =
                        U2fRequest::Authenticate { control, challenge, application, key_handle };
                    observer.send(&request.encode(), *touch);
                }
                Step::GetInfo => observer.get_info(),
                Step::Pass(eighths) => {
                    observer.pass(Duration::from_millis(u64::from(*eighths) * 125));
                }
            }
        }
    }
}

impl Observer {
    fn application(&self, rp: u8) -> RpIdHash {
        let rp_id = RpId::new(RPS[usize::from(rp) % RPS.len()]).expect("an RP ID");
        rp_id.hash(&self.watch.provider)
    }
}
