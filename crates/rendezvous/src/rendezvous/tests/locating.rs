//! Phones that a node does not know, and what it is told of where they listen.

use super::ringing::{answer, close, contact, service_with};
use super::*;
use crate::LocateToken;
use crate::message::FromPhone;

/// One node of several.
fn node(limits: Limits) -> Service {
    let mut service = service_with(limits);
    service.alone = false;
    service
}

impl Service {
    /// Rings a phone that does not listen here: the computer, and the question.
    fn seek(&mut self, from: impl Into<IpAddr>, number: u8) -> (Leg, LocateToken) {
        let request =
            TunnelRequest::Contact { contact: contact(number), payload: vec![0xa0], signal: true };
        let admission = self.ask_at(from, request).unwrap();
        assert!(matches!(admission.role, Role::Rings { signal: true, .. }));
        let outputs = self.outputs();
        let [.., RendezvousOutput::Locate { token, contact: asked }] = &outputs[..] else {
            panic!("{outputs:?}")
        };
        assert_eq!(*asked, contact(number));
        (admission.leg, *token)
    }

    fn located(&mut self, token: LocateToken, location: Location) -> Vec<RendezvousOutput> {
        self.relay.handle_located(token, location, self.now);
        self.outputs()
    }
}

const COMPUTER: [u8; 4] = [10, 0, 0, 2];

#[test]
fn nobody_is_asked_about_a_phone_that_listens_here() {
    let mut service = node(Limits::default());
    let phone = service.listen(1).unwrap();
    service.ring(1).unwrap();
    service.told(phone);
}

#[test]
fn a_phone_that_listens_nowhere_is_not_found() {
    let mut service = node(Limits::default());
    for nowhere in [Location::Nowhere, Location::Here, Location::Elsewhere(9)] {
        let (computer, token) = service.seek(COMPUTER, 1);
        assert_eq!(service.relay.counts(), Counts { locating: 1, ..Counts::default() });
        assert_eq!(service.located(token, nowhere), [answer(computer, Err(Refusal::NotFound))]);
        service.relay.handle_closed(computer, service.now);
        assert_eq!(service.relay.counts(), Counts::default());
    }
    assert!(service.relay.shares.is_empty());
}

#[test]
fn of_a_phone_at_another_node_the_computer_is_told_that_it_is_wrong_here() {
    let mut service = node(Limits::default());
    let (computer, token) = service.seek(COMPUTER, 1);
    let elsewhere = answer(computer, Err(Refusal::Elsewhere(3)));
    assert_eq!(service.located(token, Location::Elsewhere(3)), [elsewhere]);
    assert_eq!(Refusal::Elsewhere(3).status(), 421);
}

#[test]
fn a_phone_that_comes_before_the_answer_is_rung_whatever_the_answer() {
    for location in [Location::Here, Location::Nowhere, Location::Elsewhere(3)] {
        let mut service = node(Limits::default());
        let (computer, token) = service.seek(COMPUTER, 1);
        let phone = service.listen(1).unwrap();
        assert_eq!(service.outputs(), []);
        service.relay.handle_located(token, location, service.now);
        let (ring, routing, tunnel) = service.told(phone);
        let counts = Counts { ringing: 1, listening: 1, ..Counts::default() };
        assert_eq!(service.relay.counts(), counts);
        assert_eq!(service.say(phone, FromPhone::Accept(ring)), [answer(computer, Ok(()))]);
        let joined = service.ask_from(1, TunnelRequest::Connect { routing, tunnel });
        let with = joined.map(|admission| admission.role);
        assert_eq!(with, Ok(Role::Joins { with: computer }));
    }
}

#[test]
fn a_phone_that_comes_and_leaves_before_the_answer_is_expected_back() {
    let mut service = node(Limits::default());
    let (computer, token) = service.seek(COMPUTER, 1);
    let phone = service.listen(1).unwrap();
    service.relay.handle_closed(phone, service.now);
    assert_eq!(service.located(token, Location::Here), []);
    let phone = service.listen(1).unwrap();
    let (ring, ..) = service.told(phone);
    assert_eq!(service.say(phone, FromPhone::Accept(ring)), [answer(computer, Ok(()))]);
}

#[test]
fn a_phone_that_leaves_for_good_before_the_answer_is_not_found() {
    let limits = Limits { resume_time: Duration::from_secs(1), ..Limits::default() };
    let mut service = node(limits);
    let (computer, token) = service.seek(COMPUTER, 1);
    let phone = service.listen(1).unwrap();
    service.relay.handle_closed(phone, service.now);
    assert_eq!(service.pass(limits.resume_time), []);
    let not_found = answer(computer, Err(Refusal::NotFound));
    assert_eq!(service.located(token, Location::Here), [not_found]);
}

#[test]
fn a_contact_that_is_revoked_before_the_answer_is_gone() {
    let mut service = node(Limits::default());
    let (computer, token) = service.seek(COMPUTER, 1);
    let phone = service.listen(1).unwrap();
    service.say(phone, FromPhone::Revoke);
    service.relay.handle_closed(phone, service.now);
    let gone = answer(computer, Err(Refusal::Gone));
    assert_eq!(service.located(token, Location::Nowhere), [gone]);
}

#[test]
fn without_an_answer_the_computer_is_told_nothing_about_the_phone() {
    let mut service = node(Limits::default());
    let (computer, token) = service.seek(COMPUTER, 1);
    let patience = Limits::default().locate_time;
    assert_eq!(service.pass(patience - Duration::from_millis(1)), []);
    assert_eq!(service.relay.poll_timeout(), service.now.checked_add(Duration::from_millis(1)));
    // Not 404, and never 410: a link stays.
    let refused = answer(computer, Err(Refusal::Unavailable));
    assert_eq!(service.pass(Duration::from_millis(1)), [refused]);
    // Too late, also when the phone is here by now.
    service.listen(1).unwrap();
    assert_eq!(service.located(token, Location::Here), []);
    assert_eq!(service.relay.counts().ringing, 0);
}

#[test]
fn an_answer_that_comes_in_the_moment_of_the_deadline_is_late() {
    let mut service = node(Limits::default());
    let (computer, token) = service.seek(COMPUTER, 1);
    service.now = service.now.checked_add(Limits::default().locate_time).unwrap();
    let refused = answer(computer, Err(Refusal::Unavailable));
    assert_eq!(service.located(token, Location::Nowhere), [refused]);
}

#[test]
fn the_time_for_the_answer_is_part_of_the_phones_time() {
    let limits = Limits::default();
    let mut service = node(limits);
    let (computer, token) = service.seek(COMPUTER, 1);
    let wait = Duration::from_secs(2);
    service.pass(wait);
    let phone = service.listen(1).unwrap();
    service.relay.handle_located(token, Location::Here, service.now);
    service.told(phone);
    assert_eq!(service.pass(limits.ring_answer - wait - Duration::from_millis(1)), []);
    let outputs = service.pass(Duration::from_millis(1));
    assert!(outputs.contains(&answer(computer, Err(Refusal::NotFound))), "{outputs:?}");
}

#[test]
fn a_second_answer_changes_nothing() {
    let mut service = node(Limits::default());
    let (first, token) = service.seek(COMPUTER, 1);
    let phone = service.listen(1).unwrap();
    service.relay.handle_located(token, Location::Here, service.now);
    let (ring, ..) = service.told(phone);
    for location in [Location::Here, Location::Nowhere, Location::Elsewhere(3)] {
        assert_eq!(service.located(token, location), []);
    }
    assert_eq!(service.say(phone, FromPhone::Accept(ring)), [answer(first, Ok(()))]);
    assert_eq!(service.located(token, Location::Nowhere), []);
}

#[test]
fn a_computer_that_hangs_up_before_the_answer_rings_nobody() {
    let mut service = node(Limits::default());
    let (computer, token) = service.seek(COMPUTER, 1);
    service.relay.handle_closed(computer, service.now);
    assert_eq!(service.relay.counts(), Counts::default());
    assert!(service.relay.shares.is_empty() && service.relay.locating_crowd.is_empty());
    service.listen(1).unwrap();
    assert_eq!(service.located(token, Location::Here), []);
    assert_eq!(service.relay.counts().ringing, 0);
}

/// Rings of phones that do not exist cost nothing but places of their own.
#[test]
fn thousands_who_ring_unknown_phones_push_out_only_each_other() {
    let limits = Limits { per_source: 5000, ringing: 1, ..Limits::default() };
    let mut service = node(limits);
    let phone = service.listen(1).unwrap();
    let caller = service.ring_at([198, 51, 100, 4], 1).unwrap();
    let (ring, ..) = service.told(phone);
    let (honest, token) = service.seek([192, 0, 2, 1], 2);
    let mut refused = 0;
    for number in 0..5000_u16 {
        let flooder = [203, 0, 113, 7];
        let request =
            TunnelRequest::Contact { contact: contact(3), payload: vec![0xa0], signal: false };
        service.ask_at(flooder, request).unwrap();
        for output in service.outputs() {
            match output {
                RendezvousOutput::Answer { leg, answer: Err(Refusal::Unavailable) } => {
                    assert_ne!(leg, honest, "{number}");
                    service.relay.handle_closed(leg, service.now);
                    refused += 1;
                }
                RendezvousOutput::Locate { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(service.relay.counts().locating <= limits.locating);
    }
    assert_eq!(refused, 5000 + 1 - limits.locating);
    let not_found = answer(honest, Err(Refusal::NotFound));
    assert_eq!(service.located(token, Location::Nowhere), [not_found]);
    assert_eq!(service.say(phone, FromPhone::Accept(ring)), [answer(caller, Ok(()))]);
}

#[test]
fn whoever_is_looked_for_when_the_service_stops_is_not_waited_for() {
    let mut service = node(Limits::default());
    let (computer, token) = service.seek(COMPUTER, 1);
    let phone = service.listen(2).unwrap();
    service.relay.handle_drain(service.now);
    let outputs = service.outputs();
    assert!(outputs.contains(&answer(computer, Err(Refusal::Unavailable))), "{outputs:?}");
    assert!(outputs.contains(&close(phone, Ending::ShuttingDown)), "{outputs:?}");
    assert_eq!(service.located(token, Location::Here), []);
}
