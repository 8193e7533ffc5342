//! The rendezvous with a clock moved by hand.

mod attacks;
mod crowd;
mod finding;
mod leaving;
mod missing;
mod moving;
mod nodes;
mod numbers;
mod revoking;
mod ringing;

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::ids::ContactId;
use crate::message::RingId;
use crate::tunnel::MAX_MESSAGE;
use crate::{ContactState, Heard, Meter, OriginPolicy, RequestHead};

const TUNNEL: &str = "000102030405060708090a0B0C0D0E0F";

fn head(target: &str) -> RequestHead<'_> {
    RequestHead {
        method: "GET",
        target,
        hosts: vec!["cable.example"],
        subprotocols: vec!["fido.cable"],
        ..RequestHead::default()
    }
}

fn tunnel(number: u8) -> TunnelId {
    TunnelId::new([number; 16])
}

struct Service {
    relay: Rendezvous,
    now: Instant,
    revoked: Vec<ContactId>,
    /// Whether what is known of revoked contacts is told at once.
    prompt: bool,
}

impl Service {
    fn new(limits: Limits) -> Self {
        let provider = towline_crypto::rustcrypto::provider();
        Self {
            relay: Rendezvous::new(9, limits, provider),
            now: Instant::now(),
            revoked: vec![ContactId::new([1])],
            prompt: true,
        }
    }

    fn ask_from(&mut self, source: u8, request: TunnelRequest) -> Result<Admission, Refusal> {
        self.ask_at([10, 0, 0, source], request)
    }

    fn ask_at(
        &mut self,
        from: impl Into<IpAddr>,
        request: TunnelRequest,
    ) -> Result<Admission, Refusal> {
        let admission = self.relay.handle_request(Source::of(from.into()), request, self.now)?;
        if self.prompt {
            self.remember();
        }
        // What is known at once is the response, as it is of a service.
        let refused = self.relay.outputs.iter().position(|output| match output {
            RendezvousOutput::Answer { leg, answer: Err(_) }
            | RendezvousOutput::Close { leg, ending: Ending::Revoked } => *leg == admission.leg,
            _ => false,
        });
        let Some(refused) = refused.and_then(|at| self.relay.outputs.remove(at)) else {
            return Ok(admission);
        };
        self.relay.handle_closed(admission.leg, self.now);
        match refused {
            RendezvousOutput::Answer { answer: Err(refusal), .. } => Err(refusal),
            _ => Err(Refusal::Gone),
        }
    }

    /// Answers what the rendezvous wants to know of revoked contacts, and keeps new ones.
    fn remember(&mut self) {
        while let Some(at) = self.relay.outputs.iter().position(|output| {
            matches!(output, RendezvousOutput::Recall { .. } | RendezvousOutput::Revoke { .. })
        }) {
            match self.relay.outputs.remove(at) {
                Some(RendezvousOutput::Recall { token, contact }) => {
                    let revoked = self.revoked.contains(&contact);
                    let state = if revoked { ContactState::Revoked } else { ContactState::Unknown };
                    self.relay.handle_recalled(token, Some(state), self.now);
                }
                Some(RendezvousOutput::Revoke { token, contact, .. }) => {
                    self.revoked.push(contact);
                    self.relay.handle_revoked(token, true, self.now);
                }
                _ => {}
            }
        }
    }

    fn open(&mut self, number: u8) -> (Leg, RoutingId) {
        match self.ask_from(1, TunnelRequest::New { tunnel: tunnel(number) }) {
            Ok(Admission { leg, role: Role::Waits { routing_id, .. } }) => (leg, routing_id),
            other => panic!("{other:?}"),
        }
    }

    fn connect(&mut self, routing: RoutingId, number: u8) -> Result<Admission, Refusal> {
        self.ask_from(2, TunnelRequest::Connect { routing, tunnel: tunnel(number) })
    }

    fn pass_quietly(&mut self, time: Duration) {
        self.now = self.now.checked_add(time).unwrap();
        self.relay.handle_timeout(self.now);
    }

    fn pass(&mut self, time: Duration) -> Vec<RendezvousOutput> {
        self.pass_quietly(time);
        std::iter::from_fn(|| self.relay.poll_output()).collect()
    }
}

#[test]
fn the_three_paths_are_read_in_either_case() {
    let upper = TUNNEL.to_uppercase();
    let id = TunnelId::from_hex(TUNNEL).unwrap();
    assert_eq!(head(&format!("/cable/new/{TUNNEL}")).read(), Ok(TunnelRequest::New { tunnel: id }));
    assert_eq!(head(&format!("/cable/new/{upper}")).read(), Ok(TunnelRequest::New { tunnel: id }));
    let routing = RoutingId::new([0xab, 0xcd, 0xef]);
    let connect = TunnelRequest::Connect { routing, tunnel: id };
    assert_eq!(head(&format!("/cable/connect/aBcDeF/{TUNNEL}")).read(), Ok(connect));
}

#[test]
fn malformed_identifiers_are_bad_requests() {
    let long = "A".repeat(345);
    for target in [
        "/cable/new".to_owned(),
        "/cable/new/".to_owned(),
        format!("/cable/new/{TUNNEL}0"),
        format!("/cable/new/{TUNNEL}/"),
        format!("/cable/new/{TUNNEL}?x=1"),
        format!("/cable/new/%30{}", &TUNNEL[1..]),
        format!("/cable/new/+{}", &TUNNEL[1..]),
        format!("/cable/new/é{}", &TUNNEL[2..]),
        "/cable/connect".to_owned(),
        format!("/cable/connect/{TUNNEL}"),
        format!("/cable/connect/abcd/{TUNNEL}"),
        format!("/cable/connect/abcdef00/{TUNNEL}"),
        "/cable/connect/abcdef/00".to_owned(),
        format!("/cable/connect/abcdef/{TUNNEL}/x"),
        "/cable/contact/".to_owned(),
        "/cable/contact/a=".to_owned(),
        "/cable/contact/+/8".to_owned(),
        format!("/cable/contact/{long}"),
    ] {
        assert_eq!(head(&target).read(), Err(Refusal::Malformed), "{target}");
    }
}

#[test]
fn other_paths_are_not_found() {
    for target in [
        "",
        "/",
        "*",
        "/cable",
        "/cable/",
        "/Cable/new/",
        "//cable/new/",
        "/cable/newer/x",
        "/x/cable/new/",
    ] {
        assert_eq!(head(target).read(), Err(Refusal::NotFound), "{target}");
    }
}

#[test]
fn only_get_is_served() {
    let target = format!("/cable/new/{TUNNEL}");
    for method in ["POST", "HEAD", "get", "CONNECT", ""] {
        let request = RequestHead { method, ..head(&target) };
        assert_eq!(request.read(), Err(Refusal::Method), "{method}");
    }
}

#[test]
fn the_subprotocol_must_be_offered_exactly() {
    let target = format!("/cable/new/{TUNNEL}");
    for (values, accepted) in [
        (vec!["fido.cable"], true),
        (vec!["chat , fido.cable"], true),
        (vec!["chat", "fido.cable"], true),
        (vec![], false),
        (vec![""], false),
        (vec!["Fido.Cable"], false),
        (vec!["fido.cable2"], false),
        (vec!["fido cable"], false),
    ] {
        let request = RequestHead { subprotocols: values.clone(), ..head(&target) };
        assert_eq!(request.read().is_ok(), accepted, "{values:?}");
    }
}

#[test]
fn an_origin_policy_wants_exactly_one_listed_origin() {
    let target = format!("/cable/new/{TUNNEL}");
    let policy = OriginPolicy::OneOf(vec!["wss://cable.example".to_owned()]);
    for (origins, accepted) in [
        (vec!["wss://cable.example"], true),
        (vec!["WSS://Cable.Example"], true),
        (vec![], false),
        (vec!["null"], false),
        (vec!["https://cable.example"], false),
        (vec!["wss://cable.example", "wss://cable.example"], false),
    ] {
        let request =
            RequestHead { origins: origins.clone(), origin_policy: Some(&policy), ..head(&target) };
        let expected = if accepted { Ok(()) } else { Err(Refusal::Origin) };
        assert_eq!(request.read().map(drop), expected, "{origins:?}");
        let request = RequestHead { origin_policy: Some(&OriginPolicy::Any), ..request };
        assert!(request.read().is_ok());
    }
}

/// Chromium and towline send the service's own origin with `wss`, others send none; behind a proxy
/// the host may be another.
#[test]
fn what_peers_send_as_their_origin_is_served_and_pages_are_not() {
    let target = format!("/cable/new/{TUNNEL}");
    let policy = OriginPolicy::NoPages { but: vec!["https://good.example".to_owned()] };
    for (origins, host, accepted) in [
        (vec![], "cable.example", true),
        (vec![""], "cable.example", true),
        (vec!["wss://cable.ua5v.com"], "cable.ua5v.com", true),
        (vec!["wss://cable.ua5v.com"], "10.0.0.7:8080", true),
        (vec!["ws://127.0.0.1:4433"], "127.0.0.1:4433", true),
        (vec!["https://cable.example"], "cable.example", true),
        (vec!["https://CABLE.example"], "cable.example:443", true),
        (vec!["http://[::1]:80"], "[::1]:80", true),
        (vec!["https://good.example"], "cable.example", true),
        (vec!["https://evil.example"], "cable.example", false),
        (vec!["http://evil.example:8080"], "cable.example:8080", false),
        (vec!["https://cable.example.evil.example"], "cable.example", false),
        (vec!["https://"], "", false),
        (vec!["null"], "cable.example", false),
        (vec!["file://"], "cable.example", false),
        (vec!["chrome-extension://abcdef"], "cable.example", false),
        (vec!["wss://cable.example", "https://evil.example"], "cable.example", false),
    ] {
        let request = RequestHead {
            origins: origins.clone(),
            hosts: vec![host],
            origin_policy: Some(&policy),
            ..head(&target)
        };
        let expected = if accepted { Ok(()) } else { Err(Refusal::Origin) };
        assert_eq!(request.read().map(drop), expected, "{origins:?} {host}");
    }
}

#[test]
fn a_request_names_one_host() {
    let target = format!("/cable/new/{TUNNEL}");
    for (hosts, good) in
        [(vec![], false), (vec!["a"], true), (vec![""], true), (vec!["a"; 2], false)]
    {
        let request = RequestHead { hosts, ..head(&target) };
        let expected = if good { Ok(()) } else { Err(Refusal::Malformed) };
        assert_eq!(request.read().map(drop), expected, "{:?}", request.hosts);
    }
}

#[test]
fn a_computer_joins_the_phone_that_waits() {
    let mut service = Service::new(Limits::default());
    let (phone, routing) = service.open(1);
    assert_eq!(routing.as_bytes()[0], 9);
    assert_eq!(service.relay.counts(), Counts { waiting: 1, ..Counts::default() });
    let Ok(Admission { leg, role: Role::Joins { with } }) = service.connect(routing, 1) else {
        panic!()
    };
    assert_eq!(with, phone);
    assert_ne!(leg, phone);
    assert_eq!(service.relay.counts(), Counts { joined: 2, ..Counts::default() });
}

#[test]
fn a_tunnel_id_that_waits_or_was_used_is_in_use() {
    let mut service = Service::new(Limits::default());
    let (phone, routing) = service.open(1);
    let again = TunnelRequest::New { tunnel: tunnel(1) };
    assert_eq!(service.ask_from(3, again.clone()), Err(Refusal::InUse));
    let Ok(Admission { leg, .. }) = service.connect(routing, 1) else { panic!() };
    assert_eq!(service.ask_from(3, again.clone()), Err(Refusal::InUse));
    for leg in [phone, leg] {
        service.relay.handle_closed(leg, service.now);
    }
    assert_eq!(service.ask_from(3, again.clone()), Err(Refusal::InUse));
    service.pass(Limits::default().id_memory);
    assert!(service.ask_from(3, again).is_ok());
}

#[test]
fn a_phone_that_left_before_anybody_joined_may_come_again() {
    let mut service = Service::new(Limits::default());
    let (phone, routing) = service.open(1);
    service.relay.handle_closed(phone, service.now);
    assert_eq!(service.connect(routing, 1), Err(Refusal::NotFound));
    service.open(1);
}

#[test]
fn nobody_joins_without_the_right_ids_or_twice() {
    let mut service = Service::new(Limits::default());
    let (_, routing) = service.open(1);
    let [node, high, low] = *routing.as_bytes();
    assert_eq!(service.connect(routing, 2), Err(Refusal::NotFound));
    assert_eq!(service.connect(RoutingId::new([node, high ^ 1, low]), 1), Err(Refusal::NotFound));
    assert_eq!(service.connect(RoutingId::new([node ^ 1, high, low]), 1), Err(Refusal::NotFound));
    assert!(service.connect(routing, 1).is_ok());
    assert_eq!(service.connect(routing, 1), Err(Refusal::NotFound));
}

#[test]
fn a_phone_waits_no_longer_than_it_may() {
    let mut service = Service::new(Limits::default());
    let (leg, routing) = service.open(1);
    assert_eq!(service.relay.poll_timeout(), Some(service.now + Limits::default().waiting_time));
    assert_eq!(service.pass(Limits::default().waiting_time - Duration::from_millis(1)), []);
    let closed = RendezvousOutput::Close { leg, ending: Ending::LifetimeOver };
    assert_eq!(service.pass(Duration::from_millis(1)), [closed]);
    assert_eq!(service.connect(routing, 1), Err(Refusal::NotFound));
    assert_eq!(service.pass(Duration::from_secs(9)), []);
    assert_eq!(service.relay.poll_timeout(), None);
}

#[test]
fn a_tunnel_lives_no_longer_than_it_may() {
    let mut service = Service::new(Limits::default());
    let (phone, routing) = service.open(1);
    service.pass(Duration::from_secs(100));
    let Ok(Admission { leg, .. }) = service.connect(routing, 1) else { panic!() };
    assert_eq!(service.pass(Limits::default().pair_time - Duration::from_millis(1)), []);
    let ending = Ending::LifetimeOver;
    let both =
        [RendezvousOutput::Close { leg: phone, ending }, RendezvousOutput::Close { leg, ending }];
    assert_eq!(service.pass(Duration::from_millis(1)), both);
}

#[test]
fn limits_hold_for_tunnels_and_sources() {
    let mut service = Service::new(Limits { pairs: 1, per_source: 2, ..Limits::default() });
    let (first, routing) = service.open(1);
    let (_, second_routing) = service.open(2);
    assert_eq!(
        service.ask_from(1, TunnelRequest::New { tunnel: tunnel(3) }),
        Err(Refusal::TooMany)
    );
    let Ok(Admission { leg, .. }) = service.connect(routing, 1) else { panic!() };
    assert_eq!(service.connect(second_routing, 2), Err(Refusal::Unavailable));
    service.relay.handle_closed(first, service.now);
    service.relay.handle_closed(leg, service.now);
    assert!(service.connect(second_routing, 2).is_ok());
    assert!(service.ask_from(1, TunnelRequest::New { tunnel: tunnel(3) }).is_ok());
    let mut none = Service::new(Limits { waiting: 0, ..Limits::default() });
    assert_eq!(
        none.ask_from(1, TunnelRequest::New { tunnel: tunnel(1) }),
        Err(Refusal::Unavailable)
    );
}

#[test]
fn used_ids_are_remembered_within_bounds() {
    let mut service = Service::new(Limits { remembered_ids: 1, ..Limits::default() });
    for number in [1, 2] {
        let (_, routing) = service.open(number);
        service.connect(routing, number).unwrap();
    }
    service.open(1);
    assert_eq!(service.ask_from(1, TunnelRequest::New { tunnel: tunnel(2) }), Err(Refusal::InUse));
}

#[test]
fn contacts_are_unknown_or_gone() {
    let mut service = Service::new(Limits::default());
    let contact = |byte: u8| TunnelRequest::Contact {
        contact: ContactId::new([byte]),
        payload: vec![0xa0],
        signal: false,
    };
    assert_eq!(service.ask_from(1, contact(0)), Err(Refusal::NotFound));
    assert_eq!(service.ask_from(1, contact(1)), Err(Refusal::Gone));
}

#[test]
fn a_meter_stops_long_and_numerous_messages() {
    let limits = Limits { message_bytes: 10, messages: 2, control_frames: 1, ..Limits::default() };
    let mut meter = Meter::new(&limits);
    assert_eq!(meter.clone().handle_piece(11, true), Err(Ending::TooLong));
    assert_eq!(meter.handle_piece(10, true), Ok(()));
    assert_eq!(meter.clone().handle_piece(1, false), Err(Ending::TooLong));
    assert_eq!(meter.handle_piece(4, true), Ok(()));
    assert_eq!(meter.handle_piece(6, false), Ok(()), "more of the second");
    assert_eq!(meter.handle_piece(0, true), Err(Ending::TooManyMessages));
    assert_eq!(meter.handle_control(), Ok(()));
    assert_eq!(meter.handle_control(), Err(Ending::TooManyMessages));
}

#[test]
fn a_meter_stops_what_is_too_much_in_all() {
    let limits = Limits { tunnel_bytes: 25, ..Limits::default() };
    let mut meter = Meter::new(&limits);
    assert_eq!(meter.handle_piece(10, true), Ok(()));
    assert_eq!(meter.handle_piece(15, true), Ok(()));
    assert_eq!(meter.handle_piece(0, true), Ok(()));
    assert_eq!(meter.handle_piece(1, true), Err(Ending::TooMuch));
}

#[test]
fn by_default_a_tunnel_carries_the_longest_frame_and_16_mib_each_way() {
    let mut meter = Meter::new(&Limits::default());
    for _ in 0..16 {
        assert_eq!(meter.handle_piece(MAX_MESSAGE, true), Ok(()));
    }
    assert_eq!(meter.handle_piece(1, true), Err(Ending::TooMuch));
}

#[test]
fn unknown_legs_are_ignored() {
    let mut service = Service::new(Limits::default());
    let (leg, _) = service.open(1);
    service.relay.handle_closed(leg, service.now);
    service.relay.handle_closed(leg, service.now);
    assert_eq!(service.relay.counts(), Counts::default());
}

#[test]
fn a_time_too_long_for_the_clock_means_never() {
    let limits = Limits {
        waiting_time: Duration::MAX,
        pair_time: Duration::MAX,
        id_memory: Duration::MAX,
        ..Limits::default()
    };
    let mut service = Service::new(limits);
    let (_, routing) = service.open(1);
    assert_eq!(service.pass(Duration::from_secs(3600)), []);
    assert!(service.connect(routing, 1).is_ok());
    assert_eq!(service.pass(Duration::from_secs(3600)), []);
    let again = service.ask_from(1, TunnelRequest::New { tunnel: tunnel(1) });
    assert_eq!(again, Err(Refusal::InUse));
}

/// A node that was restarted is told of the rings of its earlier run for a while.
#[test]
fn two_runs_of_a_node_give_rings_other_names() {
    let mut names = Vec::new();
    for _ in 0..2 {
        let mut service = Service::new(Limits::default());
        service.prompt = false;
        let contact =
            TunnelRequest::Contact { contact: ContactId::new([0]), payload: vec![], signal: false };
        for _ in 0..2 {
            match service.ask_from(1, contact.clone()).unwrap().role {
                Role::Rings { ring, .. } => names.push(ring.0),
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(names.iter().all(|name| name >> 56 == 9), "{names:?}");
    let [one, next, other, _] = names[..] else { panic!("{names:?}") };
    assert_eq!(next & 0xff, one.wrapping_add(1) & 0xff);
    assert!(one.abs_diff(other) > 1, "{names:?}");
}

#[test]
fn only_one_of_several_nodes_is_a_wrong_turn() {
    let mut alone = Service::new(Limits::default());
    let elsewhere = RoutingId::new([0xff, 1, 2]);
    assert_eq!(alone.connect(elsewhere, 1), Err(Refusal::NotFound));
    assert_eq!(alone.relay.node_counts().misrouted, 0);
    let mut one = Service::new(Limits::default());
    one.relay = one.relay.with_bus(crate::bus::NodeInstance::new([1; 8]), one.now);
    assert_eq!(one.connect(elsewhere, 1), Err(Refusal::NotFound));
    assert_eq!(one.relay.node_counts().misrouted, 1);
    assert_eq!(one.connect(RoutingId::new([9, 1, 2]), 1), Err(Refusal::NotFound));
    assert_eq!(one.relay.node_counts().misrouted, 1);
}
