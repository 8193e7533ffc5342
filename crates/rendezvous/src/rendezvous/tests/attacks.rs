//! People who want the service, or one phone, for themselves.

use towline_crypto::Secret;

use super::*;
use crate::ContactKey;
use crate::message::{FromPhone, FromService, Reason};

const STRANGER: [u8; 4] = [203, 0, 113, 7];
const COMPUTER: [u8; 4] = [198, 51, 100, 4];

impl Service {
    fn all(&mut self) -> Vec<RendezvousOutput> {
        std::iter::from_fn(|| self.relay.poll_output()).collect()
    }

    /// Does what the service wants done with connections.
    fn close_all(&mut self) -> Vec<RendezvousOutput> {
        let outputs = self.all();
        for output in &outputs {
            if let RendezvousOutput::Close { leg, .. }
            | RendezvousOutput::Answer { leg, answer: Err(_) } = output
            {
                self.relay.handle_closed(*leg, self.now);
            }
        }
        outputs
    }

    /// Answers the rings that the phone is told of: it knows the computer, and nobody else. How
    /// many it was told of.
    fn phone_answers(&mut self, phone: Leg) -> usize {
        let mut told = 0_usize;
        for output in self.close_all() {
            if let RendezvousOutput::Send { leg, message } = output
                && leg == phone
                && let Some(FromService::Ring { ring, payload, .. }) = FromService::decode(&message)
            {
                told = told.saturating_add(1);
                let answer = match payload.as_slice() {
                    [1] => FromPhone::Accept(ring),
                    _ => FromPhone::Refuse(ring, Reason::Unknown),
                };
                let heard = self.relay.handle_message(phone, &answer.encode(), self.now);
                assert_eq!(heard, Heard::Taken, "its answers are free");
            }
        }
        self.close_all();
        told
    }

    fn ring_as(&mut self, from: [u8; 4], says: u8) -> Result<Leg, Refusal> {
        let contact = key(1).contact_id(&towline_crypto::rustcrypto::provider());
        let request = TunnelRequest::Contact { contact, payload: vec![says], signal: false };
        match self.ask_at(from, request)? {
            Admission { leg, role: Role::Rings { .. } } => Ok(leg),
            other => panic!("{other:?}"),
        }
    }

    fn listen_at(&mut self, from: [u8; 4], number: u32) -> Result<Leg, Refusal> {
        match self.ask_at(from, TunnelRequest::Listen { key: key(number), sequence: 0 })? {
            Admission { leg, role: Role::Listens { .. } } => Ok(leg),
            other => panic!("{other:?}"),
        }
    }

    fn wait_at(&mut self, from: impl Into<IpAddr>, number: u32) -> Result<Leg, Refusal> {
        let tunnel = TunnelId::new(u128::from(number).to_be_bytes());
        match self.ask_at(from, TunnelRequest::New { tunnel })? {
            Admission { leg, role: Role::Waits { .. } } => Ok(leg),
            other => panic!("{other:?}"),
        }
    }
}

fn key(number: u32) -> ContactKey {
    let mut secret = [7; 32];
    secret[..4].copy_from_slice(&number.to_be_bytes());
    ContactKey::new(Secret::new(secret))
}

#[test]
fn a_stranger_who_rings_a_thousand_times_a_second_does_not_keep_a_phone_from_its_computer() {
    let mut service = Service::new(Limits::default());
    let phone = service.listen_at([192, 0, 2, 1], 1).unwrap();
    let mut told = 0;
    for second in 0..100 {
        for _ in 0..1000 {
            let _refused = service.ring_as(STRANGER, 0);
            told += service.phone_answers(phone);
            service.pass_quietly(Duration::from_millis(1));
        }
        let rang = service.ring_as(COMPUTER, 1).unwrap_or_else(|error| panic!("{second} {error}"));
        assert_eq!(service.phone_answers(phone), 1);
        service.relay.handle_closed(rang, service.now);
        service.close_all();
        let alive = service.relay.handle_message(phone, &FromPhone::Alive.encode(), service.now);
        assert_eq!(alive, Heard::Taken);
        service.close_all();
    }
    assert_eq!(service.relay.counts(), Counts { listening: 1, ..Counts::default() });
    assert!((4..=10).contains(&told), "told of {told} strangers");
}

#[test]
fn many_strangers_do_not_keep_a_phone_from_a_computer_that_it_has_come_to() {
    let mut service = Service::new(Limits::default());
    let phone = service.listen_at([192, 0, 2, 1], 1).unwrap();
    let mut told = 0;
    for round in 0..200_u8 {
        let rang = service.ring_as(COMPUTER, 1).unwrap_or_else(|error| panic!("{round} {error}"));
        assert_eq!(service.phone_answers(phone), 1);
        service.relay.handle_closed(rang, service.now);
        service.close_all();
        for network in 0..100 {
            let _refused = service.ring_as([203, network, 113, 7], 0);
            told += service.phone_answers(phone);
        }
        service.pass_quietly(Duration::from_secs(1));
    }
    assert!(told <= 8 + 20, "told of {told} strangers in 200 seconds");
}

#[test]
fn strangers_who_ring_an_absent_phone_leave_a_line_for_others() {
    let mut service = Service::new(Limits::default());
    let phone = service.listen_at([192, 0, 2, 1], 1).unwrap();
    service.relay.handle_closed(phone, service.now);
    for network in [1, 2] {
        for _ in 0..10 {
            let _refused = service.ring_as([203, network, 113, 7], 0);
        }
    }
    assert_eq!(service.relay.counts().ringing, 4);
    let computer = service.ring_as(COMPUTER, 1).unwrap();
    let refused = service.close_all();
    let answer = Err(Refusal::TooMany);
    assert!(
        matches!(&refused[..], [RendezvousOutput::Answer { answer: given, .. }] if *given == answer),
        "{refused:?}"
    );
    let back = service.listen_at([192, 0, 2, 1], 1).unwrap();
    assert_eq!(service.phone_answers(back), 4);
    let coming = service.relay.counts().ringing;
    service.relay.handle_closed(computer, service.now);
    assert_eq!((coming, service.relay.counts().ringing), (1, 0));
}

#[test]
fn computers_that_hang_up_at_once_do_not_make_the_phone_pay_for_its_answers() {
    let limits = Limits { ring_pause: Duration::ZERO, listener_messages: 1, ..Limits::default() };
    let mut service = Service::new(limits);
    let phone = service.listen_at([192, 0, 2, 1], 1).unwrap();
    for _ in 0..100 {
        let rang = service.ring_as(STRANGER, 0).unwrap();
        let outputs = service.all();
        service.relay.handle_closed(rang, service.now);
        let [RendezvousOutput::Send { message, .. }] = &outputs[..] else { panic!("{outputs:?}") };
        let Some(FromService::Ring { ring, .. }) = FromService::decode(message) else { panic!() };
        let late = FromPhone::Refuse(ring, Reason::Unknown).encode();
        assert_eq!(service.relay.handle_message(phone, &late, service.now), Heard::Taken);
        service.all();
    }
    // More answers than rings are messages as others.
    let odd = FromPhone::Accept(RingId(99)).encode();
    assert_eq!(service.relay.handle_message(phone, &odd, service.now), Heard::Taken);
    assert_eq!(service.relay.handle_message(phone, &odd, service.now), Heard::TooMany);
}

#[test]
fn a_computer_that_is_accepted_rings_as_often_as_it_likes() {
    let mut service = Service::new(Limits::default());
    let phone = service.listen_at([192, 0, 2, 1], 1).unwrap();
    for _ in 0..500 {
        let rang = service.ring_as(COMPUTER, 1).unwrap();
        assert_eq!(service.phone_answers(phone), 1);
        service.relay.handle_closed(rang, service.now);
        service.close_all();
    }
}

#[test]
fn a_busy_phone_costs_its_computer_nothing_within_reason() {
    let mut service = Service::new(Limits::default());
    let phone = service.listen_at([192, 0, 2, 1], 1).unwrap();
    let rang = service.ring_as(COMPUTER, 1).unwrap();
    service.phone_answers(phone);
    service.relay.handle_closed(rang, service.now);
    service.close_all();
    let mut told = 0;
    for _ in 0..1000 {
        let _refused = service.ring_as(COMPUTER, 2);
        for output in service.close_all() {
            let RendezvousOutput::Send { message, .. } = output else { continue };
            if let Some(FromService::Ring { ring, .. }) = FromService::decode(&message) {
                told += 1;
                let busy = FromPhone::Refuse(ring, Reason::Busy).encode();
                service.relay.handle_message(phone, &busy, service.now);
                service.close_all();
            }
        }
    }
    assert_eq!(told, 8 + 32);
}

/// 40 connections at a time took all places for phones in 2.8 seconds, and held none of them.
#[test]
fn one_source_that_comes_and_goes_does_not_take_the_places_of_phones() {
    let mut service = Service::new(Limits::default());
    let mut number = 0;
    for _ in 0..200 {
        let legs: Vec<_> = (0..40)
            .filter_map(|_| {
                number += 1;
                service.listen_at(STRANGER, number).ok()
            })
            .collect();
        for leg in legs {
            service.relay.handle_closed(leg, service.now);
        }
        service.pass_quietly(Duration::from_millis(10));
    }
    let counts = service.relay.counts();
    assert_eq!((counts.listening, counts.absent), (0, 64), "an absent phone counts for its source");
    assert_eq!(service.listen_at(STRANGER, 99_999), Err(Refusal::TooMany));
    assert!(service.listen_at([192, 0, 2, 1], 100_000).is_ok());
    service.pass_quietly(Duration::from_secs(20));
    assert_eq!(service.relay.counts(), Counts { listening: 1, ..Counts::default() });
    assert!(service.listen_at(STRANGER, 99_999).is_ok(), "its share is given back");
}

#[test]
fn the_phone_that_has_been_away_for_the_longest_time_goes_first() {
    let mut service = Service::new(Limits { listening: 3, ..Limits::default() });
    let legs = [1, 2, 3].map(|number| service.listen_at([10, 0, number, 1], number.into()));
    for leg in [&legs[1], &legs[0]] {
        service.relay.handle_closed(leg.unwrap(), service.now);
        service.pass_quietly(Duration::from_secs(1));
    }
    assert!(service.listen_at([10, 0, 9, 1], 9).is_ok());
    let counts = service.relay.counts();
    assert_eq!((counts.listening, counts.absent), (2, 1));
    assert_eq!(service.ring_at([10, 0, 8, 1], 1).err(), Some(Refusal::NotFound), "unknown key");
    // The first is still expected back, and has its place.
    assert!(service.listen_at([10, 0, 1, 1], 1).is_ok());
    assert_eq!(service.listen_at([10, 0, 2, 1], 2), Err(Refusal::Unavailable));
    assert_eq!(service.relay.counts().absent, 0);
}

#[test]
fn phones_behind_one_address_that_all_lose_their_connections_come_back() {
    let mut service = Service::new(Limits::default());
    let here = [192, 0, 2, 1];
    let legs: Vec<_> = (0..64).map(|number| service.listen_at(here, number).unwrap()).collect();
    // Of half of them the service has not heard yet.
    for leg in &legs[..32] {
        service.relay.handle_closed(*leg, service.now);
    }
    for number in 0..64 {
        assert!(service.listen_at(here, number).is_ok(), "{number}");
    }
    assert_eq!(service.listen_at(here, 64), Err(Refusal::TooMany));
    // A place that is taken over before the one before is closed waits for that: connections cost
    // something, too.
    assert_eq!(service.listen_at(here, 63), Err(Refusal::TooMany));
    service.close_all();
    assert!(service.listen_at(here, 63).is_ok());
    service.close_all();
    assert_eq!(service.relay.counts(), Counts { listening: 64, ..Counts::default() });
}

#[test]
fn sixteen_sources_with_64_connections_each_do_not_take_the_places_to_wait() {
    let mut service = Service::new(Limits::default());
    let phone = service.listen_at([192, 0, 2, 1], 1).unwrap();
    for source in 0..16 {
        for number in 0..64 {
            service.wait_at([203, source, 113, 7], u32::from(source) * 64 + number).unwrap();
        }
    }
    assert_eq!(service.relay.counts().waiting, 1024);
    // Rings have places of their own.
    service.ring_as(COMPUTER, 1).unwrap();
    assert_eq!(service.phone_answers(phone), 1);
    // And so does everybody else who waits.
    let mine = service.wait_at([192, 0, 2, 1], 9999).unwrap();
    let closed = service.close_all();
    let ending = Ending::CrowdedOut;
    assert!(
        matches!(&closed[..], [RendezvousOutput::Close { ending: given, .. }] if *given == ending)
    );
    // They come again and again, and push out each other.
    for number in 0..5000 {
        let source = [203, u8::try_from(number % 16).unwrap(), 113, 7];
        let _refused = service.wait_at(source, 10_000 + number);
        let closed = service.close_all();
        assert!(!closed.contains(&RendezvousOutput::Close { leg: mine, ending }), "{number}");
    }
}

#[test]
fn many_networks_of_one_subscriber_are_one() {
    let mut service = Service::new(Limits { waiting: 500, ..Limits::default() });
    let mut number = 0;
    let mut flood = |service: &mut Service, net: fn(u16) -> [u16; 8]| {
        (0..2000)
            .filter(|at| {
                number += 1;
                service.wait_at(net(*at), number).is_ok()
            })
            .count()
    };
    // 200 /64 networks of a /56, then 2000 of a /48.
    assert_eq!(flood(&mut service, |at| [0x2001, 0xdb8, 1, at % 200, 0, 0, 0, 1]), 128);
    assert_eq!(flood(&mut service, |at| [0x2001, 0xdb8, 2, at, 0, 0, 0, 1]), 256);
    assert_eq!(flood(&mut service, |at| [0x2001, 0xdb8, 3, 1, 0, 0, 0, at]), 64);
}

#[test]
fn one_subscriber_with_many_tunnels_does_not_take_those_of_others() {
    let mut service = Service::new(Limits { pairs: 40, ..Limits::default() });
    let pair = |service: &mut Service, from: [u8; 4], number: u32| {
        let tunnel = TunnelId::new(u128::from(number).to_be_bytes());
        let Admission { leg, role: Role::Waits { routing_id: routing, .. } } =
            service.ask_at(from, TunnelRequest::New { tunnel })?
        else {
            panic!()
        };
        match service.ask_at(from, TunnelRequest::Connect { routing, tunnel })? {
            Admission { role: Role::Joins { with }, .. } => {
                assert_eq!(with, leg);
                Ok(leg)
            }
            other => panic!("{other:?}"),
        }
    };
    let mine = pair(&mut service, COMPUTER, 1).unwrap();
    for number in 0..39 {
        pair(&mut service, [203, 0, u8::try_from(number % 2).unwrap(), 7], 100 + number).unwrap();
    }
    assert!(pair(&mut service, [192, 0, 2, 1], 2).is_ok());
    let closed = service.close_all();
    assert_eq!(closed.len(), 2, "both ends: {closed:?}");
    let ending = Ending::CrowdedOut;
    assert!(!closed.contains(&RendezvousOutput::Close { leg: mine, ending }));
    assert_eq!(pair(&mut service, [203, 0, 0, 7], 3).err(), Some(Refusal::Unavailable));
}

/// Whatever comes, goes, breaks, is taken over or crowded out: no limit is passed, and nothing is
/// left behind.
#[test]
fn the_books_of_a_small_service_stay_straight() {
    let limits = Limits {
        waiting: 4,
        ringing: 3,
        locating: 2,
        listening: 4,
        pairs: 3,
        per_source: 3,
        ring_pause: Duration::from_secs(1),
        ..Limits::default()
    };
    let mut service = Service::new(limits);
    service.prompt = false;
    let mut recalls = Vec::new();
    let mut revokes = Vec::new();
    let mut state = 7_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    let mut legs: Vec<Leg> = Vec::new();
    let mut waiting: Vec<(RoutingId, TunnelId)> = Vec::new();
    let mut number = 0_u128;
    for step in 0..20_000 {
        let digit = |value: u64| u8::try_from(value).unwrap();
        let from = [10, 0, digit(random(3)), digit(random(3))];
        let listens = key(u32::from(digit(random(6))));
        let request = match random(8) {
            0 | 1 => {
                number += 1;
                TunnelRequest::New { tunnel: TunnelId::new(number.to_be_bytes()) }
            }
            2 if !waiting.is_empty() => {
                let at = usize::try_from(random(waiting.len().try_into().unwrap())).unwrap();
                let (routing, tunnel) = waiting.swap_remove(at);
                TunnelRequest::Connect { routing, tunnel }
            }
            3 => TunnelRequest::Listen { key: listens, sequence: 0 },
            4 => TunnelRequest::Contact {
                contact: listens.contact_id(&towline_crypto::rustcrypto::provider()),
                payload: vec![0xa0],
                signal: false,
            },
            5 if !legs.is_empty() => {
                let at = usize::try_from(random(legs.len().try_into().unwrap())).unwrap();
                service.relay.handle_closed(legs.swap_remove(at), service.now);
                continue;
            }
            6 => {
                service.pass_quietly(Duration::from_millis(random(3000)));
                continue;
            }
            _ => TunnelRequest::Listen { key: listens, sequence: 0 },
        };
        if let Ok(Admission { leg, role }) = service.ask_at(from, request) {
            legs.push(leg);
            if let Role::Waits { tunnel, routing_id } = role {
                waiting.push((routing_id, tunnel));
            }
        }
        for output in service.all() {
            match output {
                RendezvousOutput::Send { leg, message } => {
                    let told = FromService::decode(&message);
                    let Some(FromService::Ring { ring, routing_id, tunnel_id, .. }) = told else {
                        continue;
                    };
                    let says = match random(9) {
                        0..3 => FromPhone::Accept(ring),
                        3..6 => FromPhone::Refuse(ring, Reason::Busy),
                        6 => FromPhone::Revoke,
                        _ => continue,
                    };
                    service.relay.handle_message(leg, &says.encode(), service.now);
                    waiting.push((routing_id, tunnel_id));
                }
                // Some take their time to close.
                RendezvousOutput::Close { leg, .. }
                | RendezvousOutput::Answer { leg, answer: Err(_) }
                    if random(2) == 0 =>
                {
                    legs.retain(|known| *known != leg);
                    service.relay.handle_closed(leg, service.now);
                }
                RendezvousOutput::Close { .. } | RendezvousOutput::Answer { .. } => {}
                RendezvousOutput::Recall { token, .. } => {
                    // Some are answered at once, some later, some twice, and some never.
                    recalls.push((token, Some(ContactState::Unknown)));
                    recalls.push((token, Some(ContactState::Revoked)));
                    recalls.push((token, None));
                }
                RendezvousOutput::Revoke { token, .. } => revokes.push(token),
                other => panic!("{other:?}"),
            }
        }
        if !recalls.is_empty() && random(2) == 0 {
            let at = usize::try_from(random(recalls.len().try_into().unwrap())).unwrap();
            let (token, state) = recalls.swap_remove(at);
            service.relay.handle_recalled(token, state, service.now);
        }
        if random(3) == 0
            && let Some(token) = revokes.pop()
        {
            service.relay.handle_revoked(token, random(2) == 0, service.now);
        }
        let counts = service.relay.counts();
        let ringing = counts.ringing + counts.locating;
        let connected = counts.waiting + ringing + counts.listening + counts.joined;
        assert_eq!(connected, legs.len(), "{step}");
        assert!(counts.waiting <= 4 && counts.ringing <= 3, "{step} {counts:?}");
        assert!(counts.locating <= 2, "{step} {counts:?}");
        assert!(counts.listening + counts.absent <= 4, "{step} {counts:?}");
        assert!(service.relay.joined_crowd.len() <= 6, "{step} {counts:?}");
    }
    for leg in legs {
        service.relay.handle_closed(leg, service.now);
    }
    service.pass_quietly(Duration::from_secs(3600));
    assert_eq!(service.relay.counts(), Counts::default());
    assert!(service.relay.shares.is_empty());
    assert_eq!(service.relay.poll_timeout(), None);
}
