//! Frames on real sockets: long messages, fragments, pings that nobody reads, and how connections
//! part.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::{PATIENCE, Peer, Running, close_code, config, receive, start, tunnel_id};
use crate::tls::{connect, trusting};

type TlsPeer = WebSocketStream<TlsStream<TcpStream>>;

/// A binary frame with a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0xff];
    frame.extend(u64::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

async fn raw(peer: &mut Peer, bytes: &[u8]) {
    peer.get_mut().write_all(bytes).await.unwrap();
}

/// The next frame that the relay sends: its first byte and its payload.
async fn next_frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let reading = async {
        let (first, short) = (stream.read_u8().await.unwrap(), stream.read_u8().await.unwrap());
        let length = match short {
            126 => stream.read_u16().await.unwrap().into(),
            127 => stream.read_u64().await.unwrap(),
            short => short.into(),
        };
        let mut payload = vec![0; length.try_into().unwrap()];
        stream.read_exact(&mut payload).await.unwrap();
        (first, payload)
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("in time")
}

#[tokio::test]
async fn a_long_message_goes_on_in_pieces_with_room_for_pongs_between_them() {
    let relay = start(config()).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    let message: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let bytes = frame(0x82, &message);
    let sending = async {
        let (start, rest) = bytes.split_at(300_000);
        raw(&mut computer, start).await;
        // The phone is there in the middle of the message, too.
        tokio::time::sleep(Duration::from_millis(100)).await;
        raw(&mut computer, rest).await;
    };
    let receiving = async {
        raw(&mut phone, &[0x89, 0x81, 0, 0, 0, 0, b'?']).await;
        let (mut received, mut ponged_within, mut begun) = (Vec::new(), false, false);
        loop {
            let (first, payload) = next_frame(phone.get_mut()).await;
            if first == 0x8a {
                assert_eq!(payload, b"?");
                ponged_within = begun;
                continue;
            }
            assert_eq!(first & 0x0f, if begun { 0 } else { 2 });
            assert!(payload.len() <= 65_536, "{}", payload.len());
            if !begun {
                raw(&mut phone, &[0x89, 0x81, 0, 0, 0, 0, b'?']).await;
            }
            begun = true;
            received.extend(payload);
            if first & 0x80 != 0 {
                return (received, ponged_within);
            }
        }
    };
    let ((), (received, ponged_within)) = tokio::join!(sending, receiving);
    assert!(received == message);
    assert!(ponged_within);
    relay.until(|stats| (stats.messages, stats.bytes) == (1, 1 << 20)).await;
}

#[tokio::test]
async fn a_message_that_fits_arrives_in_one_frame_however_slowly_it_comes() {
    let relay = start(config()).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    let bytes = frame(0x82, &[7; 5000]);
    let sending = async {
        for part in bytes.chunks(1000) {
            raw(&mut computer, part).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let ((), (first, payload)) = tokio::join!(sending, next_frame(phone.get_mut()));
    assert_eq!((first, payload), (0x82, vec![7; 5000]));
}

#[tokio::test]
async fn who_gets_half_a_message_is_told_that_the_rest_does_not_come() {
    let relay = start(config()).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    raw(&mut computer, &frame(0x82, &[1; 500_000])[..200_000]).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(computer);
    // A whole frame, and then the end: no connection that breaks in the middle of one.
    assert_eq!(close_code(&mut phone).await, 1001);
    relay.until_empty().await;
    assert_eq!(relay.handle.stats().messages, 0);
}

#[tokio::test]
async fn a_peer_that_does_not_read_its_pongs_is_not_read_either_and_loses_none() {
    let mut config = config();
    config.limits.control_frames = u32::MAX;
    let relay = start(config).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    let ping = [&[0x89, 0xfd, 0, 0, 0, 0], [b'p'; 125].as_slice()].concat();
    let pings = ping.repeat(1000);
    let mut bytes = 0;
    // Until the sockets between are full.
    loop {
        let writing = phone.get_mut().write(&pings[bytes % ping.len()..]);
        match tokio::time::timeout(Duration::from_millis(500), writing).await {
            Ok(written) => bytes += written.unwrap(),
            Err(_) => break,
        }
    }
    let (sent, half) = (bytes / ping.len(), bytes % ping.len());
    assert!(sent > 1000, "{sent}");
    for _ in 0..sent {
        let (first, payload) = next_frame(phone.get_mut()).await;
        assert_eq!((first, payload.as_slice()), (0x8a, &[b'p'; 125][..]));
    }
    raw(&mut phone, &ping[half..]).await;
    phone.send(Message::binary(vec![7])).await.unwrap();
    assert_eq!(receive(&mut computer).await, Message::binary(vec![7]));
}

#[tokio::test]
async fn empty_fragments_are_worth_as_little_as_pings() {
    let mut config = config();
    config.limits.control_frames = 3;
    let relay = start(config).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    for number in 0..5 {
        let kind = if number == 0 { Data::Binary } else { Data::Continue };
        let part = Frame::message(vec![], OpCode::Data(kind), false);
        // It may be closed already.
        let _closed = phone.send(Message::Frame(part)).await;
    }
    assert_eq!(close_code(&mut phone).await, 1008);
    assert_eq!(close_code(&mut computer).await, 1001);
}

#[tokio::test]
async fn who_leaves_hears_its_own_code() {
    let relay = start(config()).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    let goodbye = CloseFrame { code: 3210.into(), reason: "enough".into() };
    phone.send(Message::Close(Some(goodbye))).await.unwrap();
    assert_eq!(close_code(&mut phone).await, 3210);
    assert_eq!(close_code(&mut computer).await, 1000);
    let (mut lonely, _) = relay.phone(2).await;
    lonely.send(Message::Close(None)).await.unwrap();
    assert_eq!(close_code(&mut lonely).await, 1005);
    relay.until_empty().await;
}

#[tokio::test]
async fn what_a_computer_sends_with_its_request_is_not_lost() {
    let relay = start(config()).await;
    let (mut phone, routing) = relay.phone(1).await;
    let request = format!(
        "GET /cable/connect/{routing}/{} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         Sec-WebSocket-Protocol: fido.cable\r\n\r\n",
        tunnel_id(1)
    );
    let long = frame(0x82, &[5; 3000]);
    let mut computer = TcpStream::connect(relay.address).await.unwrap();
    let (start, end) = request.as_bytes().split_at(200);
    computer.write_all(start).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let bytes = [end, &frame(0x82, b"early"), &long[..100]].concat();
    computer.write_all(&bytes).await.unwrap();
    assert_eq!(receive(&mut phone).await, Message::binary(b"early".to_vec()));
    computer.write_all(&long[100..]).await.unwrap();
    assert_eq!(receive(&mut phone).await, Message::binary(vec![5; 3000]));
}

/// A relay with TLS, and the two ends of a tunnel.
async fn tls_pair() -> (Running, TlsPeer, TlsPeer) {
    let (config, client) = trusting(rustls::ALL_VERSIONS);
    let relay = start(config).await;
    let open = async |path: String| {
        let stream = connect(&relay, &client).await;
        let mut request = format!("wss://localhost{path}").into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", "fido.cable".parse().unwrap());
        client_async(request, stream).await.unwrap()
    };
    let id = tunnel_id(1);
    let (phone, response) = open(format!("/cable/new/{id}")).await;
    let routing = response.headers()["x-cable-routing-id"].to_str().unwrap().to_owned();
    let (computer, _) = open(format!("/cable/connect/{routing}/{id}")).await;
    (relay, phone, computer)
}

#[tokio::test]
async fn long_messages_pass_through_tls_and_wait_for_a_slow_reader() {
    let (relay, mut phone, mut computer) = tls_pair().await;
    let sender = tokio::spawn(async move {
        for number in 0..10 {
            computer.send(Message::binary(vec![number; 1 << 20])).await.unwrap();
        }
        computer
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    for number in 0..10 {
        let message = next(&mut phone).await;
        assert!(message == Message::binary(vec![number; 1 << 20]), "{number}");
    }
    let mut computer = sender.await.unwrap();
    phone.send(Message::binary(vec![9; 100_000])).await.unwrap();
    assert!(next(&mut computer).await == Message::binary(vec![9; 100_000]));
    computer.close(None).await.unwrap();
    assert!(matches!(next(&mut phone).await, Message::Close(Some(_))));
    relay.until_empty().await;
}

/// Whoever is sent more than it takes is heard meanwhile: reading waits for no writing.
#[tokio::test]
async fn who_does_not_read_through_tls_is_heard() {
    // How much waits in the relay is a matter of chance.
    for _ in 0..4 {
        let (_relay, phone, mut computer) = tls_pair().await;
        let (mut sink, mut phone) = phone.split();
        let sender = tokio::spawn(async move {
            for _ in 0..64 {
                sink.send(Message::binary(vec![1; 1 << 20])).await.unwrap();
            }
        });
        for number in 0..20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            computer.send(Message::binary(vec![number])).await.unwrap();
            let heard = tokio::time::timeout(PATIENCE, phone.next()).await.expect("in time");
            assert_eq!(heard.unwrap().unwrap(), Message::binary(vec![number]));
        }
        assert!(!sender.is_finished(), "more than the computer takes");
        sender.abort();
    }
}

async fn next<S>(socket: &mut WebSocketStream<S>) -> Message
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let next = tokio::time::timeout(PATIENCE, socket.next()).await;
    next.expect("in time").expect("open").unwrap()
}
