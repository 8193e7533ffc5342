//! The relay's state machine: what a pair costs while so many others are there.

use std::time::Instant;

use towline_rendezvous::{
    Admission, Leg, Limits, Rendezvous, Role, Source, TunnelRequest, ids::TunnelId,
};

/// A phone waits, a computer joins it, and both leave, beside so many pairs.
pub fn beside(others: u32) -> impl FnMut() {
    let now = Instant::now();
    let provider = towline_crypto::rustcrypto::provider();
    let mut machine = Rendezvous::new(0, limits(), provider);
    for number in 0..others {
        joined(&mut machine, number.into(), now);
    }
    let mut number = u128::from(others);
    move || {
        number += 1;
        for leg in joined(&mut machine, number, now) {
            machine.handle_closed(leg, now);
        }
        while machine.poll_output().is_some() {}
    }
}

fn joined(machine: &mut Rendezvous, number: u128, now: Instant) -> [Leg; 2] {
    let tunnel = TunnelId::new(number.to_be_bytes());
    let source = Source::of(std::net::Ipv4Addr::LOCALHOST.into());
    let waiting = machine.handle_request(source, TunnelRequest::New { tunnel }, now);
    let Ok(Admission { leg: phone, role: Role::Waits { routing_id: routing, .. } }) = waiting
    else {
        panic!("a phone waits");
    };
    let request = TunnelRequest::Connect { routing, tunnel };
    let Ok(Admission { leg: computer, .. }) = machine.handle_request(source, request, now) else {
        panic!("a computer joins it");
    };
    [phone, computer]
}

fn limits() -> Limits {
    let all = usize::MAX >> 1;
    Limits { waiting: all, listening: all, pairs: all, per_source: all, ..Limits::default() }
}
