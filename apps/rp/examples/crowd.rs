//! How long pages take at a site with many accounts: 10,000 with 50 keys each, in a file.
//!
//!     cargo run --release -p towline-rp --example crowd
//!
//! Prints the median and the 95th percentile of each page over real sockets, one request after the
//! other and two at once. Fewer accounts and requests are used where a number is given.

use std::{
    error::Error,
    fs,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use towline_rp::{RpConfig, RpServer, StrictVerifier};

type Outcome<T> = Result<T, Box<dyn Error>>;

const KEYS: i64 = 50;
const EMAIL: &str = "jo@example.org";

/// A file that is gone in the end.
struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{end}", self.0.display()));
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let accounts: i64 = std::env::args().nth(1).map_or(Ok(10_000), |number| number.parse())?;
    let file = std::env::temp_dir().join(format!("towline-crowd-{}.db", std::process::id()));
    let file = File(file);
    let config = RpConfig { data: Some(file.0.clone()), ..RpConfig::default() };
    let provider = config.provider.clone();
    let rp = RpServer::bind(config, |identity| StrictVerifier::new(identity, provider)).await?;
    let (addr, origin, stop) = (rp.local_addr(), rp.url(), rp.shutdown_handle());
    let running = tokio::spawn(rp.run());

    let body = format!("email={EMAIL}&called=Jo&password=a+long+enough+one");
    let joined = request(addr, &origin, "POST", "/join", "", &body).await?;
    let cookie = joined
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))
        .and_then(|(_, cookie)| cookie.split(';').next())
        .ok_or("nobody is signed in")?
        .to_owned();
    let began = Instant::now();
    fill(&file.0, accounts)?;
    println!("{accounts} accounts with {KEYS} keys each, made in {:.1?}", began.elapsed());

    let rounds = if accounts < 10_000 { 20 } else { 400 };
    println!("{:<28} {:>10} {:>10} {:>14}", "", "median", "95th", "95th, two");
    for path in ["/", "/sign-in", "/account", "/account/add", "/account/keys/1/rename"] {
        let page = |times| pages(addr, origin.clone(), path, cookie.clone(), times);
        let alone = page(rounds).await?;
        let (one, other) = tokio::join!(page(rounds), page(rounds));
        let both = [one?, other?].concat();
        println!(
            "{path:<28} {:>10.1?} {:>10.1?} {:>14.1?}",
            percentile(alone.clone(), 50),
            percentile(alone, 95),
            percentile(both, 95)
        );
    }
    stop.shutdown();
    running.await?;
    Ok(())
}

/// Rows as the site makes them.
fn fill(file: &std::path::Path, accounts: i64) -> Outcome<()> {
    let mut db = Connection::open(file)?;
    db.busy_timeout(Duration::from_secs(10))?;
    let change = db.transaction()?;
    let own: i64 =
        change.query_row("SELECT id FROM accounts WHERE name = ?1", [EMAIL], |row| row.get(0))?;
    {
        let mut account = change.prepare(
            "INSERT INTO accounts (name, handle, created) VALUES (?1, ?2, 7) RETURNING id",
        )?;
        let mut key = change.prepare(
            "INSERT INTO keys (account, credential, name, record, added, backup_eligible,
                 backed_up, attestation, aaguid)
             VALUES (?1, ?2, ?3, ?4, 7, 1, 1, 'none', 'd548826e-79b4-db40-a3d8-11116f7e8349')",
        )?;
        let record = vec![b'x'; 400];
        for number in 0..accounts {
            let id = if number == 0 {
                own
            } else {
                let handle = [&number.to_be_bytes()[..], &[0; 24]].concat();
                account
                    .query_row(params![format!("{number}@example.org"), handle], |row| row.get(0))?
            };
            for one in 0..KEYS {
                let name = format!("Key {one}");
                key.execute(params![id, format!("credential-{number}-{one}"), name, record])?;
            }
        }
    }
    change.commit()?;
    Ok(())
}

async fn pages(
    addr: SocketAddr,
    origin: String,
    path: &str,
    cookie: String,
    times: usize,
) -> Outcome<Vec<Duration>> {
    let mut took = Vec::new();
    for _ in 0..times {
        let began = Instant::now();
        let page = request(addr, &origin, "GET", path, &cookie, "").await?;
        took.push(began.elapsed());
        if !page.starts_with("HTTP/1.1 200") {
            return Err(page.into());
        }
    }
    Ok(took)
}

fn percentile(mut took: Vec<Duration>, which: usize) -> Duration {
    took.sort_unstable();
    let at = took.len().saturating_sub(1).saturating_mul(which) / 100;
    took.get(at).copied().unwrap_or_default()
}

async fn request(
    addr: SocketAddr,
    origin: &str,
    method: &str,
    path: &str,
    cookie: &str,
    body: &str,
) -> Outcome<String> {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host);
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nAccept: text/html\r\n\
         Cookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8(answer)?)
}
