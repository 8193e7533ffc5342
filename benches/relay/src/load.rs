//! The load, bounded in count and time, and the table.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::client::{self, Pair, Way};

/// Who takes turns, how often, and how long each kind of load lasts.
struct Contest {
    names: &'static [&'static str],
    rounds: usize,
    time: Duration,
}

const ALL: Contest = Contest {
    names: &["splice", YARDSTICK, "towline", "towline-tls"],
    rounds: 11,
    time: Duration::from_millis(800),
};

/// What TLS costs: for clients that come again, which make half a handshake, and for those that
/// come for the first time.
const TLS: Contest = Contest {
    names: &[YARDSTICK, "towline", "towline-tls", "towline-tls-first"],
    rounds: 5,
    time: Duration::from_millis(400),
};

/// The contestant that the others are compared with, round by round.
const YARDSTICK: &str = "bare";

/// Tunnels that are busy at once.
const BUSY: u64 = 16;

/// More than a client opens in its time: each has numbers of its own.
const CEREMONIES: u64 = 1 << 40;

const MESSAGE: u16 = 1024;
const LONG_MESSAGE: u16 = 32_768;

/// Idle pairs are given up after this time.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn all(idle_pairs: usize) -> Result<()> {
    run(&ALL, idle_pairs).await?;
    println!(
        "\n{:12} {:>10} {:>12} {:>12} {:>12}",
        "", "listening", "bytes/phone", "us to come", "us per alive"
    );
    for name in ["towline", "towline-tls"] {
        listening(&mut Server::start(name).await?, name, idle_pairs).await?;
    }
    crate::machine::all()
}

/// The first tables alone, in half a minute: what TLS costs beside none.
pub(crate) async fn tls(idle_pairs: usize) -> Result<()> {
    run(&TLS, idle_pairs).await
}

async fn run(contest: &Contest, idle_pairs: usize) -> Result<()> {
    let Contest { names, rounds, time } = *contest;
    println!("{:18} {:>16} {:>16} {:>16}", "per core", "trips/s", "MiB/s", "pairs/s");
    let mut rates: Vec<Vec<[f64; 3]>> = names.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (name, rates) in names.iter().zip(&mut rates) {
            let mut server = Server::start(name).await?;
            let trips = round_trips(&mut server, MESSAGE, time).await?;
            let long = round_trips(&mut server, LONG_MESSAGE, time).await?;
            let ceremonies = ceremonies(&mut server, time).await?;
            // A round trip passes the message on twice.
            let mib = long * 2.0 * f64::from(LONG_MESSAGE) / 1_048_576.0;
            rates.push([trips, mib, ceremonies]);
        }
    }
    let yardstick = names.iter().position(|name| *name == YARDSTICK);
    let yardstick = yardstick.and_then(|at| rates.get(at)).cloned().unwrap_or_default();
    for (name, rates) in names.iter().zip(rates) {
        let [trips, mib, ceremonies] = [0, 1, 2].map(|kind| of_kind(&rates, &yardstick, kind));
        println!("{name:18} {trips:>16} {mib:>16} {ceremonies:>16}");
    }
    println!("(in brackets: the time that it takes, as a multiple of what bare takes)");
    println!("\n{:18} {:>10} {:>12}", "", "idle pairs", "bytes/pair");
    for name in names {
        let (pairs, bytes) = idle(&mut Server::start(name).await?, idle_pairs).await?;
        println!("{name:18} {pairs:>10} {bytes:>12}");
    }
    Ok(())
}

/// The median rate, and the median of the rounds' ratios to the yardstick.
fn of_kind(rates: &[[f64; 3]], yardstick: &[[f64; 3]], kind: usize) -> String {
    let of_kind = |rates: &[f64; 3]| rates.get(kind).copied().unwrap_or(f64::NAN);
    let ratios = rates.iter().zip(yardstick).map(|(rate, bare)| of_kind(bare) / of_kind(rate));
    format!("{:.0} ({:.2})", median(rates.iter().map(of_kind)), median(ratios))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A contestant, killed when dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) way: Way,
    /// Where a node tells its metrics.
    admin: Option<SocketAddr>,
    next: u64,
}

impl Server {
    async fn start(name: &str) -> Result<Self> {
        Self::start_with(&[name]).await
    }

    /// What it is called, and what it has to know besides.
    pub(crate) async fn start_with(args: &[&str]) -> Result<Self> {
        let name = args.first().copied().unwrap_or_default();
        let mut process = Command::new(std::env::current_exe()?)
            .arg("serve")
            .args(args)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = process.stdout.take().ok_or_else(|| Error::other("no output"))?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).await?;
        let mut addresses = line.split_whitespace();
        let address = addresses.next().unwrap_or_default().parse().map_err(Error::other)?;
        let admin = addresses.next().map(str::parse).transpose().map_err(Error::other)?;
        let tls = match name {
            "towline-tls" => Some(client::tls(true)?),
            "towline-tls-first" => Some(client::tls(false)?),
            _ => None,
        };
        Ok(Self { process, way: Way { address, tls }, admin, next: 0 })
    }

    async fn pair(&mut self) -> Result<Pair> {
        self.next = self.next.wrapping_add(1);
        self.way.pair(self.next).await
    }

    /// Time that it has spent on a processor, user and kernel together.
    pub(crate) fn spent(&self) -> Result<Duration> {
        // Nanoseconds of its only thread.
        let id = self.process.id().ok_or_else(|| Error::other("the server is gone"))?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/schedstat"))?;
        let spent = stat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok());
        spent.map(Duration::from_nanos).ok_or_else(|| Error::other("no schedstat"))
    }

    /// What a node has counted under this name.
    pub(crate) async fn metric(&self, name: &str) -> Result<u32> {
        let admin = self.admin.ok_or_else(|| Error::other("it tells no metrics"))?;
        let mut stream = TcpStream::connect(admin).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await?;
        let mut page = String::new();
        stream.read_to_string(&mut page).await?;
        let name = format!("towline_relay_{name} ");
        let value = page.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok());
        value.ok_or_else(|| Error::other(format!("no metric {name}")))
    }

    fn resident(&self) -> Result<u64> {
        let id = self.process.id().ok_or_else(|| Error::other("the server is gone"))?;
        resident(&id.to_string())
    }
}

/// Resident memory of a process of its own, in bytes: pages of files are left out.
pub(crate) fn resident(process: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = kib.and_then(|kib| kib.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.map(|kib| kib.saturating_mul(1024)).ok_or_else(|| Error::other("no RssAnon"))
}

fn per_second(count: u32, spent: Duration) -> f64 {
    f64::from(count) / spent.as_secs_f64()
}

/// Round trips per second of the server's processor time, on tunnels that are busy at once.
async fn round_trips(server: &mut Server, length: u16, time: Duration) -> Result<f64> {
    let mut pairs = Vec::new();
    for _ in 0..BUSY {
        pairs.push(server.pair().await?);
    }
    let before = server.spent()?;
    let end = Instant::now().checked_add(time).ok_or_else(|| Error::other("the clock"))?;
    let tasks: Vec<_> =
        pairs.into_iter().map(|pair| tokio::spawn(to_and_fro(pair, length, end))).collect();
    let mut trips: u32 = 0;
    let mut still_open = Vec::new();
    for task in tasks {
        let (made, pair) = task.await.map_err(Error::other)??;
        trips = trips.saturating_add(made);
        still_open.push(pair);
    }
    // Parting is not part of it.
    let spent = server.spent()?.saturating_sub(before);
    drop(still_open);
    Ok(per_second(trips, spent))
}

async fn to_and_fro(mut pair: Pair, length: u16, end: Instant) -> Result<(u32, Pair)> {
    let sent = client::frame(length);
    let mut unmasked = vec![0; sent.len().saturating_sub(4)];
    let mut masked = vec![0; sent.len()];
    // A splice leaves masks as they are; the first message shows it.
    pair.computer.send(&sent).await?;
    pair.phone.receive(&mut unmasked).await?;
    let spliced = unmasked.get(1).is_some_and(|byte| byte & 0x80 != 0);
    if spliced {
        pair.phone.receive(&mut [0; 4]).await?;
    }
    let received = if spliced { &mut masked } else { &mut unmasked };
    let mut trips: u32 = 0;
    while Instant::now() < end {
        pair.phone.send(&sent).await?;
        pair.computer.receive(received).await?;
        pair.computer.send(&sent).await?;
        pair.phone.receive(received).await?;
        trips = trips.saturating_add(1);
    }
    Ok((trips, pair))
}

/// Tunnels opened and left per second of the server's processor time, by as many clients as are
/// busy at once.
async fn ceremonies(server: &mut Server, time: Duration) -> Result<f64> {
    let before = server.spent()?;
    let end = Instant::now().checked_add(time).ok_or_else(|| Error::other("the clock"))?;
    let tasks: Vec<_> = (1..=BUSY)
        .map(|client| {
            let (way, first) = (server.way.clone(), client.saturating_mul(CEREMONIES));
            tokio::spawn(come_and_go(way, first, end))
        })
        .collect();
    let mut count: u32 = 0;
    for task in tasks {
        count = count.saturating_add(task.await.map_err(Error::other)??);
    }
    // What is still to be done for the last ones is theirs, too.
    tokio::time::sleep(Duration::from_millis(200)).await;
    Ok(per_second(count, server.spent()?.saturating_sub(before)))
}

async fn come_and_go(way: Way, first: u64, end: Instant) -> Result<u32> {
    let mut count: u32 = 0;
    while Instant::now() < end {
        drop(way.pair(first.wrapping_add(count.into())).await?);
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// How many pairs could be held without a word, and what each takes of the server's memory.
async fn idle(server: &mut Server, wanted: usize) -> Result<(usize, u64)> {
    // Whatever is made once is not theirs.
    drop(server.pair().await?);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = server.resident()?;
    let start = Instant::now();
    let mut pairs = Vec::new();
    while pairs.len() < wanted && start.elapsed() < PATIENCE {
        match server.pair().await {
            Ok(pair) => pairs.push(pair),
            Err(error) => {
                println!("no more after {} pairs: {error}", pairs.len());
                break;
            }
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let held = server.resident()?.saturating_sub(before);
    let count = u64::try_from(pairs.len()).map_err(Error::other)?;
    Ok((pairs.len(), held.checked_div(count).unwrap_or_default()))
}

/// Linked phones that wait to be rung: memory, processor time to come, and for "alive" and its
/// answer.
async fn listening(server: &mut Server, name: &str, wanted: usize) -> Result<()> {
    let alive = [0x82, 0x83, 0, 0, 0, 0, 0xa1, 0, 0];
    let mut answer = [0; 5];
    drop(server.way.listen(u64::MAX).await?);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (memory, before) = (server.resident()?, server.spent()?);
    let start = Instant::now();
    let mut phones = Vec::new();
    while phones.len() < wanted && start.elapsed() < PATIENCE {
        server.next = server.next.wrapping_add(1);
        phones.push(server.way.listen(server.next).await?);
    }
    let came = server.spent()?;
    for phone in &mut phones {
        phone.send(&alive).await?;
        phone.receive(&mut answer).await?;
    }
    let spoke = server.spent()?;
    let count = u32::try_from(phones.len()).map_err(Error::other)?;
    let bytes = server.resident()?.saturating_sub(memory).checked_div(count.into());
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(count);
    println!(
        "{name:12} {count:>10} {:>12} {:>12.0} {:>12.1}",
        bytes.unwrap_or_default(),
        each(came.saturating_sub(before)),
        each(spoke.saturating_sub(came)),
    );
    Ok(())
}
