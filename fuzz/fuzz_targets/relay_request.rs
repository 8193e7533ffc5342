//! Requests to the relay: any head is answered, and any order of requests, departures and time keeps its books straight.
#![no_main]

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use libfuzzer_sys::fuzz_target;
use towline_hybrid::relay::{
    Admission, Limits, NoContacts, Output, Rendezvous, Request, RequestHead, Source,
};
use towline_hybrid::{ids::TunnelId, relay::Leg};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let (target, subprotocol) = text.split_once('\n').unwrap_or((text, "fido.cable"));
        let head = RequestHead {
            method: "GET",
            target,
            subprotocols: vec![subprotocol],
            ..RequestHead::default()
        };
        let _ = head.read();
    }
    rendezvous(bytes);
});

fn rendezvous(script: &[u8]) {
    let provider = towline_crypto_test::fake::provider(0);
    let mut relay = Rendezvous::new(1, Limits::default(), provider, Box::new(NoContacts));
    let mut now = Instant::now();
    let mut legs = BTreeSet::<Leg>::new();
    let mut routing = Vec::new();
    for pair in script.chunks_exact(2) {
        let (action, value) = (pair[0], pair[1]);
        let tunnel = TunnelId::new([value; 16]);
        let source = Source::of([127, 0, 0, action >> 4].into());
        let request = match action & 3 {
            0 => Request::New { tunnel },
            1 => match routing.get(usize::from(value) % routing.len().max(1)) {
                Some(&(routing, tunnel)) => Request::Connect { routing, tunnel },
                None => continue,
            },
            2 => {
                now += Duration::from_secs(u64::from(value));
                relay.handle_timeout(now);
                while let Some(Output::Close { leg, .. }) = relay.poll_output() {
                    if legs.remove(&leg) {
                        relay.handle_closed(leg, now);
                    }
                }
                continue;
            }
            _ => {
                if let Some(leg) = legs.pop_first() {
                    relay.handle_closed(leg, now);
                }
                continue;
            }
        };
        match relay.handle_request(source, &request, now) {
            Ok(Admission::Waiting { leg, routing_id }) => {
                assert!(legs.insert(leg));
                routing.push((routing_id, tunnel));
            }
            Ok(Admission::Joined { leg, with }) => {
                assert!(legs.contains(&with) && legs.insert(leg));
            }
            Err(refusal) => assert!((400..=503).contains(&refusal.status())),
        }
        let counts = relay.counts();
        assert_eq!(counts.waiting + counts.joined, legs.len());
    }
}
