//! A registration or a sign-in under way, through the product's own WebAuthn client.

use std::{fmt, time::Instant};

use towline_authenticator::ChannelId;
use towline_client::{
    Caller, CeremonyOutput, CeremonyToken, ChannelError, Create, Error, Get, PinAnswer, U2fBridge,
    U2fOutput,
};
use towline_ctap::RpId;
use towline_device::{Ask, Pending};

use crate::{
    VirtualAuthenticator,
    machine::ready,
    person::{Asked, ForAccount, ForPin},
};

/// A registration or a sign-in that has begun, and may wait: for the person, or for time to pass.
///
/// [`poll`](Self::poll) tells how it stands while the clock is moved by hand;
/// [`finish`](Self::finish) jumps to whatever comes next until it is over. One that is dropped is
/// cancelled, as when a page is closed.
///
/// ```
/// use std::time::Duration;
/// use towline_virtual::{VirtualAuthenticator, person::*};
///
/// let device = VirtualAuthenticator::platform();
/// device.person().when(anything()).waits(Duration::from_secs(20)).consents();
/// # let options = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
/// #     "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
/// #     "pubKeyCredParams": [{"type": "public-key", "alg": -7}]}"#;
/// let mut ceremony = device.begin_create("https://example.org", options)?;
/// assert!(ceremony.poll().is_none());
/// device.clock().advance(Duration::from_secs(20));
/// assert!(ceremony.poll().is_some_and(|result| result.is_ok()));
/// # Ok::<(), towline_virtual::Error>(())
/// ```
pub struct Ceremony {
    device: VirtualAuthenticator,
    machine: Machine,
    channel: ChannelId,
    /// To a key that speaks U2F alone.
    bridge: Option<U2fBridge>,
    /// Whether a response is to come.
    waiting: bool,
    asking: Option<Asking>,
    over: bool,
}

/// The client's side of it.
enum Machine {
    Create(Box<Create>),
    Get(Box<Get>),
}

/// What the client has asked the person.
enum Asking {
    Pin(CeremonyToken, Pending<PinAnswer>),
    Account(CeremonyToken, Pending<Option<usize>>),
}

/// Does the same with either.
macro_rules! either {
    ($machine:expr, $it:ident => $do:expr) => {
        match $machine {
            Machine::Create($it) => $do,
            Machine::Get($it) => $do,
        }
    };
}

impl Ceremony {
    pub(crate) fn create(
        device: &VirtualAuthenticator,
        caller: &Caller,
        options: &str,
    ) -> Result<Self, Error> {
        let machine = Create::new(&device.client(), caller, options, device.clock().now())?;
        Ok(Self::new(device, Machine::Create(Box::new(machine))))
    }

    pub(crate) fn get(
        device: &VirtualAuthenticator,
        caller: &Caller,
        options: &str,
    ) -> Result<Self, Error> {
        let machine = Get::new(&device.client(), caller, options, device.clock().now())?;
        Ok(Self::new(device, Machine::Get(Box::new(machine))))
    }

    fn new(device: &VirtualAuthenticator, machine: Machine) -> Self {
        let channel = device.new_channel();
        // That was another one.
        let _called_off = device.person().takes_off();
        let mut new = Self {
            device: device.clone(),
            machine,
            channel,
            bridge: device.speaks_u2f_alone().then(|| U2fBridge::new(device.provider().clone())),
            waiting: false,
            asking: None,
            over: false,
        };
        let transport = device.transport().clone();
        if let Some(info) = device.machine().info(channel, transport.clone()) {
            either!(&mut new.machine, it => it.handle_known_info(info, &transport));
            return new;
        }
        let info = match &new.bridge {
            Some(_) => Ok(U2fBridge::info()),
            None => device.get_info(),
        };
        match info {
            Ok(info) => either!(&mut new.machine, it => it.handle_info(&info, &transport)),
            Err(error) => either!(&mut new.machine, it => it.handle_channel_error(error)),
        }
        new
    }

    /// How it stands now: what came of it, once, or `None` while it waits.
    ///
    /// # Panics
    /// When the [script of the person](crate::ScriptedPerson) does not fit what is asked.
    #[track_caller]
    pub fn poll(&mut self) -> Option<Result<String, Error>> {
        let result = self.step();
        self.device.complain();
        result
    }

    /// Carries it to its end. Where nothing is left to do but to wait, the clock jumps to the next
    /// deadline.
    ///
    /// # Errors
    /// [`Error`], whose name is that of the exception which a browser would throw.
    ///
    /// # Panics
    /// When the [script of the person](crate::ScriptedPerson) does not fit what is asked.
    #[track_caller]
    pub fn finish(mut self) -> Result<String, Error> {
        let result = loop {
            if let Some(result) = self.step() {
                break result;
            }
            match self.poll_timeout() {
                Some(due) => self.device.clock().advance_to(due),
                // Beside a form it would wait for as long as the page is open.
                None if self.untold().is_some() => {
                    break Err(self.untold().cloned().unwrap_or(Error::Aborted));
                }
                // It is over and was told so before.
                None => break Err(ChannelError::Closed.into()),
            }
        };
        self.device.complain();
        result
    }

    /// When the clock has to stand for it to go on by itself.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let client = either!(&self.machine, it => it.poll_timeout());
        let device = self.device.machine().poll_timeout();
        let bridge = self.bridge.as_ref().and_then(U2fBridge::poll_timeout);
        let all = [client, device, bridge].into_iter().flatten();
        all.min().filter(|_| !self.over)
    }

    /// The person calls it off: closes the browser's dialog.
    pub fn cancel(&mut self) {
        either!(&mut self.machine, it => it.handle_cancel());
    }

    /// The site calls it off, by its AbortSignal.
    pub fn abort(&mut self) {
        either!(&mut self.machine, it => it.handle_abort());
    }

    /// Why nothing comes of a conditional sign-in here: there is nothing to offer, or the person
    /// does not want it. The page is not told, so that [`Self::poll`] waits until
    /// [`Self::abort`]; [`Self::finish`] gives this.
    #[must_use]
    pub const fn untold(&self) -> Option<&Error> {
        match &self.machine {
            Machine::Get(get) => get.untold(),
            Machine::Create(_) => None,
        }
    }

    /// The RP ID that it is for.
    #[must_use]
    pub fn rp_id(&self) -> &RpId {
        either!(&self.machine, it => it.rp_id())
    }

    fn step(&mut self) -> Option<Result<String, Error>> {
        self.device.machine().settle();
        loop {
            let now = self.device.clock().now();
            either!(&mut self.machine, it => it.handle_timeout(now));
            match either!(&mut self.machine, it => it.poll_output()) {
                Some(CeremonyOutput::Request(request)) => {
                    self.waiting = true;
                    self.send(&request);
                }
                Some(CeremonyOutput::Cancel) => self.give_up(),
                Some(CeremonyOutput::AskPin { token, question }) => {
                    let asked = Asked::Pin { rp_id: Some(self.rp_id().clone()), question };
                    let (ask, pending) = Ask::open(ForPin(asked));
                    self.device.person().ask_for(ask);
                    self.asking = Some(Asking::Pin(token, pending));
                }
                Some(CeremonyOutput::Choose { token, accounts }) => {
                    let question = ForAccount::new(self.rp_id().clone(), accounts);
                    let (ask, pending) = Ask::open(question);
                    self.device.person().ask_for(ask);
                    self.asking = Some(Asking::Account(token, pending));
                }
                Some(CeremonyOutput::NotRecognised { .. }) => {}
                Some(CeremonyOutput::Finished(result)) => {
                    self.over = true;
                    self.asking = None;
                    return Some(self.result(result));
                }
                None if self.device.person().takes_off() => self.cancel(),
                None => {
                    if !self.answer() {
                        return None;
                    }
                }
            }
        }
    }

    /// Hands in what has come meanwhile; `false` if nothing has.
    fn answer(&mut self) -> bool {
        if self.waiting
            && let Some(response) = self.receive()
        {
            self.waiting = false;
            match response {
                Ok(response) => either!(&mut self.machine, it => it.handle_response(&response)),
                Err(error) => either!(&mut self.machine, it => it.handle_channel_error(error)),
            }
            return true;
        }
        match &mut self.asking {
            Some(Asking::Pin(token, pending)) => {
                let Some(answer) = ready(pending) else { return false };
                let (token, answer) = (*token, answer.unwrap_or(PinAnswer::Cancel));
                self.asking = None;
                either!(&mut self.machine, it => it.handle_pin(token, answer));
                true
            }
            Some(Asking::Account(token, pending)) => {
                let Some(choice) = ready(pending) else { return false };
                let token = *token;
                self.asking = None;
                // A creation asks for no account.
                if let Machine::Get(get) = &mut self.machine {
                    get.handle_choice(token, choice.flatten());
                }
                true
            }
            None => false,
        }
    }

    fn send(&mut self, request: &[u8]) {
        match &mut self.bridge {
            Some(bridge) => {
                self.device.person().during(request);
                bridge.handle_request(request);
            }
            None => {
                let transport = self.device.transport().clone();
                self.device.machine().request(self.channel, transport, request);
            }
        }
    }

    fn receive(&mut self) -> Option<Result<Vec<u8>, ChannelError>> {
        let mut machine = self.device.machine();
        let Some(bridge) = &mut self.bridge else { return machine.take_response(self.channel) };
        let now = self.device.clock().now();
        bridge.handle_timeout(now);
        loop {
            match bridge.poll_output()? {
                U2fOutput::Response(response) => return Some(Ok(response)),
                U2fOutput::Apdu(apdu) => {
                    machine.u2f(self.channel, &apdu);
                    match machine.take_response(self.channel)? {
                        Ok(answer) => bridge.handle_answer(&answer, now),
                        Err(error) => return Some(Err(error)),
                    }
                }
            }
        }
    }

    fn give_up(&mut self) {
        self.waiting = false;
        if let Some(bridge) = &mut self.bridge {
            bridge.handle_cancel();
            let _nobody_waits = bridge.poll_output();
        }
        let mut machine = self.device.machine();
        machine.cancel(self.channel);
        let _nobody_waits = machine.take_response(self.channel);
    }

    fn result(&self, result: Result<String, Error>) -> Result<String, Error> {
        match result {
            Ok(mut json) => {
                self.device.meddle_with(&mut json);
                Ok(json)
            }
            // A client does not learn how long a lock lasts; the authenticator knows.
            Err(Error::VerificationLocked { wait: None }) => {
                let wait = self.device.machine().locked_for();
                Err(Error::VerificationLocked { wait })
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for Ceremony {
    fn drop(&mut self) {
        if self.waiting {
            self.give_up();
        }
    }
}

impl fmt::Debug for Ceremony {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ceremony").field("rp_id", self.rp_id()).finish_non_exhaustive()
    }
}
