//! A service that was told to stop: what goes on for how long.

use super::nodes::{COMPUTER, Nodes, PHONE};
use super::ringing::{answer, close, contact, key, service};
use super::*;
use crate::message::FromPhone;
use crate::{Drain, DrainStage};

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);

impl Service {
    fn drain(&mut self, drain: Drain) -> Vec<RendezvousOutput> {
        self.relay.handle_drain(&drain, self.now);
        self.outputs()
    }

    fn closed(&mut self, legs: &[Leg]) {
        for leg in legs {
            self.relay.handle_closed(*leg, self.now);
        }
    }
}

#[test]
fn all_goes_on_while_front_ends_take_notice() {
    let mut service = service();
    service.listen(1).unwrap();
    assert_eq!(service.relay.drain_stage(), DrainStage::Serving);
    assert_eq!(service.drain(Drain::default()), []);
    assert_eq!(service.relay.drain_stage(), DrainStage::Notice);
    assert_eq!(service.pass(5 * SECOND - MOMENT), []);
    let (_, routing) = service.open(1);
    assert!(service.connect(routing, 1).is_ok());
    assert!(service.listen(2).is_ok());
    assert!(service.ring(1).is_ok());
    service.outputs();
    service.pass_quietly(MOMENT);
    assert_eq!(service.relay.drain_stage(), DrainStage::Leaving);
    let new = TunnelRequest::New { tunnel: tunnel(2) };
    assert_eq!(service.ask_from(1, new), Err(Refusal::Unavailable));
    assert_eq!(service.listen(3), Err(Refusal::Unavailable));
    assert_eq!(service.ring(1), Err(Refusal::Unavailable));
}

#[test]
fn phones_that_listen_leave_one_after_the_other() {
    let mut service = service();
    let phones: Vec<Leg> = (0..4).map(|number| service.listen(number).unwrap()).collect();
    let (_waiting, _) = service.open(1);
    service.drain(Drain::default());
    let leaves = |at: usize| [close(phones[at], Ending::ShuttingDown)];
    assert_eq!(service.pass(5 * SECOND), leaves(0));
    let turn = Duration::from_millis(2_500);
    for at in 1..4 {
        assert_eq!(service.relay.poll_timeout(), Some(service.now + turn));
        assert_eq!(service.pass(turn - MOMENT), []);
        assert_eq!(service.pass(MOMENT), leaves(at));
    }
    assert_eq!(service.pass(SECOND), [], "once");
    // One that went by itself is not sent away, and nobody waits for it.
    service.closed(&phones);
    assert_eq!(service.relay.drain_stage(), DrainStage::Leaving, "somebody waits");
}

#[test]
fn a_code_is_good_until_its_time_is_over_and_tunnels_go_on_after_it() {
    let mut service = service();
    let (lonely, _) = service.open(1);
    service.pass_quietly(10 * SECOND);
    let (_, routing) = service.open(2);
    service.drain(Drain::default());
    assert_eq!(service.pass(138 * SECOND), []);
    assert!(service.connect(routing, 2).is_ok(), "two minutes after the word to stop");
    assert_eq!(service.relay.drain_stage(), DrainStage::Leaving);
    assert_eq!(service.pass(2 * SECOND), [close(lonely, Ending::LifetimeOver)]);
    assert_eq!(service.relay.drain_stage(), DrainStage::Tunnels);
    assert_eq!(service.connect(routing, 2), Err(Refusal::NotFound));
    service.pass_quietly(10 * SECOND - MOMENT);
    assert_eq!(service.relay.drain_stage(), DrainStage::Tunnels);
    service.pass_quietly(MOMENT);
    assert_eq!(service.relay.drain_stage(), DrainStage::Over);
    service.pass_quietly(3600 * SECOND);
    assert_eq!(service.relay.drain_stage(), DrainStage::Over);
}

#[test]
fn at_once_means_that_only_tunnels_stay() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    let computer = service.ring(1).unwrap();
    service.told(phone);
    let (waiting, routing) = service.open(1);
    let (_, met) = service.open(2);
    service.connect(met, 2).unwrap();
    let outputs = service.drain(Drain::at_once(SECOND));
    assert!(outputs.contains(&answer(computer, Err(Refusal::Unavailable))), "{outputs:?}");
    assert!(outputs.contains(&close(phone, Ending::ShuttingDown)), "{outputs:?}");
    assert!(outputs.contains(&close(waiting, Ending::ShuttingDown)), "{outputs:?}");
    assert_eq!(service.relay.drain_stage(), DrainStage::Tunnels);
    assert_eq!(service.connect(routing, 1), Err(Refusal::NotFound));
    assert_eq!(service.pass(SECOND - MOMENT), []);
    assert_eq!(service.relay.drain_stage(), DrainStage::Tunnels);
    assert_eq!(service.pass(MOMENT), [], "whoever drives it ends what is left");
    assert_eq!(service.relay.drain_stage(), DrainStage::Over);
}

#[test]
fn said_again_it_becomes_faster_and_never_slower() {
    for (passed, stage) in [(Duration::ZERO, DrainStage::Notice), (8 * SECOND, DrainStage::Leaving)]
    {
        let mut service = service();
        service.open(1);
        service.drain(Drain::default());
        service.pass_quietly(passed);
        assert_eq!(service.relay.drain_stage(), stage);
        let forever = Drain {
            notice: Duration::MAX,
            spread: Duration::MAX,
            waiting: Duration::MAX,
            grace: Duration::MAX,
        };
        let next = service.relay.poll_timeout();
        service.drain(forever);
        assert_eq!(service.relay.poll_timeout(), next);
        service.drain(Drain::at_once(Duration::ZERO));
        assert_eq!(service.relay.drain_stage(), DrainStage::Over);
    }
}

#[test]
fn a_ring_follows_the_phone_that_was_sent_to_another_node() {
    let mut nodes = Nodes::new(3);
    let phone = nodes.listen(0, 1);
    let now = nodes.nodes[0].now;
    nodes.nodes[0].relay.handle_drain(&Drain::default(), now);
    assert_eq!(nodes.pass(5 * SECOND), [(0, close(phone, Ending::ShuttingDown))]);
    // It is between two nodes when a computer rings at the third.
    nodes.nodes[0].closed(&[phone]);
    let computer = nodes.ring(1);
    assert_eq!(nodes.deliver(), []);
    assert_eq!(nodes.pass(SECOND), []);
    assert_eq!(nodes.nodes[0].relay.drain_stage(), DrainStage::Leaving, "it may be asked for");
    let request = TunnelRequest::Listen { key: key(1), sequence: 2 };
    let phone = nodes.nodes[2].ask_at(PHONE, request).unwrap().leg;
    for node in &mut nodes.nodes {
        node.pass_quietly(Duration::from_millis(10));
    }
    let (ring, ..) = nodes.told(2, phone);
    assert_eq!(nodes.nodes[0].relay.drain_stage(), DrainStage::Tunnels);
    nodes.say(2, phone, FromPhone::Accept(ring));
    assert_eq!(nodes.deliver(), [(1, answer(computer, Ok(())))]);
}

#[test]
fn a_phone_that_does_not_come_back_holds_up_nobody_for_long() {
    let mut nodes = Nodes::new(2);
    let phone = nodes.listen(0, 1);
    let now = nodes.nodes[0].now;
    nodes.nodes[0].relay.handle_drain(&Drain::default(), now);
    nodes.pass(5 * SECOND);
    nodes.nodes[0].closed(&[phone]);
    nodes.pass(20 * SECOND - MOMENT);
    assert_eq!(nodes.nodes[0].relay.drain_stage(), DrainStage::Leaving);
    nodes.pass(MOMENT);
    assert_eq!(nodes.nodes[0].relay.drain_stage(), DrainStage::Tunnels);
    // Without others there is nobody to tell of it.
    let mut alone = service();
    let phone = alone.listen(1).unwrap();
    alone.drain(Drain::default());
    alone.pass(5 * SECOND);
    alone.closed(&[phone]);
    assert_eq!(alone.relay.drain_stage(), DrainStage::Tunnels);
}

#[test]
fn a_node_that_leaves_says_so_at_once_and_gives_its_number_away() {
    let mut nodes = Nodes::new(1);
    let now = nodes.nodes[0].now;
    nodes.nodes[0].relay.handle_drain(&Drain::default(), now);
    let outputs = nodes.nodes[0].outputs();
    let [RendezvousOutput::Publish { message, .. }] = &outputs[..] else { panic!("{outputs:?}") };
    let said = crate::bus::BusMessage::decode(message).unwrap().1;
    assert_eq!(said, crate::bus::BusMessage::Alive { node: 0, draining: true });
    // One that takes its place.
    let new = crate::bus::NodeInstance::new([7; 8]);
    let provider = towline_crypto::rustcrypto::provider();
    let mut next = Rendezvous::new(0, Limits::default(), provider).with_bus(new, now);
    next.handle_bus_state(true, now);
    assert!(next.handle_bus(message, now));
    let alive = crate::bus::BusMessage::Alive { node: 0, draining: false }.encode(new);
    assert!(nodes.nodes[0].relay.handle_bus(&alive, now));
    let taken = |output| output == RendezvousOutput::NumberTaken;
    assert!(!std::iter::from_fn(|| next.poll_output()).any(taken));
    assert!(!nodes.nodes[0].outputs().into_iter().any(taken));
}

#[test]
fn computers_that_ring_are_answered_while_the_service_leaves() {
    let mut service = service();
    let phone = service.listen(1).unwrap();
    service.drain(Drain::default());
    service.pass_quietly(5 * SECOND - MOMENT);
    let request = TunnelRequest::Contact { contact: contact(1), payload: vec![0xa0], signal: true };
    let computer = service.ask_at(COMPUTER, request).unwrap().leg;
    let (ring, routing, tunnel) = service.told(phone);
    assert_eq!(service.pass(MOMENT), [close(phone, Ending::ShuttingDown)]);
    assert_eq!(service.say(phone, FromPhone::Accept(ring)), [answer(computer, Ok(()))]);
    service.closed(&[phone]);
    assert_eq!(service.relay.drain_stage(), DrainStage::Leaving, "the phone is on its way");
    let joined = service.ask_at(PHONE, TunnelRequest::Connect { routing, tunnel }).unwrap();
    assert_eq!(joined.role, Role::Joins { with: computer });
    assert_eq!(service.relay.drain_stage(), DrainStage::Tunnels);
}
