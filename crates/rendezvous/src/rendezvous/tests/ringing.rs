//! Phones that listen, and computers that ring them, as the service sees it.

use towline_crypto::Secret;

use super::*;
use crate::ContactKey;
use crate::message::{FromPhone, FromService, Reason};

pub(super) fn key(number: u8) -> ContactKey {
    ContactKey::new(Secret::new([number; 32]))
}

pub(super) fn contact(number: u8) -> ContactId {
    key(number).contact_id(&towline_crypto::rustcrypto::provider())
}

pub(super) fn service() -> Service {
    service_with(Limits::default())
}

pub(super) fn service_with(limits: Limits) -> Service {
    Service::new(limits)
}

impl Service {
    pub(super) fn listen(&mut self, number: u8) -> Result<Leg, Refusal> {
        match self.ask_from(1, TunnelRequest::Listen { key: key(number), sequence: 0 })? {
            Admission { leg, role: Role::Listens { .. } } => Ok(leg),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn ring(&mut self, number: u8) -> Result<Leg, Refusal> {
        self.ring_from(2, number)
    }

    fn ring_from(&mut self, source: u8, number: u8) -> Result<Leg, Refusal> {
        self.ring_at([10, 0, 0, source], number)
    }

    pub(super) fn ring_at(&mut self, from: [u8; 4], number: u8) -> Result<Leg, Refusal> {
        let request =
            TunnelRequest::Contact { contact: contact(number), payload: vec![0xa0], signal: true };
        match self.ask_at(from, request)? {
            Admission { leg, role: Role::Rings { .. } } => Ok(leg),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn say(&mut self, leg: Leg, message: FromPhone) -> Vec<RendezvousOutput> {
        assert_eq!(self.relay.handle_message(leg, &message.encode(), self.now), Heard::Taken);
        self.remember();
        self.outputs()
    }

    pub(super) fn outputs(&mut self) -> Vec<RendezvousOutput> {
        std::iter::from_fn(|| self.relay.poll_output()).collect()
    }

    /// The one ring that a phone is told of.
    pub(super) fn told(&mut self, phone: Leg) -> (RingId, RoutingId, TunnelId) {
        let outputs = self.outputs();
        let [RendezvousOutput::Send { leg, message }] = &outputs[..] else { panic!("{outputs:?}") };
        assert_eq!(*leg, phone);
        match FromService::decode(message) {
            Some(FromService::Ring { ring, routing_id, tunnel_id, payload }) => {
                assert_eq!(payload, [0xa0]);
                (ring, routing_id, tunnel_id)
            }
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn send(leg: Leg, message: FromService) -> RendezvousOutput {
    RendezvousOutput::Send { leg, message: message.encode() }
}

pub(super) fn answer(leg: Leg, answer: Result<(), Refusal>) -> RendezvousOutput {
    RendezvousOutput::Answer { leg, answer }
}

pub(super) fn close(leg: Leg, ending: Ending) -> RendezvousOutput {
    RendezvousOutput::Close { leg, ending }
}

#[test]
fn a_computer_rings_and_the_phone_joins_it() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    let computer = service.ring(1).unwrap();
    let counts =
        |ringing, listening, joined| Counts { ringing, listening, joined, ..Counts::default() };
    assert_eq!(service.relay.counts(), counts(1, 1, 0));
    let (ring, routing, tunnel) = service.told(phone);
    assert_eq!(routing.as_bytes()[0], 9, "the routing id names the node");
    assert_eq!(service.say(phone, FromPhone::Accept(ring)), [answer(computer, Ok(()))]);
    let joined = service.ask_from(1, TunnelRequest::Connect { routing, tunnel });
    let Ok(Admission { leg, role: Role::Joins { with } }) = joined else { panic!("{joined:?}") };
    assert_eq!(with, computer);
    assert_eq!(service.relay.counts(), counts(0, 1, 2));
    // Once, and nobody is told that the ring is over.
    let again = service.ask_from(1, TunnelRequest::Connect { routing, tunnel });
    assert_eq!(again, Err(Refusal::NotFound));
    service.relay.handle_closed(computer, service.now);
    assert_eq!(service.outputs(), [close(leg, Ending::PeerVanished)]);
    service.relay.handle_closed(leg, service.now);
    assert_eq!(service.outputs(), []);
    assert_eq!(service.relay.counts(), counts(0, 1, 0));
}

/// It accepts over one connection and comes over another, and a busy service may see the second
/// first.
#[test]
fn a_phone_that_comes_before_it_is_heard_to_accept_has_accepted() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    let computer = service.ring(1).unwrap();
    let (ring, routing, tunnel) = service.told(phone);
    let joined = service.ask_from(1, TunnelRequest::Connect { routing, tunnel });
    assert!(matches!(joined, Ok(Admission { role: Role::Joins { with }, .. }) if with == computer));
    assert_eq!(service.outputs(), [answer(computer, Ok(()))]);
    // What it said before comes too late to matter, and so would a refusal.
    assert_eq!(service.say(phone, FromPhone::Accept(ring)), []);
    assert_eq!(service.say(phone, FromPhone::Refuse(ring, Reason::Busy)), []);
    let counts = Counts { listening: 1, joined: 2, ..Counts::default() };
    assert_eq!(service.relay.counts(), counts);
}

#[test]
fn requests_of_phones_and_computers_are_read() {
    let payload = "A1".repeat(33);
    let text = "07".repeat(32);
    let contact = RequestHead {
        client_payloads: vec![&payload],
        signals: vec!["true"],
        ..head("/cable/contact/-_8")
    };
    assert_eq!(
        contact.read(),
        Ok(TunnelRequest::Contact {
            contact: ContactId::new([0xfb, 0xff]),
            payload: vec![0xa1; 33],
            signal: true,
        })
    );
    let listen = RequestHead { contact_keys: vec![&text], ..head("/towline/v1/listen") };
    assert_eq!(listen.read(), Ok(TunnelRequest::Listen { key: key(7), sequence: 0 }));
    assert_eq!(*key(7).to_header(), text);
}

#[test]
fn malformed_requests_of_phones_and_computers_are_refused() {
    let long = "00".repeat(257);
    for payloads in
        [vec![], vec![""], vec!["A"], vec!["A10"], vec!["zz"], vec!["A0", "A0"], vec![&long[..]]]
    {
        let contact = RequestHead { client_payloads: payloads, ..head("/cable/contact/-_8") };
        assert_eq!(contact.read(), Err(Refusal::Malformed), "{:?}", contact.client_payloads);
    }
    let (good, short, long) = ("07".repeat(32), "07".repeat(31), "07".repeat(33));
    let bad = "zz".repeat(32);
    for keys in [vec![], vec![""], vec![&short[..]], vec![&long], vec![&bad], vec![&good, &good]] {
        let listen = RequestHead { contact_keys: keys, ..head("/towline/v1/listen") };
        assert_eq!(listen.read(), Err(Refusal::Malformed), "{:?}", listen.contact_keys);
    }
    for target in ["/towline/v1/listen/", "/towline/v1/listen?x", "/towline/v2/listen", "/towline"]
    {
        let listen = RequestHead { contact_keys: vec![&good], ..head(target) };
        assert_eq!(listen.read(), Err(Refusal::NotFound), "{target}");
    }
}

#[test]
fn a_phone_that_does_not_listen_is_not_there() {
    let mut service = service();
    service.listen(1).unwrap();
    assert_eq!(service.ring(2), Err(Refusal::NotFound));
    assert_eq!(service.outputs(), []);
}

#[test]
fn only_the_owner_of_the_key_listens_under_a_contact_id() {
    // What computers know is the contact id, and it is no key.
    let bytes: [u8; 32] = contact(1).as_bytes().try_into().unwrap();
    let claimed = ContactKey::new(Secret::new(bytes));
    let provider = towline_crypto::rustcrypto::provider();
    assert_ne!(claimed.contact_id(&provider), contact(1));
}

#[test]
fn a_phone_may_refuse() {
    for (reason, refusal) in
        [(Reason::Busy, Refusal::Unavailable), (Reason::Unknown, Refusal::Gone)]
    {
        let mut service = service();
        let phone = service.listen(1).unwrap();
        let computer = service.ring(1).unwrap();
        let (ring, routing, tunnel) = service.told(phone);
        let refused = service.say(phone, FromPhone::Refuse(ring, reason));
        assert_eq!(refused, [answer(computer, Err(refusal))]);
        // Twice is nothing, and the tunnel is gone.
        assert_eq!(service.say(phone, FromPhone::Refuse(ring, reason)), []);
        assert_eq!(service.say(phone, FromPhone::Accept(ring)), []);
        let late = service.ask_from(1, TunnelRequest::Connect { routing, tunnel });
        assert_eq!(late, Err(Refusal::NotFound));
    }
}

#[test]
fn what_a_phone_accepted_it_can_not_take_back() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    service.ring(1).unwrap();
    let (ring, ..) = service.told(phone);
    service.say(phone, FromPhone::Accept(ring));
    assert_eq!(service.say(phone, FromPhone::Accept(ring)), []);
    assert_eq!(service.say(phone, FromPhone::Refuse(ring, Reason::Unknown)), []);
}

#[test]
fn a_phone_speaks_for_its_own_rings_only() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    let stranger = service.listen(2).unwrap();
    let computer = service.ring(1).unwrap();
    let (ring, ..) = service.told(phone);
    assert_eq!(service.say(stranger, FromPhone::Accept(ring)), []);
    assert_eq!(service.say(stranger, FromPhone::Refuse(ring, Reason::Unknown)), []);
    assert_eq!(service.say(phone, FromPhone::Accept(ring)), [answer(computer, Ok(()))]);
}

#[test]
fn a_ring_that_the_phone_does_not_answer_ends_in_time() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    let computer = service.ring(1).unwrap();
    let (ring, routing, tunnel) = service.told(phone);
    assert_eq!(service.pass(Duration::from_secs(5)), []);
    assert_eq!(
        service.pass(Duration::from_secs(1)),
        [send(phone, FromService::Over(ring)), answer(computer, Err(Refusal::NotFound))]
    );
    let late = service.ask_from(1, TunnelRequest::Connect { routing, tunnel });
    assert_eq!(late, Err(Refusal::NotFound));
}

#[test]
fn a_phone_that_says_that_it_comes_and_does_not_is_not_waited_for_for_ever() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    let computer = service.ring(1).unwrap();
    let (ring, ..) = service.told(phone);
    service.say(phone, FromPhone::Accept(ring));
    assert_eq!(service.pass(Duration::from_secs(89)), []);
    assert_eq!(
        service.pass(Duration::from_secs(1)),
        [send(phone, FromService::Over(ring)), close(computer, Ending::LifetimeOver)]
    );
}

#[test]
fn a_computer_that_goes_away_takes_its_ring_with_it() {
    for accepted in [false, true] {
        let mut service = service();
        let phone = service.listen(1).unwrap();
        let computer = service.ring(1).unwrap();
        let (ring, ..) = service.told(phone);
        if accepted {
            service.say(phone, FromPhone::Accept(ring));
        }
        service.relay.handle_closed(computer, service.now);
        assert_eq!(service.outputs(), [send(phone, FromService::Over(ring))]);
        assert_eq!(service.say(phone, FromPhone::Accept(ring)), []);
    }
}

#[test]
fn a_phone_that_comes_back_is_told_what_it_missed() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    let first = service.ring(1).unwrap();
    let (ring, ..) = service.told(phone);
    service.relay.handle_closed(phone, service.now);
    let away = Counts { absent: 1, ringing: 1, ..Counts::default() };
    assert_eq!(service.relay.counts(), away);
    // Another one rings while the phone is away, and waits for it.
    let second = service.ring(1).unwrap();
    assert_eq!(service.outputs(), []);
    let again = service.listen(1).unwrap();
    let outputs = service.outputs();
    assert_eq!(outputs.len(), 2, "{outputs:?}");
    assert_eq!(service.say(again, FromPhone::Accept(ring)), [answer(first, Ok(()))]);
    let other = RingId(ring.0 + 1);
    assert_eq!(service.say(again, FromPhone::Accept(other)), [answer(second, Ok(()))]);
}

#[test]
fn what_was_accepted_before_the_connection_broke_is_not_told_again() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    service.ring(1).unwrap();
    let (ring, routing, tunnel) = service.told(phone);
    service.say(phone, FromPhone::Accept(ring));
    service.relay.handle_closed(phone, service.now);
    service.listen(1).unwrap();
    assert_eq!(service.outputs(), []);
    assert!(service.ask_from(1, TunnelRequest::Connect { routing, tunnel }).is_ok());
}

#[test]
fn a_phone_that_does_not_come_back_is_forgotten() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    service.relay.handle_closed(phone, service.now);
    let waiting = service.ring(1).unwrap();
    assert_eq!(service.pass(Duration::from_secs(6)), [answer(waiting, Err(Refusal::NotFound))]);
    service.relay.handle_closed(waiting, service.now);
    service.pass(Duration::from_secs(14));
    assert_eq!(service.ring(1), Err(Refusal::NotFound));
    assert_eq!(service.relay.poll_timeout(), None);
    // One that came back and left again has its whole time.
    let phone = service.listen(2).unwrap();
    service.relay.handle_closed(phone, service.now);
    service.pass(Duration::from_secs(15));
    let phone = service.listen(2).unwrap();
    service.relay.handle_closed(phone, service.now);
    service.pass(Duration::from_secs(15));
    assert!(service.ring(2).is_ok());
}

#[test]
fn the_newest_of_two_that_listen_with_one_key_stays() {
    let mut service = service();
    let old = service.listen(1).unwrap();
    let new = service.listen(1).unwrap();
    let outputs = service.outputs();
    assert_eq!(outputs, [send(old, FromService::Replaced), close(old, Ending::Replaced)]);
    assert_eq!(service.say(old, FromPhone::Revoke), [], "it has nothing to say any more");
    service.relay.handle_closed(old, service.now);
    service.ring(1).unwrap();
    service.told(new);
    assert_eq!(service.relay.counts().listening, 1);
}

#[test]
fn a_revoked_contact_is_gone_for_computers_and_for_the_phone() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    let computer = service.ring(1).unwrap();
    service.told(phone);
    assert_eq!(
        service.say(phone, FromPhone::Revoke),
        [
            answer(computer, Err(Refusal::Gone)),
            send(phone, FromService::Revoked),
            close(phone, Ending::PeerLeft),
        ]
    );
    assert_eq!(service.ring(1), Err(Refusal::Gone));
    assert_eq!(service.listen(1), Err(Refusal::Gone));
    service.relay.handle_closed(phone, service.now);
    assert_eq!(service.ring(1), Err(Refusal::Gone));
    assert_eq!(service.relay.counts().listening, 0);
}

#[test]
fn a_phone_that_says_nothing_is_closed_and_one_that_is_alive_is_not() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    for _ in 0..5 {
        assert_eq!(service.pass(Duration::from_secs(179)), []);
        let alive = service.say(phone, FromPhone::Alive);
        assert_eq!(alive, [send(phone, FromService::Alive)]);
    }
    let silent = service.pass(Duration::from_secs(180));
    assert_eq!(silent, [close(phone, Ending::LifetimeOver)]);
}

#[test]
fn a_phone_that_says_what_is_not_understood_is_closed() {
    for message in [&[][..], &[0xff], &[0xa1, 0, 9], &[0; 65], &FromService::Replaced.encode()] {
        let mut service = service();
        let phone = service.listen(1).unwrap();
        service.relay.handle_message(phone, message, service.now);
        assert_eq!(service.outputs(), [close(phone, Ending::Misbehaved)], "{message:?}");
        assert_eq!(service.ring(1), Err(Refusal::NotFound));
    }
}

#[test]
fn a_phone_that_says_too_much_loses_messages_and_not_its_place() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    for _ in 0..32 {
        assert_eq!(service.say(phone, FromPhone::Alive).len(), 1);
    }
    // One more each second.
    service.pass(Duration::from_secs(2));
    assert_eq!(service.say(phone, FromPhone::Alive).len(), 1);
    assert_eq!(service.say(phone, FromPhone::Alive).len(), 1);
    let alive = FromPhone::Alive.encode();
    for _ in 0..1000 {
        assert_eq!(service.relay.handle_message(phone, &alive, service.now), Heard::TooMany);
    }
    assert_eq!(service.outputs(), []);
    assert!(service.ring(1).is_ok(), "it can be rung as before");
}

#[test]
fn only_so_many_computers_ring_one_phone_and_only_so_many_phones_listen() {
    let limits = Limits { rings: 2, listening: 1, ..Limits::default() };
    let mut service = service_with(limits);
    let phone = service.listen(1).unwrap();
    assert_eq!(service.listen(2), Err(Refusal::Unavailable));
    let first = service.ring_from(2, 1).unwrap();
    assert_eq!(service.ring_from(2, 1), Err(Refusal::TooMany), "half of them");
    let outside = |source| [11, 0, source, 1];
    assert!(service.ring_at(outside(1), 1).is_ok());
    assert_eq!(service.ring_at(outside(2), 1), Err(Refusal::TooMany));
    service.relay.handle_closed(first, service.now);
    assert!(service.ring_at(outside(2), 1).is_ok());
    // One that takes over its own place is not one more.
    assert!(service.listen(1).is_ok());
    service.relay.handle_closed(phone, service.now);
    let mut full = service_with(Limits { ringing: 0, ..Limits::default() });
    full.listen(1).unwrap();
    assert_eq!(full.ring(1), Err(Refusal::Unavailable));
}

#[test]
fn messages_of_others_than_phones_that_listen_mean_nothing() {
    let mut service = service();
    let (waiting, _) = service.open(1);
    service.listen(1).unwrap();
    let computer = service.ring(1).unwrap();
    service.outputs();
    for leg in [waiting, computer] {
        assert_eq!(service.say(leg, FromPhone::Revoke), []);
    }
}
