//! Both roles, the air and the tunnel between them, and the people at both ends.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use towline_crypto::CryptoProvider;
use towline_hybrid::{
    CodeSource, ComputerEvent, Effect, Error, Initiator, InitiatorConfig, InitiatorProgress,
    InitiatorSummary, Machine, Opened, PhoneEvent, QuestionToken, Responder, ResponderAnswer,
    ResponderConfig, ResponderQuestion, ResponderSummary, Target,
    domain::TunnelDomain,
    ids::{LinkId, RoutingId, TunnelId},
    internal::eid::Advert,
    link::{ClientPayload, LinkedPhone, PhoneIdentity},
    qr::{Hint, QrPayload},
    tunnel::ConnectFailure,
};

pub(crate) const GET_INFO: &[u8] =
    &[0xa1, 0x01, 0x81, 0x68, b'F', b'I', b'D', b'O', b'_', b'2', b'_', b'0'];
pub(crate) const REQUEST: &[u8] = &[0x02, 0xa1, 0x01, 0x61, b'x'];
pub(crate) const RESPONSE: &[u8] = &[0x00, 0xa1, 0x03, 0x41, 0x99];

pub(crate) fn provider() -> CryptoProvider {
    towline_crypto::rustcrypto::provider()
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn responder_config() -> ResponderConfig {
    ResponderConfig::new(GET_INFO.to_vec(), TunnelDomain::GOOGLE)
}

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Computer,
    Phone,
}

/// What the computer hears of an advert.
pub(crate) type Air = fn(&Advert) -> Option<Vec<u8>>;

/// What the tunnel does to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tamper {
    Drop,
    Duplicate,
    /// Held back for this long, and everything behind it.
    Delay(Duration),
    /// Delivered after the next one in the same direction, if that one comes within a second.
    Overtaken,
    /// One bit of this byte, counted from the end, is flipped.
    Flip(usize),
    Truncate(usize),
    Extend,
    Empty,
    Text,
    /// The first message of this direction comes instead.
    Replay,
    /// The connection breaks instead.
    Cut,
}

#[derive(Debug, Clone)]
enum Item {
    Binary(Vec<u8>),
    Text,
    Closed,
}

/// One direction of the tunnel.
#[derive(Debug, Default)]
struct Pipe {
    queue: VecDeque<(Instant, Item)>,
    sent: usize,
    first: Option<Vec<u8>>,
    overtaken: Option<(Instant, Item)>,
}

/// What each end has open; all must be released when its machine is finished.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) radio: bool,
    pub(crate) socket: bool,
    pub(crate) prompt: bool,
    pub(crate) request: bool,
}

pub(crate) struct Pair {
    pub(crate) start: Instant,
    pub(crate) now: Instant,
    pub(crate) computer: Initiator,
    pub(crate) phone: Responder,
    pub(crate) computer_holds: Held,
    pub(crate) phone_holds: Held,
    pub(crate) computer_result: Option<Result<InitiatorSummary, Error>>,
    pub(crate) phone_result: Option<Result<ResponderSummary, Error>>,
    pub(crate) failures: Vec<Error>,
    pub(crate) responses: Vec<Vec<u8>>,
    pub(crate) requests_seen: usize,
    /// How long the phone's messages were.
    pub(crate) phone_sent: Vec<usize>,
    /// What the computer is to store, and what the phone is.
    pub(crate) links: Vec<LinkedPhone>,
    pub(crate) phone_links: Vec<LinkId>,
    /// Whether the computer is to delete its link.
    pub(crate) unlinked: Option<LinkId>,
    /// What the person says to the question after the first response; `None` for one who does not
    /// say.
    pub(crate) late: Option<bool>,
    pub(crate) late_question: Option<QuestionToken>,
    pub(crate) question: Option<QuestionToken>,
    pub(crate) advert: Option<Advert>,
    pub(crate) tamper: Option<(From, usize, Tamper)>,
    /// Whether the person agrees, and whether the phone may be remembered; `None` for a person who
    /// went away.
    pub(crate) consent: Option<ResponderAnswer>,
    /// Whether adverts reach the computer, and in which form.
    pub(crate) air: Air,
    pub(crate) phone_tunnel: Result<(), Option<ConnectFailure>>,
    pub(crate) computer_tunnel: Result<(), Option<ConnectFailure>>,
    /// How the service takes a ring: whether it promises a signal.
    pub(crate) contact: Result<bool, Option<ConnectFailure>>,
    /// What the service sends when the phone has come, where it promised to.
    pub(crate) signal: Vec<u8>,
    /// How many requests the computer makes before it shuts down.
    pub(crate) requests: usize,
    /// Whether the phone's program answers requests.
    pub(crate) answers: bool,
    /// Whether the computer shuts down when it is done.
    pub(crate) shuts_down: bool,
    /// What the computer wanted before the phone was there.
    early: VecDeque<Effect<ComputerEvent>>,
    to_phone: Pipe,
    to_computer: Pipe,
    connected: bool,
    steps: usize,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(InitiatorConfig::default(), responder_config())
    }

    pub(crate) fn with(computer: InitiatorConfig, phone: ResponderConfig) -> Self {
        let now = Instant::now();
        let computer =
            Initiator::new(computer, &provider(), Hint::GetAssertion, now, 1_790_000_000).unwrap();
        let code = scan(&computer);
        let phone =
            Responder::new(phone, &provider(), code, CodeSource::Camera, now, 1_790_000_000)
                .unwrap();
        Self::of(computer, phone, now)
    }

    /// A computer that rings a phone that it is linked with.
    pub(crate) fn linked() -> Self {
        Self::linked_with(InitiatorConfig::default(), responder_config())
    }

    pub(crate) fn linked_with(computer: InitiatorConfig, phone: ResponderConfig) -> Self {
        let (identity, known) = link();
        Self::rung_by(&known, &identity, computer, phone)
    }

    pub(crate) fn rung_by(
        known: &LinkedPhone,
        identity: &PhoneIdentity,
        computer: InitiatorConfig,
        phone: ResponderConfig,
    ) -> Self {
        let now = Instant::now();
        let mut computer =
            Initiator::ring(computer, &provider(), known, Hint::GetAssertion, now).unwrap();
        let early: VecDeque<_> = std::iter::from_fn(|| computer.poll_output()).collect();
        let ring = identity
            .ring(
                &provider(),
                &identity.contact_key,
                payload(&early),
                RoutingId::new([7, 8, 9]),
                TunnelId::new([4; 16]),
            )
            .unwrap();
        let phone = Responder::answer_ring(phone, &provider(), ring, now);
        Self { early, ..Self::of(computer, phone, now) }
    }

    fn of(computer: Initiator, phone: Responder, now: Instant) -> Self {
        Self {
            start: now,
            now,
            computer,
            phone,
            computer_holds: Held::default(),
            phone_holds: Held::default(),
            computer_result: None,
            phone_result: None,
            failures: Vec::new(),
            responses: Vec::new(),
            requests_seen: 0,
            phone_sent: Vec::new(),
            links: Vec::new(),
            phone_links: Vec::new(),
            unlinked: None,
            late: None,
            late_question: None,
            question: None,
            advert: None,
            tamper: None,
            consent: Some(ResponderAnswer::Connect { remember: false }),
            air: |advert| Some(advert.as_bytes().to_vec()),
            phone_tunnel: Ok(()),
            computer_tunnel: Ok(()),
            contact: Ok(true),
            signal: vec![0],
            requests: 1,
            answers: true,
            shuts_down: true,
            early: VecDeque::new(),
            to_phone: Pipe::default(),
            to_computer: Pipe::default(),
            connected: false,
            steps: 0,
        }
    }

    /// What the computer says when it rings.
    pub(crate) fn payload(&self) -> ClientPayload {
        payload(&self.early)
    }

    /// Runs until both sides are finished, and checks that everything is released.
    pub(crate) fn run(&mut self) {
        while self.step() {}
        self.check_released();
    }

    /// Runs until nothing happens any more without time passing.
    pub(crate) fn settle(&mut self) {
        while self.drain() | self.deliver() {}
    }

    pub(crate) fn check_released(&self) {
        assert!(self.computer.is_finished() && self.phone.is_finished());
        assert_eq!(self.computer_holds, Held::default(), "the computer still holds something");
        assert_eq!(self.phone_holds, Held::default(), "the phone still holds something");
        assert_eq!(self.computer.poll_timeout(), None);
        assert_eq!(self.phone.poll_timeout(), None);
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    pub(crate) fn computer_error(&self) -> &Error {
        self.computer_result.as_ref().unwrap().as_ref().unwrap_err()
    }

    pub(crate) fn phone_error(&self) -> &Error {
        self.phone_result.as_ref().unwrap().as_ref().unwrap_err()
    }

    /// Does what is due, or lets time pass until something is.
    fn step(&mut self) -> bool {
        self.steps += 1;
        assert!(self.steps < 10_000, "it never ends");
        if self.drain() | self.deliver() {
            return true;
        }
        let wanted =
            [self.computer.poll_timeout(), self.phone.poll_timeout()].into_iter().flatten();
        let ends = [
            (self.phone_holds.socket, &self.to_phone),
            (self.computer_holds.socket, &self.to_computer),
        ];
        let due =
            ends.into_iter().filter(|(open, _)| *open).filter_map(|(_, pipe)| pipe.next_event());
        let Some(next) = wanted.chain(due).min() else { return false };
        if self.computer.is_finished() && self.phone.is_finished() {
            return false;
        }
        self.now = self.now.max(next);
        self.computer.handle_timeout(self.now);
        self.phone.handle_timeout(self.now);
        true
    }

    fn drain(&mut self) -> bool {
        let mut any = false;
        while let Some(output) = self.early.pop_front().or_else(|| self.computer.poll_output()) {
            assert!(self.computer_result.is_none(), "after the end: {output:?}");
            self.computer_does(output);
            any = true;
        }
        while let Some(output) = self.phone.poll_output() {
            assert!(self.phone_result.is_none(), "after the end: {output:?}");
            self.phone_does(output);
            any = true;
        }
        any | self.broadcast()
    }

    /// The phone's advert is heard again and again while it is on the air.
    fn broadcast(&mut self) -> bool {
        let Some(advert) = self.advert else { return false };
        if !self.computer_holds.radio {
            return false;
        }
        if let Some(service_data) = (self.air)(&advert) {
            self.computer.handle_advert(&service_data, self.now);
        }
        let mut any = false;
        while let Some(output) = self.computer.poll_output() {
            self.computer_does(output);
            any = true;
        }
        any
    }

    fn computer_does(&mut self, output: Effect<ComputerEvent>) {
        match output {
            Effect::StartScanning => self.computer_holds.radio = true,
            Effect::StopRadio => {
                assert!(std::mem::take(&mut self.computer_holds.radio), "stopped twice");
            }
            Effect::Connect(Target::Connect { .. }) => {
                assert!(!self.computer_holds.socket, "one connection at a time");
                self.computer_holds.socket = true;
                match self.computer_tunnel.clone() {
                    Ok(()) => {
                        self.connected = true;
                        self.computer.handle_opened(Opened::default(), self.now);
                    }
                    Err(Some(failure)) => {
                        self.computer_holds.socket = false;
                        self.computer.handle_connect_failed(failure, self.now);
                    }
                    Err(None) => {}
                }
            }
            Effect::Send(frame) => {
                assert!(self.computer_holds.socket);
                self.send(From::Computer, frame);
            }
            Effect::Close => {
                assert!(std::mem::take(&mut self.computer_holds.socket), "closed twice");
                self.to_computer.queue.clear();
                if self.connected {
                    self.to_phone.push(self.now, Item::Closed);
                }
            }
            Effect::Tell(ComputerEvent::Ready { get_info, features }) => {
                assert_eq!(get_info, GET_INFO);
                assert!(features.ctap);
                self.next_request();
            }
            Effect::Tell(ComputerEvent::Response(response)) => {
                self.responses.push(response);
                self.next_request();
            }
            Effect::Connect(Target::Contact { domain, .. }) => {
                assert_eq!(domain, TunnelDomain::GOOGLE);
                assert!(!self.computer_holds.socket, "one connection at a time");
                self.computer_holds.socket = true;
                match self.contact.clone() {
                    Ok(signal) => {
                        self.computer.handle_opened(Opened { routing_id: None, signal }, self.now)
                    }
                    Err(Some(failure)) => {
                        self.computer_holds.socket = false;
                        self.computer.handle_connect_failed(failure, self.now);
                    }
                    Err(None) => {}
                }
            }
            Effect::Tell(ComputerEvent::Linked(phone)) => {
                assert_eq!(phone.domain, TunnelDomain::GOOGLE);
                self.links.push(*phone);
            }
            Effect::Tell(ComputerEvent::Unlink { link_id, .. }) => self.unlinked = Some(link_id),
            Effect::Tell(ComputerEvent::Progress(InitiatorProgress::AttemptFailed(error))) => {
                self.failures.push(error)
            }
            Effect::Tell(ComputerEvent::Progress(_)) => {}
            Effect::Tell(ComputerEvent::Finished(result)) => self.computer_result = Some(result),
            other => panic!("{other:?}"),
        }
    }

    fn next_request(&mut self) {
        if self.responses.len() < self.requests {
            self.computer.handle_request(REQUEST.to_vec(), self.now).unwrap();
        } else if self.shuts_down {
            self.computer.handle_shutdown(self.now);
        }
    }

    fn phone_does(&mut self, output: Effect<PhoneEvent>) {
        match output {
            Effect::Tell(PhoneEvent::Ask { token, question: ResponderQuestion::Connect(_) }) => {
                self.phone_holds.prompt = true;
                self.question = Some(token);
                if let Some(answer) = self.consent {
                    self.phone_holds.prompt = false;
                    self.phone.handle_answer(token, answer, self.now).unwrap();
                }
            }
            Effect::Tell(PhoneEvent::Withdraw { .. }) => {
                assert!(std::mem::take(&mut self.phone_holds.prompt), "no such question");
            }
            Effect::Tell(PhoneEvent::Ask { token, question: ResponderQuestion::Remember }) => {
                self.phone_holds.prompt = true;
                self.late_question = Some(token);
                if let Some(remember) = self.late {
                    self.phone_holds.prompt = false;
                    let no = ResponderAnswer::Decline;
                    let answer = if remember { ResponderAnswer::Remember } else { no };
                    self.phone.handle_answer(token, answer, self.now).unwrap();
                }
            }
            Effect::Tell(PhoneEvent::Linked { link_id }) => self.phone_links.push(link_id),
            Effect::Connect(Target::Connect { routing_id, tunnel_id, .. }) => {
                assert_eq!(routing_id, RoutingId::new([7, 8, 9]));
                assert_eq!(tunnel_id, TunnelId::new([4; 16]));
                self.phone_holds.socket = true;
                match self.phone_tunnel.clone() {
                    Ok(()) => {
                        self.connected = true;
                        if self.contact == Ok(true) {
                            self.to_computer.push(self.now, Item::Binary(self.signal.clone()));
                        }
                        self.phone.handle_opened(Opened::default(), self.now);
                    }
                    Err(Some(failure)) => {
                        self.phone_holds.socket = false;
                        self.phone.handle_connect_failed(failure, self.now);
                    }
                    Err(None) => {}
                }
            }
            Effect::Connect(Target::New { .. }) => {
                self.phone_holds.socket = true;
                match self.phone_tunnel.clone() {
                    Ok(()) => self.phone.handle_opened(
                        Opened { routing_id: Some(RoutingId::new([7, 8, 9])), signal: false },
                        self.now,
                    ),
                    Err(Some(failure)) => {
                        self.phone_holds.socket = false;
                        self.phone.handle_connect_failed(failure, self.now);
                    }
                    Err(None) => {}
                }
            }
            Effect::Advertise(advert) => {
                self.phone_holds.radio = true;
                self.advert = Some(advert);
            }
            Effect::StopRadio => {
                assert!(std::mem::take(&mut self.phone_holds.radio), "stopped twice");
                self.advert = None;
            }
            Effect::Send(frame) => {
                assert!(self.phone_holds.socket);
                self.phone_sent.push(frame.len());
                self.send(From::Phone, frame);
            }
            Effect::Tell(PhoneEvent::Request(request)) => {
                assert_eq!(request, REQUEST);
                self.requests_seen += 1;
                self.phone_holds.request = true;
                if self.answers {
                    self.phone_holds.request = false;
                    self.phone.handle_response(RESPONSE.to_vec(), self.now).unwrap();
                }
            }
            Effect::Tell(PhoneEvent::CancelRequest) => {
                assert!(std::mem::take(&mut self.phone_holds.request), "no such request");
            }
            Effect::Close => {
                assert!(std::mem::take(&mut self.phone_holds.socket), "closed twice");
                self.to_phone.queue.clear();
                if self.connected {
                    self.to_computer.push(self.now, Item::Closed);
                }
            }
            Effect::Tell(PhoneEvent::Progress(_)) => {}
            Effect::Tell(PhoneEvent::Finished(result)) => self.phone_result = Some(result),
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, from: From, frame: Vec<u8>) {
        let now = self.now;
        let pipe = match from {
            From::Computer => &mut self.to_phone,
            From::Phone => &mut self.to_computer,
        };
        let index = pipe.sent;
        pipe.sent += 1;
        let first = pipe.first.get_or_insert_with(|| frame.clone()).clone();
        let tamper =
            self.tamper.filter(|(f, i, _)| (*f, *i) == (from, index)).map(|(.., tamper)| tamper);
        let mut changed = frame.clone();
        match tamper {
            None => return pipe.push(now, Item::Binary(frame)),
            Some(Tamper::Drop) => return,
            Some(Tamper::Duplicate) => pipe.push(now, Item::Binary(frame)),
            Some(Tamper::Delay(delay)) => return pipe.push(now + delay, Item::Binary(frame)),
            Some(Tamper::Overtaken) => {
                pipe.overtaken = Some((now + seconds(1), Item::Binary(frame)));
                return;
            }
            Some(Tamper::Flip(from_end)) => {
                let place = changed.len() - 1 - from_end % changed.len();
                changed[place] ^= 0x04;
            }
            Some(Tamper::Truncate(by)) => changed.truncate(changed.len() - by),
            Some(Tamper::Extend) => changed.push(0),
            Some(Tamper::Empty) => changed.clear(),
            Some(Tamper::Text) => return pipe.push(now, Item::Text),
            Some(Tamper::Replay) => changed = first,
            Some(Tamper::Cut) => {
                self.to_phone.push(now, Item::Closed);
                self.to_computer.push(now, Item::Closed);
                return;
            }
        }
        pipe.push(now, Item::Binary(changed));
    }

    fn deliver(&mut self) -> bool {
        if self.phone_holds.socket
            && let Some(item) = self.to_phone.pop(self.now)
        {
            match item {
                Item::Binary(frame) => self.phone.handle_frame(frame, self.now),
                Item::Text => self.phone.handle_text(self.now),
                Item::Closed => {
                    self.phone_holds.socket = false;
                    self.phone.handle_closed(self.now);
                }
            }
            return true;
        }
        if self.computer_holds.socket
            && let Some(item) = self.to_computer.pop(self.now)
        {
            match item {
                Item::Binary(frame) => self.computer.handle_frame(frame, self.now),
                Item::Text => self.computer.handle_text(self.now),
                Item::Closed => {
                    self.computer_holds.socket = false;
                    self.computer.handle_closed(self.now);
                }
            }
            return true;
        }
        false
    }
}

impl Pipe {
    /// Appends, behind whatever is still on its way.
    fn push(&mut self, at: Instant, item: Item) {
        let at = self.queue.back().map_or(at, |(last, _)| at.max(*last));
        self.queue.push_back((at, item));
        if let Some((_, held)) = self.overtaken.take() {
            self.queue.push_back((at, held));
        }
    }

    fn next_event(&self) -> Option<Instant> {
        let held = self.overtaken.as_ref().map(|(at, _)| *at);
        let front = self.queue.front().map(|(at, _)| *at);
        held.into_iter().chain(front).min()
    }

    fn pop(&mut self, now: Instant) -> Option<Item> {
        if self.overtaken.as_ref().is_some_and(|(at, _)| *at <= now) {
            return self.overtaken.take().map(|(_, item)| item);
        }
        let due = self.queue.front().is_some_and(|(at, _)| *at <= now);
        if due { self.queue.pop_front().map(|(_, item)| item) } else { None }
    }
}

/// What the phone's camera sees.
pub(crate) fn scan(computer: &Initiator) -> QrPayload {
    QrPayload::from_uri(&provider(), computer.qr_uri().unwrap()).unwrap()
}

/// What a computer says when it rings.
pub(crate) fn payload<'a>(
    outputs: impl IntoIterator<Item = &'a Effect<ComputerEvent>>,
) -> ClientPayload {
    let mut payloads = outputs.into_iter().filter_map(|output| match output {
        Effect::Connect(Target::Contact { payload, .. }) => Some(*payload),
        _ => None,
    });
    payloads.next().unwrap()
}

/// A phone, and what a computer keeps of it after they were linked.
pub(crate) fn link() -> (PhoneIdentity, LinkedPhone) {
    let identity = PhoneIdentity::generate(&provider()).unwrap();
    let mut computer = InitiatorConfig::default();
    computer.linking = true;
    let mut phone = responder_config();
    phone.link_offer = Some(identity.offer(&provider(), &identity.contact_key, "my phone"));
    let mut pair = Pair::with(computer, phone);
    pair.consent = Some(ResponderAnswer::Connect { remember: true });
    pair.run();
    (identity, pair.links.pop().unwrap())
}
