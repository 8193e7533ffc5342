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
    Admission, ContactKey, ContactState, Leg, Limits, OriginPolicy, RecallToken, Rendezvous,
    RendezvousOutput, RequestHead, RevokeToken, Role, Source, TunnelRequest,
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
            sequences: vec![target],
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
    let mut relay = Rendezvous::new(1, limits, provider.clone());
    let mut now = Instant::now();
    let mut legs = BTreeSet::<Leg>::new();
    let mut routing = Vec::new();
    let mut asked = Asked::default();
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
            3 => TunnelRequest::Listen { key, sequence: u64::from(value >> 5) },
            4 => {
                let contact = key.contact_id(&provider);
                TunnelRequest::Contact { contact, payload: vec![0xa0], signal: false }
            }
            5 => {
                if let Some(leg) = legs.iter().nth(usize::from(value >> 4)) {
                    let message = match value & 3 {
                        0 => FromPhone::Alive.encode(),
                        1 => FromPhone::Accept(RingId(u64::from(action >> 3))).encode(),
                        2 if value & 4 == 0 => {
                            FromPhone::Refuse(RingId(u64::from(action >> 3)), Reason::Unknown)
                                .encode()
                        }
                        2 => FromPhone::Revoke.encode(),
                        _ => script.to_vec(),
                    };
                    relay.handle_message(*leg, &message, now);
                }
                close_all(&mut relay, &mut legs, &mut asked, now);
                continue;
            }
            6 => {
                // Any question, as often as it likes.
                let at = usize::from(value & 0x1f);
                let state = match value >> 6 {
                    0 => None,
                    1 => Some(ContactState::Revoked),
                    _ => Some(ContactState::Unknown),
                };
                if value & 0x20 == 0 {
                    if let Some(token) = asked.recalls.get(at % asked.recalls.len().max(1)) {
                        relay.handle_recalled(*token, state, now);
                    }
                } else if let Some(token) = asked.revokes.get(at % asked.revokes.len().max(1)) {
                    relay.handle_revoked(*token, state.is_some(), now);
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

/// What the relay has asked for.
#[derive(Default)]
struct Asked {
    recalls: Vec<RecallToken>,
    revokes: Vec<RevokeToken>,
}

/// Does what the relay wants done with connections, as its server does.
fn close_all(relay: &mut Rendezvous, legs: &mut BTreeSet<Leg>, asked: &mut Asked, now: Instant) {
    while let Some(output) = relay.poll_output() {
        let leg = match output {
            RendezvousOutput::Close { leg, .. }
            | RendezvousOutput::Answer { leg, answer: Err(_) } => leg,
            RendezvousOutput::Answer { answer: Ok(()), .. } | RendezvousOutput::Send { .. } => {
                continue;
            }
            RendezvousOutput::Recall { token, .. } => {
                asked.recalls.push(token);
                continue;
            }
            RendezvousOutput::Revoke { token, .. } => {
                asked.revokes.push(token);
                continue;
            }
            RendezvousOutput::Publish { .. } | RendezvousOutput::NumberTaken => {
                panic!("it is the only node")
            }
        };
        if legs.remove(&leg) {
            relay.handle_closed(leg, now);
        }
    }
}
