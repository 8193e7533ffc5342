//! Phones that go from one node to another while they are rung.

use super::nodes::{COMPUTER, Nodes, PHONE};
use super::ringing::{answer, close, contact, key};
use super::*;
use crate::bus::{BusMessage, ContactTag, NodeInstance, Why};
use crate::message::{FromPhone, FromService};
use crate::{Drain, RingResults};

const MOMENT: Duration = Duration::from_millis(10);

impl Nodes {
    /// The phone comes to this node as well; others hear of it a moment later.
    fn come(&mut self, node: usize, sequence: u64) -> Leg {
        let request = TunnelRequest::Listen { key: key(1), sequence };
        self.nodes[node].ask_at(PHONE, request).unwrap().leg
    }

    fn closed(&mut self, node: usize, leg: Leg) {
        let now = self.nodes[node].now;
        self.nodes[node].relay.handle_closed(leg, now);
    }

    /// The tunnel of the ring of which this phone is told after a moment.
    fn told_in(&mut self, node: usize, phone: Leg) -> (RingId, TunnelId) {
        let outputs = self.pass(MOMENT);
        let told = outputs.iter().find_map(|(at, output)| match output {
            RendezvousOutput::Send { leg, message } if (*at, *leg) == (node, phone) => {
                FromService::decode(message)
            }
            _ => None,
        });
        match told {
            Some(FromService::Ring { ring, tunnel_id, .. }) => (ring, tunnel_id),
            _ => panic!("{outputs:?}"),
        }
    }

    fn joins(&mut self, node: usize, computer: Leg, (routing, tunnel): (RoutingId, TunnelId)) {
        let connect = TunnelRequest::Connect { routing, tunnel };
        let joined = self.nodes[node].ask_at(PHONE, connect.clone()).unwrap();
        assert_eq!(joined.role, Role::Joins { with: computer });
        assert!(self.nodes[node].relay.waiting.is_empty(), "nobody waits there any more");
        let again = self.nodes[node].ask_at(PHONE, connect);
        assert_eq!(again, Err(Refusal::NotFound), "a tunnel id is used once");
    }
}

/// A phone that hears a ring in the moment in which it is sent away forgets it with its connection,
/// and takes it again at its next one, if it is in the same tunnel.
#[test]
fn a_ring_told_in_the_last_moment_is_told_again_in_the_same_tunnel() {
    for computer_at in 0..3 {
        let mut nodes = Nodes::new(3);
        let old = nodes.listen(0, 1);
        let now = nodes.nodes[0].now;
        nodes.nodes[0].relay.handle_drain(&Drain::default(), now);
        nodes.pass(Duration::from_millis(4_999));
        let computer = nodes.ring(computer_at);
        let (ring, routing, tunnel) = nodes.told(0, old);
        let closed = [(0, close(old, Ending::ShuttingDown))];
        assert_eq!(nodes.pass(Duration::from_millis(1)), closed);
        nodes.closed(0, old);
        nodes.pass(Duration::from_millis(700));
        let new = nodes.come(2, 2);
        assert_eq!(nodes.told_in(2, new), (ring, tunnel));
        nodes.say(2, new, FromPhone::Accept(ring));
        assert_eq!(nodes.deliver(), [(computer_at, answer(computer, Ok(())))]);
        nodes.joins(computer_at, computer, (routing, tunnel));
        if computer_at == 0 {
            let moved = RingResults { moved: 1, ..RingResults::default() };
            assert_eq!(nodes.nodes[0].relay.ring_counts().here, moved);
            let accepted = RingResults { accepted: 1, ..RingResults::default() };
            assert_eq!(nodes.nodes[2].relay.ring_counts().elsewhere, accepted);
        }
    }
}

/// What it says on the old connection is lost with it. To come is to accept, wherever the ring is.
#[test]
fn a_phone_that_comes_before_it_is_found_again_has_accepted() {
    for computer_at in 0..2 {
        let mut nodes = Nodes::new(2);
        let old = nodes.listen(0, 1);
        let computer = nodes.ring(computer_at);
        let (ring, routing, tunnel) = nodes.told(0, old);
        // Its node lets go, and nobody says where it is.
        let here =
            BusMessage::Here { phones: vec![(tag(), 2)], at: 0 }.encode(NodeInstance::new([9; 8]));
        let now = nodes.nodes[0].now;
        assert!(nodes.nodes[0].relay.handle_bus(&here, now));
        nodes.deliver();
        assert_eq!(nodes.nodes[0].relay.ring_counts().here.moved, u64::from(computer_at == 0));
        nodes.joins(computer_at, computer, (routing, tunnel));
        assert_eq!(nodes.deliver(), [(computer_at, answer(computer, Ok(())))], "{ring:?}");
    }
}

/// The word that a phone came may be lost. The node that it left says that it has gone, and the
/// computer's node asks once more.
#[test]
fn a_holder_that_lets_go_says_so_and_all_are_asked_once_more() {
    let mut nodes = Nodes::new(3);
    let old = nodes.listen(0, 1);
    let computer = nodes.ring(1);
    let (ring, routing, tunnel) = nodes.told(0, old);
    // Only the holder hears that the phone came to node 2.
    let new = nodes.come(2, 2);
    nodes.nodes[2].remember();
    let now = nodes.nodes[0].now;
    for output in nodes.nodes[2].pass(MOMENT) {
        if let RendezvousOutput::Publish { message, .. } = output {
            assert!(nodes.nodes[0].relay.handle_bus(&message, now));
        }
    }
    assert_eq!(nodes.told_in(2, new), (ring, tunnel));
    nodes.say(2, new, FromPhone::Accept(ring));
    assert_eq!(nodes.deliver(), [(1, answer(computer, Ok(())))]);
    nodes.joins(1, computer, (routing, tunnel));
    assert_eq!(nodes.nodes[1].relay.node_counts().asked, 2);
}

/// A node that says again and again that the phone is not there is not asked again and again.
#[test]
fn all_are_asked_once_more_and_not_for_ever() {
    let mut nodes = Nodes::new(2);
    let phone = nodes.listen(0, 1);
    let computer = nodes.ring(1);
    let (id, ..) = nodes.told(0, phone);
    let now = nodes.nodes[1].now;
    for _ in 0..10 {
        let gone = BusMessage::Refused(id, Why::NotHere).encode(NodeInstance::new([0; 8]));
        assert!(nodes.nodes[1].relay.handle_bus(&gone, now));
        nodes.deliver();
    }
    assert_eq!(nodes.nodes[1].relay.node_counts().asked, 2);
    let over = nodes.pass(Duration::from_secs(6));
    let refused = answer(computer, Err(Refusal::NotFound));
    assert!(over.contains(&(1, refused)), "{over:?}");
    assert!(nodes.nodes[1].relay.waiting.is_empty());
}

/// A node that remembers a phone from before takes nothing from where it is now.
#[test]
fn a_phone_without_numbers_is_where_it_is() {
    for (before, now_at) in [(0, 1), (1, 0)] {
        let mut nodes = Nodes::new(3);
        let old = nodes.listen(before, 0);
        nodes.pass(Duration::from_secs(9));
        nodes.closed(before, old);
        let new = nodes.come(now_at, 0);
        assert_eq!([nodes.pass(MOMENT), nodes.pass(MOMENT), nodes.pass(MOMENT)], [[], [], []]);
        nodes.ring(2);
        let _told = nodes.told(now_at, new);
    }
}

/// What a node remembers from before the bus was away is no news.
#[test]
fn a_phone_that_is_away_is_not_said_to_be_here() {
    let mut nodes = Nodes::new(1);
    let phone = nodes.listen(0, 1);
    for here in [true, false] {
        let Service { relay, now, .. } = &mut nodes.nodes[0];
        relay.handle_bus_state(false, *now);
        relay.handle_bus_state(true, *now);
        nodes.nodes[0].pass_quietly(MOMENT);
        let said = nodes.nodes[0].outputs().into_iter().any(|output| match output {
            RendezvousOutput::Publish { message, .. } => {
                matches!(BusMessage::decode(&message), Some((_, BusMessage::Here { .. })))
            }
            _ => false,
        });
        assert_eq!(said, here);
        nodes.closed(0, phone);
    }
}

/// A phone that was started again, with a clock that is behind, has a smaller number than before.
/// It comes again until it is forgotten where it was, or its clock is right.
#[test]
fn a_phone_whose_clock_is_behind_is_sent_away_and_not_for_good() {
    let mut nodes = Nodes::new(2);
    let old = nodes.listen(0, 1000);
    nodes.closed(0, old);
    let new = nodes.come(1, 5);
    let mut sent_away = nodes.pass(MOMENT);
    sent_away.extend(nodes.pass(MOMENT));
    assert_eq!(sent_away, [(1, close(new, Ending::Replaced))]);
    nodes.closed(1, new);
    let new = nodes.come(1, 1001);
    assert_eq!(nodes.pass(MOMENT), []);
    nodes.ring(0);
    let _told = nodes.told(1, new);
}

/// A ring waits for a phone that is away, and no longer than its computer does.
#[test]
fn a_phone_that_comes_back_too_late_is_not_told() {
    for (away, told) in [(900, true), (1100, false)] {
        let mut nodes = Nodes::new(2);
        let phone = nodes.listen(0, 1);
        nodes.closed(0, phone);
        // The word that it is over is lost.
        let ring = RingId(1 << 56);
        let now = nodes.nodes[0].now;
        for message in [BusMessage::Find { ring, tag: tag() }, rung(ring, 10, 1000)] {
            let message = message.encode(NodeInstance::new([1; 8]));
            assert!(nodes.nodes[0].relay.handle_bus(&message, now));
        }
        nodes.pass(Duration::from_millis(away));
        nodes.come(0, 2);
        let outputs = nodes.deliver();
        let sent =
            outputs.iter().any(|(_, output)| matches!(output, RendezvousOutput::Send { .. }));
        assert_eq!(sent, told, "{outputs:?}");
    }
}

/// What a frozen bus, or a node that was frozen, has in the end: the question, and a ring of long
/// ago right after it.
#[test]
fn a_question_that_comes_late_makes_a_late_ring_no_younger() {
    let mut nodes = Nodes::new(2);
    nodes.listen(0, 1);
    nodes.pass(Duration::from_secs(8));
    let mut hears = |messages: &[BusMessage]| {
        for message in messages {
            let now = nodes.nodes[0].now;
            let message = message.encode(NodeInstance::new([1; 8]));
            assert!(nodes.nodes[0].relay.handle_bus(&message, now));
        }
        nodes.deliver().len()
    };
    let (late, ring) = (RingId(1 << 56), RingId(1 << 56 | 1));
    let find = |ring| BusMessage::Find { ring, tag: tag() };
    assert_eq!(hears(&[find(late), rung(late, 10, 6000)]), 0, "nobody is told");
    assert_eq!(hears(&[find(ring), rung(ring, 8010, 6000)]), 1, "another ring is told as ever");
}

fn rung(ring: RingId, at: u64, left: u64) -> BusMessage {
    BusMessage::Ring {
        ring,
        tag: tag(),
        at,
        routing_id: RoutingId::new([1, 2, 3]),
        tunnel_id: TunnelId::new([4; 16]),
        payload: vec![0xa0],
        source: Source::of(COMPUTER.into()),
        left,
    }
}

fn tag() -> ContactTag {
    ContactTag::of(&contact(1), &towline_crypto::rustcrypto::provider())
}
