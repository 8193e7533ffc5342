//! Nodes that fall silent, and the rings of their phones.

use super::nodes::{COMPUTER, Nodes, PHONE};
use super::ringing::{answer, contact, key};
use super::*;
use crate::Drain;

const STEP: Duration = Duration::from_millis(100);

impl Nodes {
    /// As clocks go: nobody's word is late.
    fn go_on(&mut self, time: Duration) -> Vec<(usize, RendezvousOutput)> {
        let until = self.nodes[0].now.checked_add(time).unwrap();
        let mut outputs = Vec::new();
        while self.nodes[0].now < until {
            outputs.extend(self.pass(STEP));
        }
        outputs
    }

    /// The last of three nodes has a phone, and is no more.
    fn lose_one(drained_for: Option<Duration>) -> Self {
        let mut nodes = Self::new(3);
        nodes.listen(2, 1);
        nodes.go_on(Duration::from_secs(3));
        if let Some(time) = drained_for {
            let now = nodes.nodes[2].now;
            nodes.nodes[2].relay.handle_drain(&Drain::default(), now);
            nodes.go_on(time);
        }
        nodes.nodes.truncate(2);
        nodes
    }
}

#[test]
fn rings_wait_for_the_phones_of_a_node_that_is_silent_for_hardly_a_second() {
    let mut nodes = Nodes::lose_one(None);
    nodes.go_on(Duration::from_millis(1_000));
    let computer = nodes.ring(1);
    assert_eq!(nodes.go_on(Duration::from_secs(1)), [], "no answer yet");
    let request = TunnelRequest::Listen { key: key(1), sequence: 2 };
    let phone = nodes.nodes[0].ask_at(PHONE, request).unwrap().leg;
    let outputs = nodes.go_on(STEP);
    let told = outputs.iter().any(|(at, output)| {
        matches!(output, RendezvousOutput::Send { leg, .. } if (*at, *leg) == (0, phone))
    });
    assert!(told && outputs.len() == 1, "{computer:?} waits for it: {outputs:?}");
}

/// In its first second nobody can know that the node is gone. That is not remembered against the
/// next ring.
#[test]
fn that_nobody_held_a_phone_says_nothing_once_a_node_is_missed() {
    let mut nodes = Nodes::lose_one(None);
    let first = nodes.ring(1);
    assert_eq!(nodes.go_on(3 * STEP), [(1, answer(first, Err(Refusal::NotFound)))]);
    nodes.go_on(Duration::from_secs(1));
    let request = TunnelRequest::Contact { contact: contact(1), payload: vec![0xa0], signal: true };
    assert!(nodes.nodes[1].ask_at(COMPUTER, request).is_ok(), "it waits");
    assert_eq!(nodes.go_on(Duration::from_secs(1)), []);
}

#[test]
fn a_node_that_dies_on_its_way_out_is_missed_while_it_may_have_phones() {
    for (drained_for, missed) in [(4, true), (14, true), (16, false)] {
        let mut nodes = Nodes::lose_one(Some(Duration::from_secs(drained_for)));
        nodes.go_on(Duration::from_secs(2));
        let computer = nodes.ring(1);
        let answered = nodes.go_on(Duration::from_secs(1));
        let expected = vec![(1, answer(computer, Err(Refusal::NotFound)))];
        assert_eq!(answered, if missed { Vec::new() } else { expected }, "after {drained_for} s");
    }
}
