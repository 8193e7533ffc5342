//! Nodes of one service on a bus that delivers at once, and phones that no node knows.

use super::ringing::{answer, close, contact, key, send, service_with};
use super::*;
use crate::bus::{BusAddress, BusMessage, ContactTag, NodeInstance, Why};
use crate::message::{FromPhone, FromService, Reason};
use crate::{ContactState, RecallToken};

pub(super) const COMPUTER: [u8; 4] = [10, 0, 0, 2];
pub(super) const PHONE: [u8; 4] = [10, 0, 0, 1];

/// One node that is told nothing of revoked contacts by itself.
fn forgetful() -> Service {
    let mut service = service_with(Limits::default());
    service.prompt = false;
    service
}

impl Service {
    /// Rings a phone that does not listen here: the computer, and the question.
    fn seek(&mut self, from: impl Into<IpAddr>, number: u8) -> (Leg, RecallToken) {
        let request =
            TunnelRequest::Contact { contact: contact(number), payload: vec![0xa0], signal: true };
        let admission = self.ask_at(from, request).unwrap();
        let outputs = self.outputs();
        let [.., RendezvousOutput::Recall { token, contact: asked }] = &outputs[..] else {
            panic!("{outputs:?}")
        };
        assert_eq!(*asked, contact(number));
        (admission.leg, *token)
    }

    fn recalled(
        &mut self,
        token: RecallToken,
        state: Option<ContactState>,
    ) -> Vec<RendezvousOutput> {
        self.relay.handle_recalled(token, state, self.now);
        self.outputs()
    }
}

#[test]
fn a_phone_that_listens_nowhere_is_not_found_gone_or_not_spoken_of() {
    for (state, refusal) in [
        (Some(ContactState::Unknown), Refusal::NotFound),
        (Some(ContactState::Revoked), Refusal::Gone),
        // Never 410 without the proof: a link stays.
        (None, Refusal::Unavailable),
    ] {
        let mut service = forgetful();
        let (computer, token) = service.seek(COMPUTER, 1);
        assert_eq!(service.relay.counts(), Counts { locating: 1, ..Counts::default() });
        assert_eq!(service.recalled(token, state), [answer(computer, Err(refusal))]);
        assert_eq!(service.recalled(token, state), [], "once");
        service.relay.handle_closed(computer, service.now);
        assert_eq!(service.relay.counts(), Counts::default());
        assert!(service.relay.shares.is_empty());
    }
}

#[test]
fn without_an_answer_the_computer_is_told_nothing_about_the_phone() {
    let mut service = forgetful();
    let (computer, token) = service.seek(COMPUTER, 1);
    let patience = Limits::default().ring_answer;
    assert_eq!(service.pass(patience - Duration::from_millis(1)), []);
    let refused = answer(computer, Err(Refusal::Unavailable));
    assert_eq!(service.pass(Duration::from_millis(1)), [refused]);
    assert_eq!(service.recalled(token, Some(ContactState::Revoked)), []);
}

#[test]
fn a_phone_that_comes_before_the_answer_is_rung() {
    let mut service = forgetful();
    let (computer, token) = service.seek(COMPUTER, 1);
    let phone = service.listen(1).unwrap();
    let outputs = service.outputs();
    let [RendezvousOutput::Recall { token: listener, .. }, RendezvousOutput::Send { leg, message }] =
        &outputs[..]
    else {
        panic!("{outputs:?}")
    };
    assert_eq!(*leg, phone);
    let Some(FromService::Ring { ring, .. }) = FromService::decode(message) else { panic!() };
    assert_eq!(service.recalled(token, Some(ContactState::Unknown)), [], "it is not asked for");
    assert_eq!(service.recalled(*listener, Some(ContactState::Unknown)), []);
    assert_eq!(service.say(phone, FromPhone::Accept(ring)), [answer(computer, Ok(()))]);
}

#[test]
fn a_phone_whose_contact_was_revoked_does_not_stay() {
    let mut service = forgetful();
    let phone = service.listen(1).unwrap();
    let computer = service.ring(1).unwrap();
    let outputs = service.outputs();
    let RendezvousOutput::Recall { token, .. } = outputs[0] else { panic!("{outputs:?}") };
    let closed = [
        answer(computer, Err(Refusal::Gone)),
        send(phone, FromService::Revoked),
        close(phone, Ending::Revoked),
    ];
    assert_eq!(service.recalled(token, Some(ContactState::Revoked)), closed);
    // An answer that is no answer takes nothing from anybody.
    let phone = service.listen(2).unwrap();
    let outputs = service.outputs();
    let RendezvousOutput::Recall { token, .. } = outputs[0] else { panic!("{outputs:?}") };
    assert_eq!(service.recalled(token, None), []);
    service.ring(2).unwrap();
    let _told = service.told(phone);
}

#[test]
fn a_phone_is_told_that_it_is_revoked_once_that_is_kept() {
    let mut service = forgetful();
    let phone = service.listen(1).unwrap();
    service.outputs();
    for kept in [false, true] {
        service.relay.handle_message(phone, &FromPhone::Revoke.encode(), service.now);
        // Twice is once.
        service.relay.handle_message(phone, &FromPhone::Revoke.encode(), service.now);
        let outputs = service.outputs();
        let [RendezvousOutput::Revoke { token, .. }] = outputs[..] else { panic!("{outputs:?}") };
        service.relay.handle_revoked(token, kept, service.now);
        let told = [send(phone, FromService::Revoked), close(phone, Ending::PeerLeft)];
        assert_eq!(service.outputs(), if kept { &told[..] } else { &[] });
    }
}

/// Rings of phones that do not exist cost nothing but places of their own.
#[test]
fn thousands_who_ring_unknown_phones_push_out_only_each_other() {
    let limits = Limits { per_source: 5000, ringing: 1, ..Limits::default() };
    let mut service = service_with(limits);
    service.prompt = false;
    let phone = service.listen(1).unwrap();
    service.outputs();
    let caller = service.ring_at([198, 51, 100, 4], 1).unwrap();
    let (ring, ..) = service.told(phone);
    let (honest, token) = service.seek([192, 0, 2, 1], 2);
    let mut refused = 0;
    for number in 0..5000_u16 {
        let flooder = [203, 0, 113, 7];
        let request =
            TunnelRequest::Contact { contact: contact(3), payload: vec![0xa0], signal: false };
        service.ask_at(flooder, request).ok();
        for output in service.outputs() {
            match output {
                RendezvousOutput::Answer { leg, answer: Err(Refusal::Unavailable) } => {
                    assert_ne!(leg, honest, "{number}");
                    service.relay.handle_closed(leg, service.now);
                    refused += 1;
                }
                RendezvousOutput::Recall { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(service.relay.counts().locating <= limits.locating);
    }
    assert_eq!(refused, 5000 + 1 - limits.locating);
    let not_found = answer(honest, Err(Refusal::NotFound));
    assert_eq!(service.recalled(token, Some(ContactState::Unknown)), [not_found]);
    assert_eq!(service.say(phone, FromPhone::Accept(ring)), [answer(caller, Ok(()))]);
}

/// Nodes 0, 1, 2, whose messages arrive at once.
pub(super) struct Nodes {
    pub(super) nodes: Vec<Service>,
}

fn instance(node: usize) -> NodeInstance {
    NodeInstance::new([u8::try_from(node).unwrap(); 8])
}

impl Nodes {
    pub(super) fn new(count: usize) -> Self {
        let provider = towline_crypto::rustcrypto::provider();
        let now = Service::new(Limits::default()).now;
        let nodes = (0..count).map(|node| {
            let number = u8::try_from(node).unwrap();
            let relay = Rendezvous::new(number, Limits::default(), provider.clone());
            let mut relay = relay.with_bus(instance(node), now);
            relay.handle_bus_state(true, now);
            Service { relay, now, revoked: Vec::new(), prompt: true }
        });
        let mut nodes = Self { nodes: nodes.collect() };
        nodes.deliver();
        nodes
    }

    /// Delivers until nobody has anything to say; what else each wants done.
    pub(super) fn deliver(&mut self) -> Vec<(usize, RendezvousOutput)> {
        let mut others = Vec::new();
        loop {
            let said: Vec<(usize, RendezvousOutput)> = self
                .nodes
                .iter_mut()
                .enumerate()
                .flat_map(|(at, node)| {
                    node.remember();
                    node.outputs().into_iter().map(move |output| (at, output))
                })
                .collect();
            if said.is_empty() {
                return others;
            }
            for (at, output) in said {
                let RendezvousOutput::Publish { to, message } = output else {
                    others.push((at, output));
                    continue;
                };
                for (other, node) in self.nodes.iter_mut().enumerate() {
                    if to == BusAddress::All || to == BusAddress::Node(instance(other)) {
                        assert!(node.relay.handle_bus(&message, node.now), "understood");
                    }
                }
            }
        }
    }

    pub(super) fn pass(&mut self, time: Duration) -> Vec<(usize, RendezvousOutput)> {
        for node in &mut self.nodes {
            node.pass_quietly(time);
        }
        self.deliver()
    }

    pub(super) fn listen(&mut self, node: usize, sequence: u64) -> Leg {
        let request = TunnelRequest::Listen { key: key(1), sequence };
        let leg = self.nodes[node].ask_at(PHONE, request).unwrap().leg;
        assert_eq!(self.pass(Duration::from_millis(10)), []);
        leg
    }

    pub(super) fn ring(&mut self, node: usize) -> Leg {
        let request =
            TunnelRequest::Contact { contact: contact(1), payload: vec![0xa0], signal: true };
        self.nodes[node].ask_at(COMPUTER, request).unwrap().leg
    }

    /// The ring of which the phone at this node is told.
    pub(super) fn told(&mut self, node: usize, phone: Leg) -> (RingId, RoutingId, TunnelId) {
        let outputs = self.deliver();
        let [(at, RendezvousOutput::Send { leg, message })] = &outputs[..] else {
            panic!("{outputs:?}")
        };
        assert_eq!((*at, *leg), (node, phone));
        match FromService::decode(message) {
            Some(FromService::Ring { ring, routing_id, tunnel_id, .. }) => {
                (ring, routing_id, tunnel_id)
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn say(&mut self, node: usize, phone: Leg, message: FromPhone) {
        let node = &mut self.nodes[node];
        assert_eq!(node.relay.handle_message(phone, &message.encode(), node.now), Heard::Taken);
    }
}

#[test]
fn a_computer_at_one_node_rings_a_phone_at_another() {
    let mut nodes = Nodes::new(3);
    let phone = nodes.listen(0, 1);
    let computer = nodes.ring(1);
    let (ring, routing, tunnel) = nodes.told(0, phone);
    assert_eq!(routing.as_bytes()[0], 1, "the phone goes to where the computer waits");
    nodes.say(0, phone, FromPhone::Accept(ring));
    assert_eq!(nodes.deliver(), [(1, answer(computer, Ok(())))]);
    let connect = TunnelRequest::Connect { routing, tunnel };
    let joined = nodes.nodes[1].ask_at(PHONE, connect).unwrap();
    assert_eq!(joined.role, Role::Joins { with: computer });
    assert_eq!(nodes.deliver(), [], "and nobody is told that the ring is over");
    assert!(nodes.nodes[0].relay.switchboard.rings.is_empty());
    assert_eq!(nodes.nodes[1].relay.counts(), Counts { joined: 2, ..Counts::default() });
}

#[test]
fn what_a_phone_at_another_node_says_is_what_the_computer_hears() {
    for (reason, refusal) in
        [(Reason::Busy, Refusal::Unavailable), (Reason::Unknown, Refusal::Gone)]
    {
        let mut nodes = Nodes::new(2);
        let phone = nodes.listen(0, 1);
        let computer = nodes.ring(1);
        let (ring, ..) = nodes.told(0, phone);
        nodes.say(0, phone, FromPhone::Refuse(ring, reason));
        assert_eq!(nodes.deliver(), [(1, answer(computer, Err(refusal)))]);
        assert!(nodes.nodes[0].relay.switchboard.rings.is_empty());
    }
}

#[test]
fn a_computer_that_goes_is_over_at_the_phones_node() {
    let mut nodes = Nodes::new(2);
    let phone = nodes.listen(0, 1);
    let computer = nodes.ring(1);
    let (ring, ..) = nodes.told(0, phone);
    let now = nodes.nodes[1].now;
    nodes.nodes[1].relay.handle_closed(computer, now);
    assert_eq!(nodes.deliver(), [(0, send(phone, FromService::Over(ring)))]);
}

#[test]
fn a_phone_that_nobody_holds_is_not_found_and_that_is_remembered() {
    let mut nodes = Nodes::new(2);
    let computer = nodes.ring(1);
    assert_eq!(nodes.deliver(), []);
    let refused = [(1, answer(computer, Err(Refusal::NotFound)))];
    assert_eq!(nodes.pass(Duration::from_millis(300)), refused);
    let request = TunnelRequest::Contact { contact: contact(1), payload: vec![0xa0], signal: true };
    let again = nodes.nodes[1].ask_at(COMPUTER, request);
    assert_eq!(again, Err(Refusal::NotFound), "at once");
    // Until it comes.
    let phone = nodes.listen(0, 1);
    nodes.ring(1);
    let _told = nodes.told(0, phone);
}

#[test]
fn the_later_of_two_connections_has_the_phone() {
    let mut nodes = Nodes::new(3);
    let old = nodes.listen(0, 1);
    nodes.pass(Duration::from_secs(2));
    let request = TunnelRequest::Listen { key: key(1), sequence: 2 };
    let new = nodes.nodes[2].ask_at(PHONE, request).unwrap().leg;
    let let_go = [(0, send(old, FromService::Replaced)), (0, close(old, Ending::Replaced))];
    assert_eq!(nodes.pass(Duration::from_millis(10)), let_go);
    nodes.ring(1);
    let _told = nodes.told(2, new);
    // One that was on its way for longer takes nothing, at whatever node.
    let request = TunnelRequest::Listen { key: key(1), sequence: 1 };
    assert_eq!(nodes.nodes[2].ask_at(PHONE, request.clone()), Err(Refusal::InUse));
    let late = nodes.nodes[1].ask_at(PHONE, request).unwrap().leg;
    let mut let_go = nodes.pass(Duration::from_millis(10));
    let_go.extend(nodes.pass(Duration::from_millis(10)));
    assert!(let_go.contains(&(1, close(late, Ending::Replaced))), "{let_go:?}");
    assert!(!let_go.iter().any(|(node, _)| *node == 2), "{let_go:?}");
}

#[test]
fn a_ring_follows_a_phone_that_moves() {
    let mut nodes = Nodes::new(3);
    let old = nodes.listen(0, 1);
    let computer = nodes.ring(1);
    let (ring, _, tunnel) = nodes.told(0, old);
    let request = TunnelRequest::Listen { key: key(1), sequence: 2 };
    let new = nodes.nodes[2].ask_at(PHONE, request).unwrap().leg;
    let outputs = nodes.pass(Duration::from_millis(10));
    let told = outputs.iter().find_map(|(at, output)| match output {
        RendezvousOutput::Send { leg, message } if (*at, *leg) == (2, new) => {
            FromService::decode(message)
        }
        _ => None,
    });
    let Some(FromService::Ring { ring: again, tunnel_id, .. }) = told else {
        panic!("{outputs:?}")
    };
    assert_eq!((again, tunnel_id), (ring, tunnel), "it knows that it is the same ring");
    nodes.say(2, new, FromPhone::Accept(ring));
    assert_eq!(nodes.deliver(), [(1, answer(computer, Ok(())))]);
}

#[test]
fn a_ring_of_the_phones_own_node_follows_it_too() {
    let mut nodes = Nodes::new(2);
    let old = nodes.listen(0, 1);
    let computer = nodes.ring(0);
    nodes.told(0, old);
    let request = TunnelRequest::Listen { key: key(1), sequence: 2 };
    let new = nodes.nodes[1].ask_at(PHONE, request).unwrap().leg;
    let outputs = nodes.pass(Duration::from_millis(10));
    let told = outputs.iter().find_map(|(at, output)| match output {
        RendezvousOutput::Send { leg, message } if (*at, *leg) == (1, new) => {
            FromService::decode(message)
        }
        _ => None,
    });
    let Some(FromService::Ring { ring, routing_id, tunnel_id, .. }) = told else {
        panic!("{outputs:?}")
    };
    nodes.say(1, new, FromPhone::Accept(ring));
    assert_eq!(nodes.deliver(), [(0, answer(computer, Ok(())))]);
    let connect = TunnelRequest::Connect { routing: routing_id, tunnel: tunnel_id };
    let joined = nodes.nodes[0].ask_at(PHONE, connect).unwrap();
    assert_eq!(joined.role, Role::Joins { with: computer });
    let now = nodes.nodes[0].now;
    nodes.nodes[0].relay.handle_closed(old, now);
    assert_eq!(nodes.nodes[0].relay.counts(), Counts { joined: 2, ..Counts::default() });
}

#[test]
fn without_the_bus_a_nodes_own_phones_are_rung_and_others_are_503_at_once() {
    let mut nodes = Nodes::new(2);
    let phone = nodes.listen(0, 1);
    let waiting = nodes.ring(1);
    let now = nodes.nodes[1].now;
    nodes.nodes[1].relay.handle_bus_state(false, now);
    // Who waits for an answer is told as well.
    let refused = RendezvousOutput::Answer { leg: waiting, answer: Err(Refusal::Unavailable) };
    assert!(nodes.nodes[1].outputs().contains(&refused));
    let request = TunnelRequest::Contact { contact: contact(1), payload: vec![0xa0], signal: true };
    assert_eq!(nodes.nodes[1].ask_at(COMPUTER, request), Err(Refusal::Unavailable));
    nodes.nodes[0].relay.handle_bus_state(false, now);
    nodes.deliver();
    nodes.ring(0);
    let _told = nodes.told(0, phone);
}

#[test]
fn a_ring_that_is_delivered_late_rings_nobody() {
    let mut nodes = Nodes::new(2);
    let phone = nodes.listen(0, 1);
    nodes.pass(Duration::from_secs(10));
    let rung = |at| BusMessage::Ring {
        ring: RingId(1 << 56),
        tag: ContactTag::of(&contact(1), &towline_crypto::rustcrypto::provider()),
        at,
        routing_id: RoutingId::new([1, 2, 3]),
        tunnel_id: TunnelId::new([4; 16]),
        payload: vec![0xa0],
        source: Source::of(COMPUTER.into()),
        left: 6000,
    };
    let now = nodes.nodes[0].now;
    // It said ten seconds ago that the phone is here, and never in the future.
    for at in [10, 8000, 20_000] {
        assert!(nodes.nodes[0].relay.handle_bus(&rung(at).encode(instance(1)), now));
        assert_eq!(nodes.deliver(), []);
    }
    assert_eq!(nodes.nodes[0].relay.node_counts().late_rings, 3);
    assert!(nodes.nodes[0].relay.handle_bus(&rung(10_000).encode(instance(1)), now));
    let _told = nodes.told(0, phone);
}

#[test]
fn a_ring_that_fits_nothing_changes_nothing() {
    let mut nodes = Nodes::new(2);
    let phone = nodes.listen(0, 1);
    let computer = nodes.ring(1);
    let (ring, ..) = nodes.told(0, phone);
    // A node speaks for its own rings only, and nobody for those of this one.
    for message in [
        BusMessage::Comes(ring),
        BusMessage::Refused(ring, Why::Gone),
        BusMessage::Over { ring, met: false },
    ] {
        for node in &mut nodes.nodes {
            assert!(node.relay.handle_bus(&message.encode(NodeInstance::new([9; 8])), node.now));
        }
        assert_eq!(nodes.deliver(), [], "{message:?}");
    }
    nodes.say(0, phone, FromPhone::Accept(ring));
    assert_eq!(nodes.deliver(), [(1, answer(computer, Ok(())))]);
}

#[test]
fn a_flood_of_one_contact_over_all_nodes_is_told_as_over_one() {
    let mut nodes = Nodes::new(3);
    let phone = nodes.listen(0, 1);
    let mut told = 0;
    for number in 0..1000_u16 {
        let request =
            TunnelRequest::Contact { contact: contact(1), payload: vec![0xa0], signal: true };
        let from = [10, u8::try_from(number % 250).unwrap(), 7, 1];
        let node = usize::from(number % 3);
        if let Ok(admission) = nodes.nodes[node].ask_at(from, request) {
            let outputs = nodes.deliver();
            told += outputs
                .iter()
                .filter(|(_, output)| {
                    matches!(output, RendezvousOutput::Send { leg, message } if *leg == phone
                        && matches!(FromService::decode(message), Some(FromService::Ring { .. })))
                })
                .count();
            let now = nodes.nodes[node].now;
            nodes.nodes[node].relay.handle_closed(admission.leg, now);
        }
        nodes.pass(Duration::from_millis(60));
    }
    assert!((8..=14).contains(&told), "{told}");
}
