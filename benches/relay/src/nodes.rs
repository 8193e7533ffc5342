//! Two nodes of one service with a `nats-server` between them, each a process of its own: what a
//! ring through another node adds, and what a question about somebody else's phone costs a node.

use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use towline_crypto::Secret;
use towline_nats::Nats;
use towline_rendezvous::ContactKey;
use towline_rendezvous::bus::{BusAddress, BusMessage, ContactTag, NodeInstance};
use towline_rendezvous::message::{FromPhone, FromService, RingId};

use crate::client::{Peer, Way};
use crate::load::Server;

/// Phones, which are rung in turn.
const PHONES: u32 = 500;

/// Rings, one each millisecond.
const RINGS: u32 = 5000;
const RING_EVERY: Duration = Duration::from_millis(1);

/// Questions, so many each ten milliseconds.
const FINDS: u32 = 50_000;
const FINDS_AT_ONCE: u32 = 100;

pub(crate) async fn all() -> Result<()> {
    let bus = Bus::start().await?;
    let here = Server::start_with(&["node-0", &bus.address()]).await?;
    let there = Server::start_with(&["node-1", &bus.address()]).await?;
    // Until they know each other.
    sleep(Duration::from_secs(2)).await;
    let mut phones = JoinSet::new();
    for number in 0..PHONES {
        let peer = here.way.listen(number.into()).await?;
        phones.spawn(accept(peer));
    }
    sleep(Duration::from_secs(1)).await;
    println!("{:>24} {:>10} {:>10} {:>8}", "rings, 1000/s", "p50 ms", "p99 ms", "failed");
    for (name, way, region) in
        [("at the phone's own node", &here.way, 10), ("through another node", &there.way, 11)]
    {
        let (mut took, failed) = rings(way, region).await;
        took.sort_unstable();
        let at = |percent: usize| {
            let index = took.len().saturating_mul(percent) / 100;
            took.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
        };
        let count: usize = failed.values().sum();
        println!("{name:>24} {:>10.2} {:>10.2} {count:>8}", at(50), at(99));
        for (answer, times) in failed {
            println!("{times} times: {answer}");
        }
    }
    let before = there.spent()?;
    let idle = Instant::now();
    sleep(Duration::from_secs(1)).await;
    let idle = there.spent()?.saturating_sub(before).div_f64(idle.elapsed().as_secs_f64());
    let known = there.metric("finds_heard_total").await?;
    let (before, asked) = (there.spent()?, Instant::now());
    finds(&bus).await?;
    let spent = there.spent()?.saturating_sub(before);
    let spent = spent.saturating_sub(idle.mul_f64(asked.elapsed().as_secs_f64()));
    let heard = there.metric("finds_heard_total").await?.saturating_sub(known);
    let each = spent.as_secs_f64() * 1e6 / f64::from(heard);
    println!(
        "a find of somebody else's phone, at 10 000/s: {each:.1} us of a node, which heard {heard} \
         of {FINDS}"
    );
    Ok(())
}

/// A phone that comes to whoever rings, and never arrives.
async fn accept(mut peer: Peer) -> Result<()> {
    loop {
        let message = peer.payload().await?;
        if let Some(FromService::Ring { ring, .. }) = FromService::decode(&message) {
            let answer = FromPhone::Accept(ring).encode();
            let length = u8::try_from(answer.len()).map_err(Error::other)?;
            peer.send(&[&[0x82, 0x80 | length, 0, 0, 0, 0][..], &answer].concat()).await?;
        }
    }
}

/// How long each ring took, from the connection to the response, and what the others were told.
async fn rings(way: &Way, region: u8) -> (Vec<Duration>, BTreeMap<String, usize>) {
    let mut ticks = interval(RING_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut ringing = JoinSet::new();
    for number in 0..RINGS {
        ticks.tick().await;
        let way = way.clone();
        ringing.spawn(async move {
            let contact = contact(number.checked_rem(PHONES).unwrap_or(0));
            let [_, _, high, low] = number.to_be_bytes();
            let began = Instant::now();
            way.ring(&contact, Ipv4Addr::new(region, high, low, 1)).await.map(|_| began.elapsed())
        });
    }
    let took: Vec<_> = ringing.join_all().await;
    let mut failed = BTreeMap::new();
    for error in took.iter().filter_map(|took| took.as_ref().err()) {
        let answer = error.to_string().lines().next().unwrap_or_default().to_owned();
        let times: &mut usize = failed.entry(answer).or_default();
        *times = times.saturating_add(1);
    }
    (took.into_iter().flatten().collect(), failed)
}

/// Asks all nodes for phones that nobody holds.
async fn finds(bus: &Bus) -> Result<()> {
    let provider = towline_crypto::rustcrypto::provider();
    let joined = Nats::new(bus.address()).join(&provider).await.map_err(Error::other)?;
    sleep(Duration::from_secs(1)).await;
    let from = NodeInstance::new([7; 8]);
    let mut ticks = interval(Duration::from_millis(10));
    for number in 0..FINDS {
        if number.checked_rem(FINDS_AT_ONCE) == Some(0) {
            ticks.tick().await;
        }
        let tag = ContactTag::new(u128::from(number).to_be_bytes());
        let find = BusMessage::Find { ring: RingId(number.into()), tag };
        joined.link.sender.publish(BusAddress::All, find.encode(from));
    }
    sleep(Duration::from_secs(1)).await;
    Ok(())
}

fn contact(number: u32) -> Vec<u8> {
    let mut secret = [0; 32];
    secret.last_chunk_mut::<4>().into_iter().for_each(|end| *end = number.to_be_bytes());
    let contact = ContactKey::new(Secret::new(secret));
    contact.contact_id(&towline_crypto::rustcrypto::provider()).as_bytes().to_vec()
}

/// A `nats-server`, killed when dropped.
struct Bus {
    child: Child,
    port: u16,
}

impl Bus {
    async fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new("nats-server")
            .args(["-a", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let bus = Self { child, port };
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
        Ok(bus)
    }

    fn address(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _reaped = self.child.wait();
    }
}
