//! Prints what a registration through a CTAPHID door on UDP costs, beside the same in process and a
//! round trip of as many bytes.
//!
//!     cargo bench -p towline-benches --bench door
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::arithmetic_side_effects, clippy::panic)]

use std::{
    net::UdpSocket,
    time::{Duration, Instant},
};

use towline_authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
use towline_benches::{authenticator::Ceremonies, ctap, provider};
use towline_crypto::CryptoProvider;
use towline_ctap::{
    Request,
    hid::{HidCommand, Host, HostOutput},
};
use towline_ctaphid_socket::Door;
use towline_ctaphid_tokio::{Nobody, SecurityKey};

/// The aim of the registration, as a multiple of the registration in process and the round trip
/// together.
const AIM: f64 = 1.5;

fn main() {
    // `cargo test --benches` runs this too, without that flag: then one look is enough.
    let measured = std::env::args().any(|argument| argument == "--bench");
    let rounds = if measured { 501 } else { 3 };
    for (name, provider) in [("portable", provider()), ("ring", towline_crypto_ring::provider())] {
        let mut here = Ceremonies::with_provider(provider.clone(), Config::security_key(), 0);
        let mut there = Client::connect(provider);
        let request = Request::MakeCredential(Box::new(ctap::make_credential(false))).encode();
        let echo = vec![7; there.request(HidCommand::Cbor, &request).len()];
        let (mut inside, mut outside, mut trips) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            inside.push(took(|| drop(here.make_credential())));
            outside.push(took(|| {
                let response = there.request(HidCommand::Cbor, &request);
                assert_eq!(response.first(), Some(&0), "{response:02x?}");
            }));
            trips.push(took(|| assert_eq!(there.request(HidCommand::Ping, &echo), echo)));
        }
        let (inside, outside, trip) = (middle(inside), middle(outside), middle(trips));
        let ratio = outside.as_secs_f64() / (inside + trip).as_secs_f64();
        let met = if ratio <= AIM { "met" } else { "MISSED" };
        println!(
            "{name}: makeCredential over UDP {outside:?}; in process {inside:?}, a round trip of {} bytes {trip:?}: {ratio:.2} of both (aim {AIM}, {met})",
            echo.len()
        );
    }
}

/// A client of a key at a socket, which blocks.
struct Client {
    host: Host,
    socket: UdpSocket,
}

impl Client {
    fn connect(provider: CryptoProvider) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let keys = SoftwareKeys::new(provider.clone());
                let authenticator =
                    Authenticator::new(Config::security_key(), provider, MemoryStore::new(), keys);
                let key = SecurityKey::new();
                let mut door = Door::new(key.reports());
                let endpoint = door.listen(&"udp:127.0.0.1:0".parse().unwrap()).await.unwrap();
                tell.send(endpoint.address().unwrap()).unwrap();
                match key.run_simulated(authenticator.unwrap(), Nobody).await {}
            });
        });
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(told.recv().unwrap()).unwrap();
        let mut this = Self { host: Host::new(), socket };
        this.host.open([7; 8], Instant::now());
        while this.host.channel().is_none() {
            assert!(this.step().is_none());
        }
        this
    }

    fn request(&mut self, command: HidCommand, message: &[u8]) -> Vec<u8> {
        self.host.send(command, message, Instant::now()).unwrap();
        loop {
            if let Some(answer) = self.step() {
                return answer;
            }
        }
    }

    fn step(&mut self) -> Option<Vec<u8>> {
        match self.host.poll_output() {
            Some(HostOutput::Send(report)) => drop(self.socket.send(&report).unwrap()),
            Some(HostOutput::Message { message, .. }) => return Some(message.to_vec()),
            Some(HostOutput::Failed(failure)) => panic!("{failure:?}"),
            Some(_) => {}
            None => {
                let mut report = [0; 64];
                self.socket.recv(&mut report).unwrap();
                self.host.handle_packet(&report, Instant::now());
            }
        }
        None
    }
}

fn took(run: impl FnOnce()) -> Duration {
    let started = Instant::now();
    run();
    started.elapsed()
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
