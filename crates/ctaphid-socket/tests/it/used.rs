//! A program that uses the key behind a door: the WebAuthn client over `KeyChannel`.

use std::{
    future::{pending, ready},
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use towline_authenticator::Answer;
use towline_client::{
    Account, BoxFuture, Caller, Channel as _, Client, Environment, Error, Origin, create, get,
};
use towline_ctap::{
    GetInfo, Status, Version,
    hid::{Capabilities, HidCommand, Packet, Payload, Report},
};
use towline_ctaphid_host::{KeyChannel, Wire};
use towline_ctaphid_socket::Endpoint;
use towline_ctaphid_tokio::{Ask, Nobody, Person};
use towline_testkit::hid::make_credential;

use crate::open::{open, open_simulated};

const CREATE: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw",
    "rp": {"name": "Example", "id": "example.org"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    "authenticatorSelection": {"userVerification": "discouraged"}}"#;

struct Here;

impl Environment for Here {
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep_until(deadline.into()))
    }

    fn choose<'a>(&'a self, _: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(ready(Some(0)))
    }
}

fn channel(wire: Box<dyn Wire>) -> KeyChannel {
    KeyChannel::new(wire, towline_crypto::rustcrypto::provider())
}

async fn made(key: &mut KeyChannel) -> Result<String, Error> {
    let client = Client::new(towline_crypto::rustcrypto::provider());
    let caller = Caller::from(Origin::parse("https://example.org").unwrap());
    create(&client, key, &Here, &caller, CREATE).await
}

async fn used(key: &mut KeyChannel, id: &str) -> Result<String, Error> {
    let client = Client::new(towline_crypto::rustcrypto::provider());
    let caller = Caller::from(Origin::parse("https://example.org").unwrap());
    let options = format!(
        r#"{{"challenge": "AAECAwQFBgcICQoLDA0ODw", "userVerification": "discouraged",
            "allowCredentials": [{{"type": "public-key", "id": "{id}"}}]}}"#
    );
    get(&client, key, &Here, &caller, &options).await
}

fn id(response: &str) -> &str {
    let (_, rest) = response.split_once(r#""id":""#).unwrap();
    rest.split('"').next().unwrap()
}

#[tokio::test]
async fn a_key_behind_any_endpoint_registers_and_signs_in() {
    let path = towline_testkit::Directory::new("used");
    let unix = format!("unix:{}", path.file("key.sock").display());
    let (endpoints, _key) =
        open_simulated(&["udp:127.0.0.1:0", "udp:[::1]:0", "tcp:127.0.0.1:0", &unix], Nobody).await;
    for endpoint in endpoints {
        let mut key = channel(endpoint.connect().await.unwrap());
        let response = made(&mut key).await.unwrap();
        used(&mut key, id(&response)).await.unwrap();
        // A channel is good for more than one ceremony, and not the only one.
        let mut other = channel(endpoint.connect().await.unwrap());
        used(&mut other, id(&response)).await.unwrap();
        used(&mut key, id(&response)).await.unwrap();
    }
}

/// A key as it was before CTAP2: it says that it takes no CBOR.
struct Old(Box<dyn Wire>);

impl Wire for Old {
    fn send<'a>(&'a mut self, report: &'a Report) -> BoxFuture<'a, io::Result<()>> {
        if let Payload::Initialization { command, .. } = Packet::read(report).payload {
            assert_ne!(command, HidCommand::Cbor);
        }
        self.0.send(report)
    }

    fn receive(&mut self) -> BoxFuture<'_, io::Result<Report>> {
        Box::pin(async move {
            let mut report = self.0.receive().await?;
            if let Payload::Initialization { command: HidCommand::Init, .. } =
                Packet::read(&report).payload
            {
                report[7 + 16] &= !Capabilities::CBOR.0;
            }
            Ok(report)
        })
    }
}

#[tokio::test]
async fn a_key_that_speaks_u2f_alone_registers_and_signs_in() {
    let (endpoints, _key) = open_simulated(&["tcp:127.0.0.1:0"], Nobody).await;
    let mut key = channel(Box::new(Old(endpoints[0].connect().await.unwrap())));
    let info = GetInfo::from_cbor(&key.get_info().await.unwrap()).unwrap();
    assert_eq!(info.versions, [Version::U2fV2]);
    let response = made(&mut key).await.unwrap();
    used(&mut key, id(&response)).await.unwrap();
}

/// Lets a question be, until it is withdrawn.
struct Silent(tokio::sync::mpsc::UnboundedSender<()>);

impl Person for Silent {
    fn ask(&mut self, ask: Ask) {
        let asked = self.0.clone();
        ask.answer_with(async move |_| {
            asked.send(()).unwrap();
            pending::<Answer>().await
        });
    }
}

#[tokio::test]
async fn a_request_that_is_dropped_is_cancelled_and_the_key_is_free_again() {
    let (asked, mut questions) = tokio::sync::mpsc::unbounded_channel();
    let (endpoints, _key) = open(&["tcp:127.0.0.1:0"], Silent(asked)).await;
    let touches = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&touches);
    let mut key = channel(endpoints[0].connect().await.unwrap()).with_touch(move || {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    for round in 1..=2 {
        tokio::select! {
            answer = key.transact(make_credential()) => panic!("{answer:?}"),
            _ = questions.recv() => {}
        }
        // The question may have come before the keepalive that tells of it.
        assert!(touches.load(Ordering::Relaxed) <= round);
        key.cancel().await;
        assert_eq!(key.get_info().await.map(|info| info.is_empty()), Ok(false));
    }
    // Somebody waits longer than the key takes to say so.
    tokio::select! {
        answer = key.transact(make_credential()) => panic!("{answer:?}"),
        () = async {
            while touches.load(Ordering::Relaxed) == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } => {}
    }
    key.cancel().await;
}

#[tokio::test]
async fn nobody_at_an_endpoint_is_an_error_and_no_wait() {
    let tcp: Endpoint = "tcp:127.0.0.1:9".parse().unwrap();
    assert!(tcp.connect().await.is_err());
    // Over UDP it shows when something is sent.
    let udp: Endpoint = "udp:127.0.0.1:9".parse().unwrap();
    let mut key = channel(udp.connect().await.unwrap());
    let refused = key.get_info().await.unwrap_err();
    assert!(refused.to_string().contains("security key"), "{refused}");
}

#[tokio::test]
async fn the_status_of_a_request_is_passed_on() {
    let (endpoints, _key) = open_simulated(&["tcp:127.0.0.1:0"], Nobody).await;
    let mut key = channel(endpoints[0].connect().await.unwrap());
    assert_eq!(key.transact(vec![0x3f]).await.unwrap(), [Status::InvalidCommand.to_u8()]);
}
