//! Phones that listen, and computers that ring them, on real sockets.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::SinkExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use towline_crypto::Secret;
use towline_rendezvous::ContactKey;
use towline_rendezvous::message::{FromPhone, FromService, Reason, RingId};
use towline_tunnel::Limits;

use crate::support::{Peer, Running, close_code, config, receive, start, start_with};

const PAYLOAD: &str = "A0";

pub(crate) fn key(number: u8) -> ContactKey {
    ContactKey::new(Secret::new([number; 32]))
}

pub(crate) async fn listen(relay: &Running, number: u8) -> Result<Peer, u16> {
    let header = key(number).to_header();
    let headers = [("X-Towline-Contact-Key", header.as_str())];
    Ok(relay.open_with("/towline/v1/listen", &headers).await?.0)
}

/// A phone that numbers its connections.
pub(crate) async fn listen_as(relay: &Running, number: u8, sequence: &str) -> Result<Peer, u16> {
    let header = key(number).to_header();
    let headers = [("X-Towline-Contact-Key", header.as_str()), ("X-Towline-Sequence", sequence)];
    Ok(relay.open_with("/towline/v1/listen", &headers).await?.0)
}

/// A computer that rings; whether it was promised a signal.
pub(crate) async fn ring(relay: &Running, number: u8, signal: bool) -> Result<(Peer, bool), u16> {
    let contact = key(number).contact_id(&towline_crypto::rustcrypto::provider());
    let path = format!("/cable/contact/{}", URL_SAFE_NO_PAD.encode(contact.as_bytes()));
    let mut headers = vec![("X-caBLE-Client-Payload", PAYLOAD)];
    if signal {
        headers.push(("X-caBLE-Signal-Connection", "true"));
    }
    let (peer, response) = relay.open_with(&path, &headers).await?;
    Ok((peer, response.headers().contains_key("x-cable-signal-connection")))
}

pub(crate) async fn hear(phone: &mut Peer) -> FromService {
    let Message::Binary(message) = receive(phone).await else { panic!("not binary") };
    FromService::decode(&message).unwrap()
}

pub(crate) async fn say(phone: &mut Peer, message: FromPhone) {
    phone.send(Message::binary(message.encode())).await.unwrap();
}

/// The ring that the phone hears of, and the path at which it joins.
pub(crate) async fn rung(phone: &mut Peer) -> (RingId, String) {
    match hear(phone).await {
        FromService::Ring { ring, routing_id, tunnel_id, payload } => {
            assert_eq!(payload, [0xa0]);
            (ring, format!("/cable/connect/{routing_id}/{tunnel_id}"))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_phone_that_is_rung_joins_and_the_tunnel_runs() {
    let relay = start(config()).await;
    for signal in [true, false] {
        let mut phone = listen(&relay, 1).await.unwrap();
        let work = async {
            let (ring, path) = rung(&mut phone).await;
            say(&mut phone, FromPhone::Accept(ring)).await;
            path
        };
        let (ringing, path) = tokio::join!(ring(&relay, 1, signal), work);
        let (mut computer, promised) = ringing.unwrap();
        assert_eq!(promised, signal);
        // The computer has the first word, and may say it early.
        computer.send(Message::binary(vec![1; 81])).await.unwrap();
        let (mut joined, _) = relay.open(&path).await.unwrap();
        assert_eq!(receive(&mut joined).await, Message::binary(vec![1; 81]));
        if signal {
            assert_eq!(receive(&mut computer).await, Message::binary(vec![0]));
        }
        joined.send(Message::binary(vec![2; 81])).await.unwrap();
        assert_eq!(receive(&mut computer).await, Message::binary(vec![2; 81]));
        computer.send(Message::binary(vec![3])).await.unwrap();
        assert_eq!(receive(&mut joined).await, Message::binary(vec![3]));
        drop((phone, computer, joined));
        relay.until_empty().await;
    }
    assert_eq!(relay.handle.stats().tunnels, 2);
}

#[tokio::test]
async fn a_phone_that_comes_without_a_word_is_taken_to_have_accepted() {
    let relay = start(config()).await;
    let mut phone = listen(&relay, 1).await.unwrap();
    let comes = async {
        let (_, path) = rung(&mut phone).await;
        relay.open(&path).await.unwrap().0
    };
    let (ringing, mut joined) = tokio::join!(ring(&relay, 1, true), comes);
    let (mut computer, _) = ringing.unwrap();
    assert_eq!(receive(&mut computer).await, Message::binary(vec![0]));
    computer.send(Message::binary(vec![1; 81])).await.unwrap();
    assert_eq!(receive(&mut joined).await, Message::binary(vec![1; 81]));
}

#[tokio::test]
async fn a_computer_says_no_more_than_its_first_word_before_the_phone_is_there() {
    let relay = start(config()).await;
    for words in [vec![vec![1; 81], vec![1]], vec![vec![1; 257]]] {
        let mut phone = listen(&relay, 1).await.unwrap();
        let accept = async {
            let (ring, path) = rung(&mut phone).await;
            say(&mut phone, FromPhone::Accept(ring)).await;
            (ring, path)
        };
        let (ringing, (ring, path)) = tokio::join!(ring(&relay, 1, false), accept);
        let (mut computer, _) = ringing.unwrap();
        for word in words {
            computer.send(Message::binary(word)).await.unwrap();
        }
        assert_eq!(close_code(&mut computer).await, 1008);
        assert_eq!(hear(&mut phone).await, FromService::Over(ring));
        assert_eq!(relay.open(&path).await.err(), Some(404));
    }
}

#[tokio::test]
async fn a_first_word_in_fragments_may_begin_before_the_phone_is_there() {
    let relay = start(config()).await;
    let mut phone = listen(&relay, 1).await.unwrap();
    let accept = async {
        let (ring, path) = rung(&mut phone).await;
        say(&mut phone, FromPhone::Accept(ring)).await;
        path
    };
    let (ringing, path) = tokio::join!(ring(&relay, 1, true), accept);
    let (mut computer, _) = ringing.unwrap();
    let part = |bytes: &'static [u8], kind, last| {
        Message::Frame(Frame::message(bytes, OpCode::Data(kind), last))
    };
    computer.send(part(b"ab", Data::Binary, false)).await.unwrap();
    // The relay has read it when it answers.
    crate::support::answers_pings(&mut computer).await;
    let (mut joined, _) = relay.open(&path).await.unwrap();
    assert_eq!(receive(&mut computer).await, Message::binary(vec![0]));
    computer.send(part(b"cd", Data::Continue, true)).await.unwrap();
    assert_eq!(receive(&mut joined).await, Message::binary(b"abcd".to_vec()));
    relay.until(|stats| (stats.messages, stats.bytes) == (1, 4)).await;
}

#[tokio::test]
async fn a_phone_that_refuses_is_503_or_410() {
    let relay = start(config()).await;
    let mut phone = listen(&relay, 1).await.unwrap();
    for (reason, status) in [(Reason::Busy, 503), (Reason::Unknown, 410)] {
        let refuse = async {
            let (ring, _) = rung(&mut phone).await;
            say(&mut phone, FromPhone::Refuse(ring, reason)).await;
        };
        let (ringing, ()) = tokio::join!(ring(&relay, 1, true), refuse);
        assert_eq!(ringing.err(), Some(status));
    }
    relay.until(|stats| (stats.waiting, stats.listening, stats.joined) == (0, 1, 0)).await;
}

#[tokio::test]
async fn a_phone_that_revokes_is_gone_for_all() {
    let relay = start(config()).await;
    let mut phone = listen(&relay, 1).await.unwrap();
    say(&mut phone, FromPhone::Revoke).await;
    assert_eq!(hear(&mut phone).await, FromService::Revoked);
    assert_eq!(close_code(&mut phone).await, 1000);
    assert_eq!(ring(&relay, 1, true).await.err(), Some(410));
    assert_eq!(listen(&relay, 1).await.err(), Some(410));
    assert_eq!(ring(&relay, 2, true).await.err(), Some(404));
}

#[tokio::test]
async fn a_phone_that_does_not_answer_is_404_in_time() {
    let limits = Limits { ring_answer: Duration::from_millis(200), ..Limits::default() };
    let relay = start_with(limits).await;
    let mut phone = listen(&relay, 1).await.unwrap();
    assert_eq!(ring(&relay, 1, true).await.err(), Some(404));
    let (ring, _) = rung(&mut phone).await;
    assert_eq!(hear(&mut phone).await, FromService::Over(ring));
}

#[tokio::test]
async fn a_computer_that_hangs_up_while_it_rings_takes_the_ring_with_it() {
    let relay = start(config()).await;
    let mut phone = listen(&relay, 1).await.unwrap();
    let ring = tokio::select! {
        _ = ring(&relay, 1, true) => panic!("nobody answered"),
        (ring, _) = rung(&mut phone) => ring,
    };
    assert_eq!(hear(&mut phone).await, FromService::Over(ring));
    relay.until(|stats| (stats.ringing, stats.listening) == (0, 1)).await;
}

#[tokio::test]
async fn a_computer_may_say_its_first_word_while_it_rings_and_not_much_more() {
    let relay = start(config()).await;
    let mut phone = listen(&relay, 1).await.unwrap();
    for (length, fits) in [(81_u8, true), (200, false)] {
        let contact = key(1).contact_id(&towline_crypto::rustcrypto::provider());
        let contact = URL_SAFE_NO_PAD.encode(contact.as_bytes());
        let mut bytes = format!(
            "GET /cable/contact/{contact} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: fido.cable\r\nX-caBLE-Client-Payload: {PAYLOAD}\r\n\r\n"
        )
        .into_bytes();
        // A frame with a mask of zeros; where it does not fit, as often as it takes.
        let word = vec![7; usize::from(length)];
        let head: &[u8] =
            if fits { &[0x82, 0x80 | 81, 0, 0, 0, 0] } else { &[0x82, 0xfe, 0, 200, 0, 0, 0, 0] };
        bytes.extend([head, &word].concat().repeat(if fits { 1 } else { 6 }));
        let mut computer = TcpStream::connect(relay.address).await.unwrap();
        computer.write_all(&bytes).await.unwrap();
        let (ring, path) = rung(&mut phone).await;
        if fits {
            say(&mut phone, FromPhone::Accept(ring)).await;
            let (mut joined, _) = relay.open(&path).await.unwrap();
            assert_eq!(receive(&mut joined).await, Message::binary(word));
        } else {
            assert_eq!(hear(&mut phone).await, FromService::Over(ring));
        }
    }
}

#[tokio::test]
async fn a_ring_waits_for_a_phone_whose_connection_broke() {
    let relay = start(config()).await;
    let mut phone = listen(&relay, 1).await.unwrap();
    let resume = async {
        let (before, _) = rung(&mut phone).await;
        // Lost without a word, with the answer.
        drop(phone);
        relay.until(|stats| stats.listening == 0).await;
        let mut phone = listen(&relay, 1).await.unwrap();
        let (ring, path) = rung(&mut phone).await;
        assert_eq!(ring, before);
        say(&mut phone, FromPhone::Accept(ring)).await;
        path
    };
    let (ringing, path) = tokio::join!(ring(&relay, 1, true), resume);
    assert!(ringing.is_ok());
    assert!(relay.open(&path).await.is_ok());
}

#[tokio::test]
async fn the_newest_connection_of_a_phone_takes_over() {
    let relay = start(config()).await;
    let mut old = listen(&relay, 1).await.unwrap();
    let mut new = listen(&relay, 1).await.unwrap();
    assert_eq!(hear(&mut old).await, FromService::Replaced);
    assert_eq!(close_code(&mut old).await, 1000);
    say(&mut new, FromPhone::Alive).await;
    assert_eq!(hear(&mut new).await, FromService::Alive);
    relay.until(|stats| stats.listening == 1).await;
}

#[tokio::test]
async fn a_phone_that_breaks_the_protocol_is_closed() {
    let relay = start(config()).await;
    for (message, code) in [
        (Message::binary(vec![]), 1002),
        (Message::binary(vec![0xff; 20]), 1002),
        (Message::binary(FromService::Replaced.encode()), 1002),
        (Message::binary(vec![0; 257]), 1009),
        (Message::text("hello"), 1003),
    ] {
        let mut phone = listen(&relay, 1).await.unwrap();
        phone.send(message).await.unwrap();
        assert_eq!(close_code(&mut phone).await, code);
    }
    relay.until(|stats| stats.listening == 0).await;
}

#[tokio::test]
async fn a_phone_that_talks_without_end_loses_messages_and_not_its_place() {
    let relay = start_with(Limits { listener_messages: 3, ..Limits::default() }).await;
    let mut phone = listen(&relay, 1).await.unwrap();
    for _ in 0..6 {
        phone.send(Message::binary(FromPhone::Alive.encode())).await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(hear(&mut phone).await, FromService::Alive);
    }
    // It is not listened to for a while, and is told of a ring all the same.
    let accept = async {
        let (ring, path) = loop {
            match hear(&mut phone).await {
                FromService::Alive => {}
                FromService::Ring { ring, routing_id, tunnel_id, .. } => {
                    break (ring, format!("/cable/connect/{routing_id}/{tunnel_id}"));
                }
                other => panic!("{other:?}"),
            }
        };
        say(&mut phone, FromPhone::Accept(ring)).await;
        path
    };
    let (ringing, path) = tokio::join!(ring(&relay, 1, true), accept);
    assert!(ringing.is_ok());
    assert!(relay.open(&path).await.is_ok());
}

#[tokio::test]
async fn a_service_without_linked_phones_admits_none() {
    let relay = start_with(Limits { listening: 0, ..Limits::default() }).await;
    assert_eq!(listen(&relay, 1).await.err(), Some(503));
    assert_eq!(relay.open("/towline/v1/listen").await.err(), Some(400), "without a key");
}

#[tokio::test]
async fn a_relay_that_stops_closes_phones_that_listen() {
    let relay = start(config()).await;
    let mut phone = listen(&relay, 1).await.unwrap();
    relay.handle.shutdown(Duration::from_secs(5));
    assert_eq!(close_code(&mut phone).await, 1001);
    tokio::time::timeout(crate::support::PATIENCE, relay.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_number_of_a_connection_is_a_number_and_grows() {
    let relay = start(config()).await;
    for odd in ["", "-1", "+1", "1 1", "0x1", "18446744073709551616"] {
        assert_eq!(listen_as(&relay, 1, odd).await.err(), Some(400), "{odd:?}");
    }
    let _phone = listen_as(&relay, 1, "18446744073709551615").await.unwrap();
    assert_eq!(listen_as(&relay, 1, "7").await.err(), Some(409), "a later one is there");
    // One that gives none is the newest, as ever.
    assert!(listen(&relay, 1).await.is_ok());
}
