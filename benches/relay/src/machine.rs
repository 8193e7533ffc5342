//! A million linked phones, in the relay's state machine alone: what remembers them takes, and
//! whether it slows down.

use std::io::{Error, Result};
use std::time::{Duration, Instant};

use towline_crypto::{CryptoProvider, Secret};
use towline_rendezvous::ids::TunnelId;
use towline_rendezvous::message::FromPhone;
use towline_rendezvous::{
    Admission, ContactKey, Leg, Limits, Rendezvous, Role, Source, TunnelRequest,
};

/// How many phones listen.
const CROWDS: [u32; 2] = [1000, 1_000_000];

/// What is timed is done as often as this.
const TIMES: u32 = 1000;

pub(crate) fn all() -> Result<()> {
    println!(
        "\n{:>17} {:>12} {:>12} {:>12} {:>12} {:>12}",
        "phones, no socket",
        "bytes/phone",
        "us to come",
        "us per alive",
        "us per ring",
        "us per pair"
    );
    for phones in CROWDS {
        crowd(phones)?;
    }
    Ok(())
}

fn crowd(phones: u32) -> Result<()> {
    let provider = towline_crypto::rustcrypto::provider();
    let now = Instant::now();
    let before = crate::load::resident("self")?;
    let mut machine = Rendezvous::new(0, limits(), provider.clone());
    let mut legs = Vec::new();
    let come = Instant::now();
    for number in 0..phones {
        let admitted = machine.handle_request(source(), listen(number), now);
        let Ok(Admission { leg, .. }) = admitted else { return Err(odd()) };
        // Whether its contact was revoked is asked.
        machine.poll_output().ok_or_else(odd)?;
        legs.push(leg);
    }
    let come = come.elapsed();
    let bytes = crate::load::resident("self")?.saturating_sub(before).checked_div(phones.into());
    let alive = FromPhone::Alive.encode();
    let alive = each(|number| {
        let leg = legs.get(spread(number, phones)).copied().ok_or_else(odd)?;
        machine.handle_message(leg, &alive, now);
        machine.poll_output().map(drop).ok_or_else(odd)
    })?;
    let mut ringing = Vec::new();
    let ring = each(|number| {
        let request =
            contact(&provider, u32::try_from(spread(number, phones)).map_err(Error::other)?);
        let rung = machine.handle_request(source(), request, now);
        ringing.push(rung.map_err(Error::other)?);
        machine.poll_output().map(drop).ok_or_else(odd)
    })?;
    let pair = each(|number| {
        let tunnel = TunnelId::new(u128::from(number).to_be_bytes());
        let waiting = machine.handle_request(source(), TunnelRequest::New { tunnel }, now);
        let Ok(Admission { leg, role: Role::Waits { routing_id: routing, .. } }) = waiting else {
            return Err(odd());
        };
        let request = TunnelRequest::Connect { routing, tunnel };
        let joined = machine.handle_request(source(), request, now);
        let Ok(Admission { leg: other, .. }) = joined else { return Err(odd()) };
        close(&mut machine, [leg, other], now);
        Ok(())
    })?;
    println!(
        "{phones:>17} {:>12} {:>12.1} {alive:>12.1} {ring:>12.1} {pair:>12.1}",
        bytes.unwrap_or_default(),
        micros(come, phones),
    );
    Ok(())
}

fn close(machine: &mut Rendezvous, legs: [Leg; 2], now: Instant) {
    for leg in legs {
        machine.handle_closed(leg, now);
    }
}

/// Microseconds for each of the times that something is done.
fn each(mut what: impl FnMut(u32) -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    for number in 0..TIMES {
        what(number)?;
    }
    Ok(micros(start.elapsed(), TIMES))
}

fn micros(time: Duration, count: u32) -> f64 {
    time.as_secs_f64() * 1e6 / f64::from(count)
}

/// Phones from all over the crowd.
fn spread(number: u32, phones: u32) -> usize {
    let step = phones.checked_div(TIMES).unwrap_or(1).max(1);
    usize::try_from(number.wrapping_mul(step).checked_rem(phones).unwrap_or(0)).unwrap_or(0)
}

fn key(number: u32) -> ContactKey {
    let mut secret = [0; 32];
    secret.first_chunk_mut::<4>().into_iter().for_each(|start| *start = number.to_be_bytes());
    ContactKey::new(Secret::new(secret))
}

fn listen(number: u32) -> TunnelRequest {
    TunnelRequest::Listen { key: key(number), sequence: 0 }
}

fn contact(provider: &CryptoProvider, number: u32) -> TunnelRequest {
    let contact = key(number).contact_id(provider);
    TunnelRequest::Contact { contact, payload: vec![0xa0], signal: true }
}

fn source() -> Source {
    Source::of(std::net::Ipv4Addr::LOCALHOST.into())
}

fn limits() -> Limits {
    let all = usize::MAX >> 1;
    Limits { waiting: all, listening: all, pairs: all, per_source: all, ..Limits::default() }
}

fn odd() -> Error {
    Error::other("the relay's state machine does something else than it should")
}
