//! Clients that go away in the middle.

use std::time::{Duration, Instant};

use tokio::{io::AsyncReadExt as _, net::TcpStream, time::timeout};
use towline_authenticator::Answer;
use towline_ctap::hid::{HidChannel, HidCommand, KeepaliveStatus};
use towline_ctaphid_socket::Endpoint;

use towline_testkit::hid::{Client, make_credential, report};

use super::{Asked, GET_INFO, SELECTION, TCP, asking, control, simulated};

/// Much less than the 30 s for which a question stays open.
const SOON: Duration = Duration::from_secs(5);

#[cfg(unix)]
fn streams() -> Vec<String> {
    vec![TCP.to_owned(), format!("unix:{}", super::socket_path("gone").display())]
}

#[cfg(not(unix))]
fn streams() -> Vec<String> {
    vec![TCP.to_owned()]
}

/// A client whose request waits for the person.
async fn waiting(endpoint: &Endpoint, request: &[u8]) -> Client {
    let mut client = Client::connect(endpoint).await;
    client.begin(request).await;
    assert_eq!(client.keepalive().await, KeepaliveStatus::UpNeeded);
    client
}

#[tokio::test]
async fn a_connection_that_closes_takes_its_question_along() {
    for text in streams() {
        let (endpoints, (mut questions, answers)) = asking(&[&text]).await;
        let client = waiting(&endpoints[0], &make_credential()).await;
        assert!(matches!(questions.recv().await, Some(Asked::Question(_))));
        drop(client);
        let withdrawn = timeout(SOON, questions.recv()).await.expect("withdrawn");
        assert_eq!(withdrawn, Some(Asked::Withdrawn), "{text}");

        let mut other = Client::connect(&endpoints[0]).await;
        assert!(other.cbor(GET_INFO).await.result.is_ok(), "nobody is busy");
        // A yes that comes late makes nothing.
        answers.send(Answer::Approve).unwrap();
        let happened = timeout(Duration::from_millis(100), questions.recv()).await;
        assert!(happened.is_err(), "{happened:?}");
    }
}

#[tokio::test]
async fn others_are_not_busy_for_a_client_that_is_gone() {
    let endpoints = simulated(&[TCP]).await;
    let mut other = Client::connect(&endpoints[0]).await;
    other.pipe.exchange(&control("presence=deny")).await;
    for _ in 0..20 {
        // Whichever the key hears of first: that the one is gone, or what the other asks.
        drop(waiting(&endpoints[0], SELECTION).await);
        let before = Instant::now();
        while other.cbor(GET_INFO).await.result.is_err() {
            assert!(before.elapsed() < SOON, "still busy");
        }
    }
}

#[tokio::test]
async fn half_a_message_goes_with_its_connection() {
    let endpoints = simulated(&[TCP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    let HidChannel(channel) = client.host.channel().unwrap();
    client.pipe.send(&report(&[&channel.to_be_bytes()[..], &[0x90, 1, 0]].concat())).await;
    let mut other = Client::connect(&endpoints[0]).await;
    assert!(other.cbor(GET_INFO).await.result.is_err(), "the message is under way");
    drop(client);
    let before = Instant::now();
    while other.cbor(GET_INFO).await.result.is_err() {
        // It would be given up after 500 ms anyway.
        assert!(before.elapsed() < Duration::from_millis(350), "still under way");
    }
}

#[tokio::test]
async fn a_lock_goes_with_the_connection_that_set_it() {
    let endpoints = simulated(&[TCP]).await;
    let mut client = Client::connect(&endpoints[0]).await;
    let mut other = Client::connect(&endpoints[0]).await;
    client.host.send(HidCommand::Lock, &[10], Instant::now()).unwrap();
    assert_eq!(client.finish().await.result, Ok(vec![]));
    assert!(client.cbor(GET_INFO).await.result.is_ok());
    assert!(other.cbor(GET_INFO).await.result.is_err(), "locked out");
    drop(client);
    let before = Instant::now();
    while other.cbor(GET_INFO).await.result.is_err() {
        assert!(before.elapsed() < SOON, "still locked out");
    }
}

#[tokio::test]
async fn an_idle_connection_that_closes_ends_nobody_elses_request() {
    let (endpoints, (mut questions, answers)) = asking(&[TCP]).await;
    let mut idle = Client::connect(&endpoints[0]).await;
    assert!(idle.cbor(GET_INFO).await.result.is_ok());
    let mut client = waiting(&endpoints[0], SELECTION).await;
    assert!(matches!(questions.recv().await, Some(Asked::Question(_))));
    drop(idle);
    for _ in 0..3 {
        assert_eq!(client.keepalive().await, KeepaliveStatus::UpNeeded);
    }
    answers.send(Answer::Approve).unwrap();
    assert_eq!(client.finish().await.result, Ok(vec![0]));
}

#[tokio::test]
async fn connections_without_end_are_closed_and_those_before_stay() {
    let endpoints = simulated(&[TCP]).await;
    let mut first = Client::connect(&endpoints[0]).await;
    let address = endpoints[0].address().unwrap();
    let mut others = Vec::new();
    for _ in 0..255 {
        others.push(TcpStream::connect(address).await.unwrap());
    }
    let mut one_more = TcpStream::connect(address).await.unwrap();
    let end = timeout(SOON, one_more.read(&mut [0])).await.expect("closed");
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    assert!(first.cbor(GET_INFO).await.result.is_ok());
    drop(others);
    let before = Instant::now();
    loop {
        let mut again = TcpStream::connect(address).await.unwrap();
        let closed = timeout(Duration::from_millis(100), again.read(&mut [0])).await;
        if closed.is_err() {
            return;
        }
        assert!(before.elapsed() < SOON, "there is room again");
    }
}
