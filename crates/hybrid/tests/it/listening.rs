//! A phone that listens, and a service that does as a test says: rings, broken connections,
//! replays, and breaches of the protocol.

use std::time::{Duration, Instant};

use towline_crypto::{CryptoProvider, Secret};
use towline_hybrid::{
    Decision, Effect, ListenError, Listener, ListenerConfig, ListenerEvent, Machine, Opened,
    RingToken, Target,
    domain::TunnelDomain,
    ids::{ClientNonce, LinkId, RoutingId, TunnelId},
    link::{ClientPayload, ContactKey},
    qr::Hint,
    tunnel::ConnectFailure,
};
use towline_rendezvous::message::{FromPhone, FromService, Reason, RingId};

fn provider() -> CryptoProvider {
    towline_crypto::rustcrypto::provider()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn payload(number: u8) -> ClientPayload {
    ClientPayload {
        link_id: LinkId::new([number; 8]),
        nonce: ClientNonce::new([number; 16]),
        hint: Hint::GetAssertion,
    }
}

/// A ring of this number, with this nonce and in this tunnel.
fn ring(number: u64, nonce: u8, tunnel: u8) -> FromService {
    FromService::Ring {
        ring: RingId(number),
        routing_id: RoutingId::new([1; 3]),
        tunnel_id: TunnelId::new([tunnel; 16]),
        payload: payload(nonce).encode(),
    }
}

fn config() -> ListenerConfig {
    ListenerConfig::new(TunnelDomain::GOOGLE, ContactKey::new(Secret::new([7; 32])))
}

struct Phone {
    listener: Listener,
    now: Instant,
}

impl Phone {
    fn new() -> Self {
        let now = Instant::now();
        let mut phone = Self { listener: Listener::new(config(), &provider(), now), now };
        assert!(matches!(phone.outputs()[..], [Effect::Connect(Target::Listen { .. })]));
        phone
    }

    fn listening() -> Self {
        let mut phone = Self::new();
        phone.listener.handle_opened(Opened::default(), phone.now);
        assert_eq!(phone.outputs(), [Effect::Tell(ListenerEvent::Listening)]);
        phone
    }

    fn outputs(&mut self) -> Vec<Effect<ListenerEvent>> {
        std::iter::from_fn(|| self.listener.poll_output()).collect()
    }

    fn hear(&mut self, message: &FromService) -> Vec<Effect<ListenerEvent>> {
        self.listener.handle_frame(message.encode(), self.now);
        self.outputs()
    }

    /// The token of a ring that it was told of.
    fn rung(&mut self, message: &FromService) -> RingToken {
        match &self.hear(message)[..] {
            [Effect::Tell(ListenerEvent::Rung { token, .. })] => *token,
            other => panic!("{other:?}"),
        }
    }

    fn decide(&mut self, token: RingToken, decision: Decision) -> Vec<Effect<ListenerEvent>> {
        self.listener.handle_decision(token, decision, self.now);
        self.outputs()
    }

    /// Lets the time come at which it wants to be called.
    fn wait(&mut self) -> Vec<Effect<ListenerEvent>> {
        self.now = self.listener.poll_timeout().unwrap();
        self.listener.handle_timeout(self.now);
        self.outputs()
    }

    fn reconnect(&mut self) {
        self.listener.handle_closed(self.now);
        self.outputs();
        assert!(matches!(self.wait()[..], [Effect::Connect(Target::Listen { .. })]));
        self.listener.handle_opened(Opened::default(), self.now);
    }
}

fn send(message: FromPhone) -> Effect<ListenerEvent> {
    Effect::Send(message.encode())
}

#[test]
fn a_ring_is_told_with_what_is_needed_to_join_it() {
    let mut phone = Phone::listening();
    let outputs = phone.hear(&ring(5, 1, 2));
    let [Effect::Tell(ListenerEvent::Rung { token, payload: said, routing_id, tunnel_id })] =
        outputs[..]
    else {
        panic!("{outputs:?}")
    };
    assert_eq!(said, payload(1));
    assert_eq!((routing_id, tunnel_id), (RoutingId::new([1; 3]), TunnelId::new([2; 16])));
    assert_eq!(phone.decide(token, Decision::Come), [send(FromPhone::Accept(RingId(5)))]);
    assert_eq!(phone.decide(token, Decision::Come), [], "once");
}

#[test]
fn unknown_computers_and_bad_times_are_refused() {
    for (decision, reason) in [(Decision::Busy, Reason::Busy), (Decision::Unknown, Reason::Unknown)]
    {
        let mut phone = Phone::listening();
        let token = phone.rung(&ring(5, 1, 2));
        assert_eq!(phone.decide(token, decision), [send(FromPhone::Refuse(RingId(5), reason))]);
    }
}

#[test]
fn a_malformed_payload_is_refused_without_a_word_to_the_program() {
    let mut phone = Phone::listening();
    let mut unknown_hint = payload(1).encode();
    *unknown_hint.last_mut().unwrap() = b'b';
    for payload in [vec![], vec![0xa0], vec![0xff; 33], unknown_hint] {
        let ring = FromService::Ring {
            ring: RingId(9),
            routing_id: RoutingId::new([1; 3]),
            tunnel_id: TunnelId::new([2; 16]),
            payload,
        };
        assert_eq!(phone.hear(&ring), [send(FromPhone::Refuse(RingId(9), Reason::Busy))]);
    }
}

#[test]
fn a_replayed_payload_is_refused() {
    for answered in [None, Some(Decision::Come), Some(Decision::Busy)] {
        let mut phone = Phone::listening();
        let token = phone.rung(&ring(1, 1, 2));
        if let Some(decision) = answered {
            phone.decide(token, decision);
        }
        let replay = phone.hear(&ring(2, 1, 3));
        assert_eq!(replay, [send(FromPhone::Refuse(RingId(2), Reason::Busy))]);
    }
    // Many other rings do not make it forget at once.
    let mut phone = Phone::listening();
    for number in 0..64 {
        let token = phone.rung(&ring(number.into(), number, number));
        phone.decide(token, Decision::Come);
    }
    let replay = phone.hear(&ring(99, 0, 99));
    assert_eq!(replay, [send(FromPhone::Refuse(RingId(99), Reason::Busy))]);
}

#[test]
fn more_rings_than_can_be_answered_are_refused() {
    let mut phone = Phone::listening();
    for number in 1..=4 {
        phone.rung(&ring(number.into(), number, number));
    }
    let refused = phone.hear(&ring(5, 5, 5));
    assert_eq!(refused, [send(FromPhone::Refuse(RingId(5), Reason::Busy))]);
}

#[test]
fn a_ring_whose_computer_went_away_is_withdrawn() {
    let mut phone = Phone::listening();
    let token = phone.rung(&ring(5, 1, 2));
    assert_eq!(
        phone.hear(&FromService::Over(RingId(5))),
        [Effect::Tell(ListenerEvent::Over { token })]
    );
    assert_eq!(phone.decide(token, Decision::Come), []);
    assert_eq!(phone.hear(&FromService::Over(RingId(6))), []);
}

#[test]
fn a_lost_connection_is_made_anew_and_the_ring_goes_on() {
    let mut phone = Phone::listening();
    let token = phone.rung(&ring(5, 1, 2));
    phone.listener.handle_closed(phone.now);
    let outputs = phone.outputs();
    assert_eq!(outputs[0], Effect::Tell(ListenerEvent::Over { token }));
    assert!(
        matches!(outputs[1], Effect::Tell(ListenerEvent::Lost { failure: None, .. })),
        "{outputs:?}"
    );
    assert!(matches!(phone.wait()[..], [Effect::Connect(Target::Listen { .. })]));
    phone.listener.handle_opened(Opened::default(), phone.now);
    phone.outputs();
    let token = phone.rung(&ring(5, 1, 2));
    phone.decide(token, Decision::Come);
    // Its answer was lost with the next connection: it is given again, and the program hears
    // nothing.
    phone.reconnect();
    phone.outputs();
    assert_eq!(phone.hear(&ring(5, 1, 2)), [send(FromPhone::Accept(RingId(5)))]);
}

#[test]
fn a_ring_that_was_accepted_is_withdrawn_as_well() {
    let mut phone = Phone::listening();
    let token = phone.rung(&ring(5, 1, 2));
    phone.decide(token, Decision::Come);
    assert_eq!(
        phone.hear(&FromService::Over(RingId(5))),
        [Effect::Tell(ListenerEvent::Over { token })]
    );
    assert_eq!(phone.hear(&FromService::Over(RingId(5))), [], "once");
}

/// Ends the connection, and says how long the pause is.
fn lost(phone: &mut Phone) -> Duration {
    phone.listener.handle_closed(phone.now);
    let outputs = phone.outputs();
    let Some(Effect::Tell(ListenerEvent::Lost { pause, .. })) = outputs.last() else {
        panic!("{outputs:?}")
    };
    let pause = *pause;
    assert!(matches!(phone.wait()[..], [Effect::Connect(Target::Listen { .. })]));
    phone.listener.handle_opened(Opened::default(), phone.now);
    phone.outputs();
    pause
}

#[test]
fn a_network_that_drops_each_connection_does_not_keep_the_phone_off() {
    let mut phone = Phone::listening();
    let start = phone.now;
    let mut off = Duration::ZERO;
    for _ in 0..40 {
        phone.now += seconds(50);
        let pause = lost(&mut phone);
        assert!(pause <= seconds(1), "{pause:?}");
        off += pause;
    }
    assert!(off * 40 < phone.now - start, "off for {off:?} of {:?}", phone.now - start);
}

#[test]
fn a_stranger_who_rings_until_the_service_closes_does_not_keep_the_phone_off() {
    let mut phone = Phone::listening();
    for number in 0..40 {
        let token = phone.rung(&ring(number.into(), number, number));
        phone.decide(token, Decision::Unknown);
        let pause = lost(&mut phone);
        assert!(pause <= seconds(1), "{pause:?} after ring {number}");
    }
}

#[test]
fn a_service_that_closes_at_once_is_not_called_each_second() {
    let mut phone = Phone::listening();
    let mut pauses = Vec::new();
    for _ in 0..10 {
        phone.now += seconds(4);
        pauses.push(lost(&mut phone));
    }
    assert!(pauses[9] >= seconds(30), "{pauses:?}");
    // The pauses of many phones differ.
    let other = (0..8).map(|_| lost(&mut Phone::listening())).collect::<Vec<_>>();
    assert!(other.iter().any(|pause| *pause != other[0]), "{other:?}");
}

#[test]
fn pauses_grow_and_end_with_a_sign_of_life() {
    let mut phone = Phone::new();
    let mut pauses = Vec::new();
    for _ in 0..40 {
        phone
            .listener
            .handle_connect_failed(ConnectFailure::Name("cable.example".into()), phone.now);
        let outputs = phone.outputs();
        let [Effect::Tell(ListenerEvent::Lost { failure, pause })] = &outputs[..] else { panic!() };
        assert_eq!(*failure, Some(ConnectFailure::Name("cable.example".into())));
        pauses.push(*pause);
        assert!(matches!(phone.wait()[..], [Effect::Connect(Target::Listen { .. })]));
    }
    assert!(pauses[0] >= seconds(1) / 2 && pauses[0] <= seconds(1), "{pauses:?}");
    assert!(pauses[3] >= seconds(4) && pauses[3] <= seconds(8), "{pauses:?}");
    assert!(pauses[6..].iter().all(|pause| *pause >= seconds(30) && *pause <= seconds(60)));
    phone.listener.handle_opened(Opened::default(), phone.now);
    phone.hear(&FromService::Alive);
    phone.listener.handle_closed(phone.now);
    let outputs = phone.outputs();
    let Some(Effect::Tell(ListenerEvent::Lost { pause, .. })) = outputs.last() else {
        panic!("{outputs:?}")
    };
    assert!(*pause <= seconds(1));
}

#[test]
fn a_service_that_does_not_answer_is_tried_again() {
    let mut phone = Phone::new();
    let outputs = phone.wait();
    assert_eq!(outputs[0], Effect::Close);
    assert!(
        matches!(
            &outputs[1],
            Effect::Tell(ListenerEvent::Lost { failure: Some(ConnectFailure::TimedOut), .. })
        ),
        "{outputs:?}"
    );
}

#[test]
fn a_service_that_says_nothing_is_given_up() {
    let mut phone = Phone::listening();
    let start = phone.now;
    assert_eq!(phone.wait(), [send(FromPhone::Alive)]);
    assert_eq!(phone.now - start, seconds(60));
    phone.hear(&FromService::Alive);
    assert_eq!(phone.wait(), [send(FromPhone::Alive)]);
    let outputs = phone.wait();
    assert_eq!(phone.now - start, seconds(140));
    assert_eq!(outputs[0], Effect::Close);
    assert!(matches!(outputs[1], Effect::Tell(ListenerEvent::Lost { .. })), "{outputs:?}");
}

/// It has come for nothing, however long that took: over a quota, say, for hours.
#[test]
fn a_service_that_does_not_answer_who_revokes_is_asked_ever_less_often() {
    let mut phone = Phone::listening();
    phone.listener.handle_revoke(phone.now);
    assert_eq!(phone.outputs(), [send(FromPhone::Revoke)]);
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let given_up = phone.wait();
        let [Effect::Close, Effect::Tell(ListenerEvent::Lost { pause, .. })] = given_up[..] else {
            panic!("{given_up:?}")
        };
        pauses.push(pause);
        assert!(matches!(phone.wait()[..], [Effect::Connect(Target::Listen { .. })]));
        phone.listener.handle_opened(Opened::default(), phone.now);
        assert_eq!(phone.outputs(), [send(FromPhone::Revoke)]);
    }
    assert!(pauses[5] > pauses[0].saturating_mul(8), "{pauses:?}");
}

#[test]
fn a_service_that_breaks_the_protocol_is_left_and_tried_again() {
    for message in [vec![], vec![0xff], vec![0xa1, 0, 9], vec![0; 2000]] {
        let mut phone = Phone::listening();
        phone.listener.handle_frame(message.clone(), phone.now);
        let outputs = phone.outputs();
        assert_eq!(outputs[0], Effect::Close, "{message:?}");
        assert!(matches!(outputs[1], Effect::Tell(ListenerEvent::Lost { .. })), "{outputs:?}");
    }
    let mut phone = Phone::listening();
    phone.listener.handle_text(phone.now);
    assert_eq!(phone.outputs()[0], Effect::Close);
}

#[test]
fn a_phone_that_was_replaced_does_not_fight() {
    let mut phone = Phone::listening();
    let outputs = phone.hear(&FromService::Replaced);
    let replaced = Effect::Tell(ListenerEvent::Finished(Err(ListenError::Replaced)));
    assert_eq!(outputs, [Effect::Close, replaced]);
    assert_eq!(phone.listener.poll_timeout(), None);
}

#[test]
fn a_phone_whose_contact_is_gone_gives_up() {
    let mut phone = Phone::new();
    phone.listener.handle_connect_failed(ConnectFailure::Status(410), phone.now);
    let gone = Effect::Tell(ListenerEvent::Finished(Err(ListenError::Revoked)));
    assert_eq!(phone.outputs(), std::slice::from_ref(&gone));
    // A service of several nodes may know it only a moment after it has let the phone in.
    let mut phone = Phone::listening();
    assert_eq!(phone.hear(&FromService::Revoked), [Effect::Close, gone]);
    assert_eq!(phone.listener.poll_timeout(), None);
}

#[test]
fn revoking_goes_on_until_the_service_knows() {
    let mut phone = Phone::listening();
    let token = phone.rung(&ring(5, 1, 2));
    phone.listener.handle_revoke(phone.now);
    assert_eq!(
        phone.outputs(),
        [Effect::Tell(ListenerEvent::Over { token }), send(FromPhone::Revoke)]
    );
    phone.reconnect();
    assert_eq!(phone.outputs(), [send(FromPhone::Revoke)]);
    let rung = phone.hear(&ring(6, 6, 6));
    assert_eq!(rung, [send(FromPhone::Refuse(RingId(6), Reason::Busy))]);
    assert_eq!(
        phone.hear(&FromService::Revoked),
        [Effect::Close, Effect::Tell(ListenerEvent::Finished(Ok(())))]
    );
    // Or it knows already.
    let mut phone = Phone::new();
    phone.listener.handle_revoke(phone.now);
    phone.listener.handle_connect_failed(ConnectFailure::Status(410), phone.now);
    assert_eq!(phone.outputs(), [Effect::Tell(ListenerEvent::Finished(Ok(())))]);
}

#[test]
fn a_phone_stops_when_it_is_told_to() {
    for mut phone in [Phone::new(), Phone::listening()] {
        phone.listener.handle_stop(phone.now);
        assert_eq!(phone.outputs(), [Effect::Close, Effect::Tell(ListenerEvent::Finished(Ok(())))]);
        phone.listener.handle_stop(phone.now);
        phone.listener.handle_revoke(phone.now);
        phone.listener.handle_opened(Opened::default(), phone.now);
        phone.listener.handle_frame(FromService::Alive.encode(), phone.now);
        phone.listener.handle_closed(phone.now);
        phone.listener.handle_timeout(phone.now + seconds(9999));
        assert_eq!(phone.outputs(), []);
    }
}

#[test]
fn without_randomness_the_phone_comes_back_all_the_same() {
    struct Broken;
    impl towline_crypto::Random for Broken {
        fn fill(&self, _: &mut [u8]) -> Result<(), towline_crypto::Error> {
            Err(towline_crypto::Error::Random)
        }
    }
    let mut broken = provider();
    broken.random = std::sync::Arc::new(Broken);
    let now = Instant::now();
    let mut phone = Phone { listener: Listener::new(config(), &broken, now), now };
    phone.listener.handle_connect_failed(ConnectFailure::Name("cable.example".into()), now);
    assert!(phone.listener.poll_timeout().unwrap() >= now + seconds(1) / 2);
    assert!(!format!("{:?}", phone.outputs()).contains("7, 7"));
}
