//! What carries messages between the nodes of a service.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use towline_rendezvous::bus::{BusAddress, NodeInstance};

/// Messages for a node that wait to be taken. Of a node that does not keep up they are lost, as on
/// any bus.
const WAITING: usize = 4096;

/// Sends messages to other nodes. It never waits: what can't be sent now is lost.
pub trait BusSender: Send + Sync {
    /// Sends this message, of at most
    /// [`MAX_BUS_MESSAGE`](towline_rendezvous::bus::MAX_BUS_MESSAGE) bytes.
    fn publish(&self, to: BusAddress, message: Vec<u8>);
}

/// What a bus has for a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusEvent {
    /// Messages go through from now on, or no more.
    State(bool),
    /// Another node said something.
    Message(Vec<u8>),
}

/// A node's end of a bus. It is down until the bus says otherwise.
pub struct BusLink {
    /// What names this run of the node: messages to it are delivered here.
    pub instance: NodeInstance,
    /// Where its messages go.
    pub sender: Arc<dyn BusSender>,
    /// Messages of other nodes, and whether any get through.
    pub events: mpsc::Receiver<BusEvent>,
}

/// A bus within one process, for tests and for programs that run several nodes.
#[derive(Clone, Default)]
pub struct MemoryBus(Arc<Mutex<Ends>>);

#[derive(Default)]
struct Ends {
    up: bool,
    ends: HashMap<NodeInstance, mpsc::Sender<BusEvent>>,
}

impl MemoryBus {
    /// A bus with nobody on it, which delivers.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Ends { up: true, ends: HashMap::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, Ends> {
        // Whole between calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of one more node.
    #[must_use]
    pub fn join(&self, instance: NodeInstance) -> BusLink {
        let (sender, events) = mpsc::channel(WAITING);
        let mut ends = self.lock();
        let _room = sender.try_send(BusEvent::State(ends.up));
        ends.ends.insert(instance, sender);
        BusLink { instance, sender: Arc::new(self.clone()), events }
    }

    /// Whether it delivers. What is sent meanwhile is lost.
    pub fn set_up(&self, up: bool) {
        let mut ends = self.lock();
        ends.up = up;
        for end in ends.ends.values() {
            let _full = end.try_send(BusEvent::State(up));
        }
    }
}

impl BusSender for MemoryBus {
    fn publish(&self, to: BusAddress, message: Vec<u8>) {
        let mut ends = self.lock();
        if !ends.up {
            return;
        }
        ends.ends.retain(|instance, end| {
            if to == BusAddress::All || to == BusAddress::Node(*instance) {
                let _full = end.try_send(BusEvent::Message(message.clone()));
            }
            !end.is_closed()
        });
    }
}
