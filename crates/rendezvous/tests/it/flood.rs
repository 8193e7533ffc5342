//! A thousand computers ring one phone within a minute, at all nodes of a service.

use std::time::{Duration, Instant};

use towline_crypto::Secret;
use towline_rendezvous::bus::{BusAddress, NodeInstance};
use towline_rendezvous::message::{FromPhone, FromService, Reason, RingId};
use towline_rendezvous::{
    ContactKey, ContactState, Leg, Limits, Refusal, Rendezvous, RendezvousOutput, Source,
    TunnelRequest,
};

/// What the phone hears at most: eight at once, and one more each ten seconds.
const HEARD: usize = 14;

struct Service {
    nodes: Vec<Rendezvous>,
    now: Instant,
    /// Rings that the phone was told of.
    heard: Vec<RingId>,
    accepted: Vec<(usize, Leg)>,
    refused: Vec<Refusal>,
}

impl Service {
    fn new() -> Self {
        let provider = towline_crypto::rustcrypto::provider();
        let now = Instant::now();
        let nodes = (0..3).map(|number| {
            let node = Rendezvous::new(number, Limits::default(), provider.clone());
            let mut node = node.with_bus(NodeInstance::new([number; 8]), now);
            node.handle_bus_state(true, now);
            node
        });
        let (heard, accepted, refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut service = Self { nodes: nodes.collect(), now, heard, accepted, refused };
        service.deliver();
        service
    }

    fn ask(&mut self, node: usize, from: [u8; 4], request: TunnelRequest) -> Option<Leg> {
        let source = Source::of(from.into());
        let admitted = self.nodes[node].handle_request(source, request, self.now);
        let leg = match admitted {
            Ok(admission) => Some(admission.leg),
            Err(refusal) => {
                self.refused.push(refusal);
                None
            }
        };
        self.deliver();
        leg
    }

    fn ring(&mut self, node: usize, from: [u8; 4]) -> Option<Leg> {
        let contact = key().contact_id(&towline_crypto::rustcrypto::provider());
        let request = TunnelRequest::Contact { contact, payload: vec![0xa0], signal: false };
        self.ask(node, from, request)
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        for node in &mut self.nodes {
            node.handle_timeout(self.now);
        }
        self.deliver();
    }

    fn deliver(&mut self) {
        let now = self.now;
        while let Some((at, output)) =
            (0..self.nodes.len()).find_map(|at| Some((at, self.nodes[at].poll_output()?)))
        {
            match output {
                RendezvousOutput::Publish { to, message } => {
                    for (number, node) in (0_u8..).zip(&mut self.nodes) {
                        let own = BusAddress::Node(NodeInstance::new([number; 8]));
                        if to == BusAddress::All || to == own {
                            node.handle_bus(&message, now);
                        }
                    }
                }
                RendezvousOutput::Recall { token, .. } => {
                    self.nodes[at].handle_recalled(token, Some(ContactState::Unknown), now);
                }
                RendezvousOutput::Send { message, .. } => {
                    if let Some(FromService::Ring { ring, .. }) = FromService::decode(&message) {
                        self.heard.push(ring);
                    }
                }
                RendezvousOutput::Answer { leg, answer: Ok(()) } => self.accepted.push((at, leg)),
                RendezvousOutput::Answer { leg, answer: Err(refusal) } => {
                    self.refused.push(refusal);
                    self.nodes[at].handle_closed(leg, now);
                }
                RendezvousOutput::Close { leg, .. } => self.nodes[at].handle_closed(leg, now),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn key() -> ContactKey {
    ContactKey::new(Secret::new([1; 32]))
}

#[test]
fn of_a_thousand_rings_the_phone_hears_fourteen_and_its_own_computer_comes_through() {
    let mut service = Service::new();
    let listen = TunnelRequest::Listen { key: key(), sequence: 1 };
    let phone = service.ask(0, [10, 0, 0, 1], listen).unwrap();
    service.pass(Duration::from_millis(20));
    // A computer that it knows.
    let (own, home) = (1, [192, 0, 2, 7]);
    service.ring(own, home);
    let accept = |ring: RingId| FromPhone::Accept(ring).encode();
    let first = service.heard.pop().unwrap();
    let now = service.now;
    service.nodes[0].handle_message(phone, &accept(first), now);
    service.deliver();
    let (node, computer) = service.accepted.pop().expect("it comes");
    service.nodes[node].handle_closed(computer, now);
    service.deliver();

    let (mut heard, mut reached) = (0, 0);
    for number in 0..1000_u16 {
        let [high, low] = number.to_be_bytes();
        // Each from a network of its own.
        service.ring(usize::from(number % 3), [172, high, low, 1]);
        for ring in std::mem::take(&mut service.heard) {
            heard += 1;
            let busy = FromPhone::Refuse(ring, Reason::Busy).encode();
            let now = service.now;
            // Some are answered, others are left alone.
            if number % 2 == 0 {
                service.nodes[0].handle_message(phone, &busy, now);
                service.deliver();
            }
        }
        if number % 100 == 50 {
            service.ring(own, home);
            let Some(ring) = service.heard.pop() else { continue };
            let now = service.now;
            service.nodes[0].handle_message(phone, &accept(ring), now);
            service.deliver();
            if let Some((node, computer)) = service.accepted.pop() {
                reached += 1;
                service.nodes[node].handle_closed(computer, now);
                service.deliver();
            }
        }
        service.pass(Duration::from_millis(60));
    }
    assert!(heard <= HEARD, "it heard {heard}");
    assert!(heard >= 8, "it heard {heard}: the flood came through at all");
    assert_eq!(reached, 10, "its own computer comes through each time");
    let gone = service.refused.iter().filter(|refusal| **refusal == Refusal::Gone).count();
    assert_eq!(gone, 0, "nobody deletes a link for it");
    service.pass(Duration::from_secs(10));
    assert_eq!(service.nodes[0].counts().listening, 1, "and the phone is there");
}

/// A network at each of two nodes, and the computer that the phone knows at the other one.
#[test]
fn one_network_is_one_network_at_whichever_node_it_rings() {
    let mut service = Service::new();
    let listen = TunnelRequest::Listen { key: key(), sequence: 1 };
    let phone = service.ask(0, [10, 0, 0, 1], listen).unwrap();
    service.pass(Duration::from_millis(20));
    let home = [192, 0, 2, 7];
    service.ring(0, home);
    let first = service.heard.pop().unwrap();
    let now = service.now;
    service.nodes[0].handle_message(phone, &FromPhone::Accept(first).encode(), now);
    service.deliver();
    let (node, computer) = service.accepted.pop().expect("it comes");
    service.nodes[node].handle_closed(computer, now);
    service.deliver();

    // Half of the rings at once are there for one network, and half of the lines.
    let mut told = 0;
    for number in 0..60_u8 {
        service.ring(usize::from(number % 2), [203, 0, 113, number]);
        for ring in std::mem::take(&mut service.heard) {
            told += 1;
            let busy = FromPhone::Refuse(ring, Reason::Busy).encode();
            service.nodes[0].handle_message(phone, &busy, now);
            service.deliver();
        }
    }
    assert_eq!(told, 4, "of sixty rings of one network");
    // The next network, whose rings the phone leaves alone, takes two of the four lines.
    for number in 0..4_u8 {
        service.ring(usize::from(number % 2), [198, 51, 100, number]);
    }
    assert_eq!(std::mem::take(&mut service.heard).len(), 2, "lines of one network");
    // The quota for strangers is used up by half; that of the known computer is not touched.
    for _ in 0..3 {
        service.ring(1, home);
        assert_eq!(service.heard.len(), 1, "its own computer, at another node than before");
        let ring = service.heard.pop().unwrap();
        service.nodes[0].handle_message(phone, &FromPhone::Accept(ring).encode(), now);
        service.deliver();
        let (node, computer) = service.accepted.pop().expect("it comes");
        service.nodes[node].handle_closed(computer, now);
        service.deliver();
    }
}
