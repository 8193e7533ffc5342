//! Nodes that have one number.

use super::nodes::Nodes;
use super::*;
use crate::bus::{BusMessage, NodeInstance};

#[test]
fn a_number_that_two_nodes_have_is_noticed() {
    let mut nodes = Nodes::new(1);
    let alive = BusMessage::Alive { node: 0, draining: false }.encode(NodeInstance::new([9; 8]));
    let now = nodes.nodes[0].now;
    nodes.nodes[0].relay.handle_bus(&alive, now);
    assert_eq!(nodes.deliver(), [(0, RendezvousOutput::NumberTaken)]);
    // One that is being replaced is no trouble.
    let alive = BusMessage::Alive { node: 0, draining: true }.encode(NodeInstance::new([9; 8]));
    nodes.nodes[0].relay.handle_bus(&alive, now);
    assert_eq!(nodes.deliver(), []);
    // Who has served for a while stays.
    nodes.pass(Duration::from_secs(6));
    let alive = BusMessage::Alive { node: 0, draining: false }.encode(NodeInstance::new([8; 8]));
    let now = nodes.nodes[0].now;
    nodes.nodes[0].relay.handle_bus(&alive, now);
    assert_eq!(nodes.deliver(), []);
    // The operator hears of it, for as long as it lasts.
    assert_eq!(nodes.nodes[0].relay.node_counts().twins, 1);
    nodes.nodes[0].relay.handle_bus(&alive, now);
    assert_eq!(nodes.nodes[0].relay.node_counts().twins, 2);
}
