//! Requests to the relay: any head is answered, and any order of requests, departures and time
//! keeps its books straight.
#![no_main]

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use libfuzzer_sys::fuzz_target;
use towline_crypto::Secret;
use towline_rendezvous::{
    Admission, ContactKey, Leg, Limits, LocateToken, Location, NoContacts, OriginPolicy,
    Rendezvous, RendezvousOutput, RequestHead, Role, Source, TunnelRequest,
    ids::TunnelId,
    message::{FromPhone, Reason, RingId},
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let (target, subprotocol) = text.split_once('\n').unwrap_or((text, "fido.cable"));
        let policy = OriginPolicy::default();
        let head = RequestHead {
            method: "GET",
            target,
            hosts: vec![subprotocol],
            subprotocols: vec![subprotocol],
            client_payloads: vec![subprotocol],
            contact_keys: vec![subprotocol],
            origins: vec![subprotocol, target],
            origin_policy: Some(&policy),
            ..RequestHead::default()
        };
        let _ = head.read();
    }
    rendezvous(bytes);
});

fn rendezvous(script: &[u8]) {
    let provider = towline_crypto_test::fake::provider(0);
    // So few places that they are taken within a script.
    let limits = Limits {
        waiting: 4,
        ringing: 3,
        locating: 2,
        listening: 3,
        pairs: 3,
        per_source: 3,
        ..Limits::default()
    };
    let mut relay = Rendezvous::new(1, limits, provider.clone(), Box::new(NoContacts));
    let mut now = Instant::now();
    let mut legs = BTreeSet::<Leg>::new();
    let mut routing = Vec::new();
    let mut asked = Vec::new();
    for pair in script.chunks_exact(2) {
        let (action, value) = (pair[0], pair[1]);
        let tunnel = TunnelId::new([value; 16]);
        let source = Source::of([127, 0, action >> 6, action >> 4].into());
        let key = ContactKey::new(Secret::new([value & 3; 32]));
        let request = match action & 7 {
            0 => TunnelRequest::New { tunnel },
            1 => match routing.get(usize::from(value) % routing.len().max(1)) {
                Some(&(routing, tunnel)) => TunnelRequest::Connect { routing, tunnel },
                None => continue,
            },
            2 => {
                now += Duration::from_secs(u64::from(value));
                relay.handle_timeout(now);
                close_all(&mut relay, &mut legs, &mut asked, now);
                continue;
            }
            3 => TunnelRequest::Listen { key },
            4 => {
                let contact = key.contact_id(&provider);
                TunnelRequest::Contact { contact, payload: vec![0xa0], signal: false }
            }
            5 => {
                if let Some(leg) = legs.iter().nth(usize::from(value >> 4)) {
                    let message = match value & 3 {
                        0 => FromPhone::Alive.encode(),
                        1 => FromPhone::Accept(RingId(u64::from(action >> 3))).encode(),
                        2 => FromPhone::Refuse(RingId(u64::from(action >> 3)), Reason::Unknown)
                            .encode(),
                        _ => script.to_vec(),
                    };
                    relay.handle_message(*leg, &message, now);
                }
                close_all(&mut relay, &mut legs, &mut asked, now);
                continue;
            }
            6 => {
                // Any question, as often as it likes.
                let location = match value >> 6 {
                    0 => Location::Nowhere,
                    1 => Location::Elsewhere(value & 3),
                    _ => Location::Here,
                };
                if let Some(token) = asked.get(usize::from(value & 0x3f) % asked.len().max(1)) {
                    relay.handle_located(*token, location, now);
                }
                close_all(&mut relay, &mut legs, &mut asked, now);
                continue;
            }
            _ => {
                if let Some(leg) = legs.pop_first() {
                    relay.handle_closed(leg, now);
                }
                close_all(&mut relay, &mut legs, &mut asked, now);
                continue;
            }
        };
        match relay.handle_request(source, request, now) {
            Ok(Admission { leg, role }) => {
                match role {
                    Role::Waits { routing_id, tunnel } => routing.push((routing_id, tunnel)),
                    Role::Joins { with } => assert!(legs.contains(&with)),
                    Role::Listens { .. } | Role::Rings { .. } => {}
                }
                assert!(legs.insert(leg));
            }
            Err(refusal) => assert!((400..=503).contains(&refusal.status())),
        }
        close_all(&mut relay, &mut legs, &mut asked, now);
        let counts = relay.counts();
        let connected =
            counts.waiting + counts.ringing + counts.locating + counts.listening + counts.joined;
        assert_eq!(connected, legs.len());
        assert!(counts.waiting <= limits.waiting && counts.ringing <= limits.ringing);
        assert!(counts.locating <= limits.locating);
        assert!(counts.listening + counts.absent <= limits.listening);
    }
}

/// Does what the relay wants done with connections, as its server does.
fn close_all(
    relay: &mut Rendezvous,
    legs: &mut BTreeSet<Leg>,
    asked: &mut Vec<LocateToken>,
    now: Instant,
) {
    while let Some(output) = relay.poll_output() {
        let leg = match output {
            RendezvousOutput::Close { leg, .. }
            | RendezvousOutput::Answer { leg, answer: Err(_) } => leg,
            RendezvousOutput::Answer { answer: Ok(()), .. } | RendezvousOutput::Send { .. } => {
                continue;
            }
            RendezvousOutput::Locate { token, .. } => {
                asked.push(token);
                continue;
            }
        };
        if legs.remove(&leg) {
            relay.handle_closed(leg, now);
        }
    }
}
