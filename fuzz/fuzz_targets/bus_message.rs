//! Messages of other nodes: any bytes are answered, what is understood is written as it was read,
//! and a node that holds a phone and rings another keeps its books straight.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use towline_crypto::Secret;
use towline_rendezvous::{
    ContactKey, Limits, Rendezvous, RendezvousOutput, Source, TunnelRequest,
    bus::{BusMessage, MAX_BUS_MESSAGE, NodeInstance},
};

fuzz_target!(|bytes: &[u8]| {
    if let Some((from, message)) = BusMessage::decode(bytes) {
        let written = message.encode(from);
        assert!(written.len() <= MAX_BUS_MESSAGE);
        assert_eq!(BusMessage::decode(&written), Some((from, message)));
    }
    let provider = towline_crypto_test::fake::provider(0);
    let mut now = Instant::now();
    let relay = Rendezvous::new(1, Limits::default(), provider.clone());
    let mut relay = relay.with_bus(NodeInstance::new([1; 8]), now);
    relay.handle_bus_state(true, now);
    let key = |number: u8| ContactKey::new(Secret::new([number; 32]));
    let source = Source::of([127, 0, 0, 1].into());
    let listen = TunnelRequest::Listen { key: key(0), sequence: 7 };
    let mut legs = vec![relay.handle_request(source, listen, now).expect("it listens").leg];
    let contact = key(1).contact_id(&provider);
    let ring = TunnelRequest::Contact { contact, payload: vec![0xa0], signal: false };
    legs.push(relay.handle_request(source, ring, now).expect("it rings").leg);
    // Each message has its length before it.
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first() {
        let (message, next) = after.split_at(usize::from(*length).min(after.len()));
        rest = next;
        relay.handle_bus(message, now);
        now += Duration::from_millis(u64::from(*length));
        while let Some(output) = relay.poll_output() {
            match output {
                RendezvousOutput::Publish { message, .. } => {
                    assert!(BusMessage::decode(&message).is_some());
                }
                RendezvousOutput::Close { leg, .. }
                | RendezvousOutput::Answer { leg, answer: Err(_) } => {
                    relay.handle_closed(leg, now);
                }
                _ => {}
            }
        }
    }
    for leg in legs {
        relay.handle_closed(leg, now);
    }
    relay.handle_timeout(now + Duration::from_secs(3600));
    let counts = relay.counts();
    assert_eq!((counts.listening, counts.absent, counts.ringing, counts.locating), (0, 0, 0, 0));
});
