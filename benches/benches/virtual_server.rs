//! How long the virtual service takes over an answer, how long until it takes the first request,
//! and what a thousand sessions take in memory.
//!
//!     cargo bench -p towline-benches --bench virtual_server
//!
//! The answers are those of one client on one connection, beside the same work without HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that fails has nothing to measure"
)]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use towline_virtual_server::{
    Mediation, PageOrigin, Service, Session, VirtualAuthenticatorOptions,
    http::{Settings, router, serve},
};

const ORIGIN: &str = "https://example.org";
const CREATE: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "authenticatorSelection": {"residentKey": "required"}}"#;
const GET: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw"}"#;

/// What is aimed at: an answer at the 99th percentile, the first answer after the start, and a
/// thousand sessions.
const ANSWER: Duration = Duration::from_millis(2);
const START: Duration = Duration::from_millis(15);
const MEMORY_KIB: u64 = 64 << 10;

fn main() {
    // `cargo test --benches` runs this too, without that flag: then one look at each is enough.
    let whole = std::env::args().any(|argument| argument == "--bench");
    let (rounds, sessions) = if whole { (2000, 1000) } else { (1, 2) };
    let began = Instant::now();
    let service = Service::default();
    let mut client = Client::start(&service);
    client.call("GET", "/v1/default", "");
    told("started, first answer", began.elapsed(), START);

    let session = service.default_session();
    session.add_authenticator(VirtualAuthenticatorOptions::default()).unwrap();
    registered(&session);
    let sign_in = format!(r#"{{"origin": "{ORIGIN}", "options": {GET}}}"#);
    let create = format!(r#"{{"origin": "{ORIGIN}", "options": {CREATE}}}"#);
    for (name, method, path, body) in [
        ("a look at the session", "GET", "/v1/default", ""),
        ("the faults there are", "GET", "/v1/faults", ""),
        ("a sign-in", "POST", "/v1/default/get", sign_in.as_str()),
        ("a registration", "POST", "/v1/default/create", create.as_str()),
    ] {
        let times = measured(rounds, || client.call(method, path, body));
        told(&format!("{name}, 99th percentile"), percentile(&times, 99), ANSWER);
        println!("{:<44} {:>10.1?}", format!("{name}, median"), percentile(&times, 50));
    }
    let site = PageOrigin::of(ORIGIN).unwrap();
    let times = measured(rounds, || {
        let begun = session.begin_get(&site, GET, Mediation::Optional).unwrap();
        session.poll(&begun).unwrap().unwrap().unwrap();
    });
    println!("{:<44} {:>10.1?}", "a sign-in without HTTP, median", percentile(&times, 50));

    let before = resident_kib();
    for _ in 0..sessions {
        let session = service.new_session().unwrap();
        session.add_authenticator(VirtualAuthenticatorOptions::default()).unwrap();
        registered(&session);
    }
    let taken = resident_kib().zip(before).map(|(after, before)| after.saturating_sub(before));
    if let Some(taken) = taken {
        let verdict = if taken <= MEMORY_KIB { "aim met" } else { "" };
        let what = format!("{sessions} sessions, each with a passkey");
        println!("{what:<44} {taken:>6} KiB  {verdict}");
    }
}

fn registered(session: &Session) {
    let site = PageOrigin::of(ORIGIN).unwrap();
    let begun = session.begin_create(&site, CREATE, Mediation::Optional).unwrap();
    session.poll(&begun).unwrap().unwrap().unwrap();
}

fn told(what: &str, time: Duration, aim: Duration) {
    let verdict = if time <= aim { "aim met" } else { "" };
    println!("{what:<44} {time:>10.1?}  {verdict}");
}

fn measured(rounds: usize, mut call: impl FnMut()) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let began = Instant::now();
            call();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let place = sorted.len().saturating_sub(1).saturating_mul(percent).div_ceil(100);
    sorted[place]
}

/// What of this process is in memory, where the system tells.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// A client with one connection to a service in a thread of its own.
struct Client {
    stream: BufReader<TcpStream>,
    head: String,
    token: String,
}

impl Client {
    fn start(service: &Service) -> Self {
        let token = service.new_token().unwrap();
        let (revealed, service) = (token.reveal(), service.clone());
        let (sender, receiver) = std::sync::mpsc::channel::<SocketAddr>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                let router = router(service, Settings::new(token));
                serve(listener, router, std::future::pending()).await.unwrap();
            });
        });
        let address = receiver.recv().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream: BufReader::new(stream),
            head: format!("Host: {address}\r\n"),
            token: revealed,
        }
    }

    fn call(&mut self, method: &str, path: &str, body: &str) {
        let (length, head, token) = (body.len(), &self.head, &self.token);
        let request = format!(
            "{method} /{token}{path} HTTP/1.1\r\n{head}Content-Length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let (mut line, mut length) = (String::new(), 0);
        self.stream.read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{line}");
        while line != "\r\n" {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        self.stream.read_exact(&mut vec![0; length]).unwrap();
    }
}
