//! Where a connection that waits for its other end is found.

use std::collections::HashMap;

use crate::Leg;
use crate::ids::{RoutingId, TunnelId};

/// A connection that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// What the other end has to show.
    pub routing_id: RoutingId,
    /// The place where it waits.
    pub place: WaitingPlace,
}

/// Where a connection waits.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingPlace {
    /// At this node.
    Here(Leg),
}

/// Knows which connection waits in which tunnel, for one node of a service. Calls must not block.
///
/// This is where several nodes would learn of each other's; there is one implementation,
/// [`ThisNode`].
pub trait Whereabouts: Send {
    /// Who waits in this tunnel.
    fn find(&self, tunnel: &TunnelId) -> Option<Waiting>;

    /// A connection of this node waits in a tunnel in which nobody does.
    fn arrived(&mut self, tunnel: TunnelId, leg: Leg, routing_id: RoutingId);

    /// Nobody of this node waits in this tunnel any more.
    fn left(&mut self, tunnel: &TunnelId);
}

/// Knows this node's own connections.
#[derive(Debug, Default)]
pub struct ThisNode(HashMap<TunnelId, (Leg, RoutingId)>);

impl ThisNode {
    /// A node at which nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Whereabouts for ThisNode {
    fn find(&self, tunnel: &TunnelId) -> Option<Waiting> {
        let (leg, routing_id) = self.0.get(tunnel)?;
        Some(Waiting { routing_id: *routing_id, place: WaitingPlace::Here(*leg) })
    }

    fn arrived(&mut self, tunnel: TunnelId, leg: Leg, routing_id: RoutingId) {
        self.0.insert(tunnel, (leg, routing_id));
    }

    fn left(&mut self, tunnel: &TunnelId) {
        self.0.remove(tunnel);
    }
}
