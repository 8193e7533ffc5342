//! What flows through a tunnel, what ends it, and that nothing is left behind.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use towline_tunnel::Limits;

use crate::support::{Peer, close_code, config, receive, start, start_with, tunnel_id};

fn binary(bytes: &[u8]) -> Message {
    Message::binary(bytes.to_vec())
}

#[tokio::test]
async fn messages_pass_both_ways_unchanged_and_in_order() {
    let relay = start(config()).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    let sizes = [0, 1, 81, 125, 126, 4096, 65_535, 65_536, 1 << 20];
    for (from, to) in [(&mut phone, &mut computer)] {
        exchange(from, to, &sizes).await;
        exchange(to, from, &sizes).await;
    }
    relay.until(|stats| stats.messages == 18).await;
    assert_eq!(relay.handle.stats().bytes, 2 * sizes.iter().sum::<usize>() as u64);
    assert_eq!(relay.handle.stats().tunnels, 1);
}

async fn exchange(from: &mut Peer, to: &mut Peer, sizes: &[usize]) {
    for (number, size) in sizes.iter().enumerate() {
        let message = Message::binary(vec![number as u8; *size]);
        let (sent, received) = tokio::join!(from.send(message.clone()), receive(to));
        sent.unwrap();
        assert!(received == message, "{size}");
    }
}

#[tokio::test]
async fn tunnels_do_not_mix() {
    let relay = start(config()).await;
    let (mut phone1, mut computer1) = relay.pair(1).await;
    let (mut phone2, mut computer2) = relay.pair(2).await;
    computer1.send(binary(b"one")).await.unwrap();
    computer2.send(binary(b"two")).await.unwrap();
    assert_eq!(receive(&mut phone2).await, binary(b"two"));
    assert_eq!(receive(&mut phone1).await, binary(b"one"));
}

#[tokio::test]
async fn a_phone_that_waits_has_nothing_to_say_yet() {
    let relay = start(config()).await;
    for message in [binary(b""), binary(b"early"), binary(&[0; 1 << 20])] {
        let (mut phone, routing) = relay.phone(1).await;
        phone.send(message).await.unwrap();
        assert_eq!(close_code(&mut phone).await, 1008);
        relay.until_empty().await;
        assert_eq!(relay.connect(&routing, 1).await.err(), Some(404));
    }
    assert_eq!(relay.handle.stats().messages, 0);
}

#[tokio::test]
async fn pings_are_answered_while_waiting_and_in_a_tunnel() {
    let relay = start(config()).await;
    let (mut phone, routing) = relay.phone(1).await;
    let ping = |byte: u8| Message::Ping(vec![byte].into());
    phone.send(ping(1)).await.unwrap();
    assert_eq!(phone.next().await.unwrap().unwrap(), Message::Pong(vec![1].into()));
    let mut computer = relay.connect(&routing, 1).await.unwrap();
    computer.send(ping(2)).await.unwrap();
    assert_eq!(computer.next().await.unwrap().unwrap(), Message::Pong(vec![2].into()));
    phone.send(ping(3)).await.unwrap();
    assert_eq!(phone.next().await.unwrap().unwrap(), Message::Pong(vec![3].into()));
    // Pings stay on their side.
    phone.send(binary(b"x")).await.unwrap();
    assert_eq!(computer.next().await.unwrap().unwrap(), binary(b"x"));
}

#[tokio::test]
async fn a_fragmented_message_arrives_whole() {
    let relay = start(config()).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    let part = |bytes: &'static [u8], kind, last| {
        Message::Frame(Frame::message(bytes, OpCode::Data(kind), last))
    };
    phone.send(part(b"ab", Data::Binary, false)).await.unwrap();
    phone.send(Message::Ping(vec![].into())).await.unwrap();
    phone.send(part(b"cd", Data::Continue, false)).await.unwrap();
    phone.send(part(b"", Data::Continue, true)).await.unwrap();
    assert_eq!(receive(&mut computer).await, binary(b"abcd"));
}

#[tokio::test]
async fn a_close_is_passed_on_and_answered() {
    let relay = start(config()).await;
    for number in [1, 2] {
        let (phone, computer) = relay.pair(number).await;
        let (mut closing, mut other) =
            if number == 1 { (phone, computer) } else { (computer, phone) };
        closing.send(binary(b"last words")).await.unwrap();
        closing.close(None).await.unwrap();
        assert_eq!(receive(&mut other).await, binary(b"last words"));
        assert_eq!(close_code(&mut other).await, 1000);
        assert!(matches!(receive(&mut closing).await, Message::Close(_)));
        relay.until_empty().await;
    }
}

#[tokio::test]
async fn a_peer_that_vanishes_is_told_to_the_other() {
    let relay = start(config()).await;
    let (phone, mut computer) = relay.pair(1).await;
    drop(phone);
    assert_eq!(close_code(&mut computer).await, 1001);
    let (mut phone, computer) = relay.pair(2).await;
    drop(computer);
    assert_eq!(close_code(&mut phone).await, 1001);
    relay.until_empty().await;
}

#[tokio::test]
async fn text_ends_the_tunnel() {
    let relay = start(config()).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    computer.send(Message::text("hello")).await.unwrap();
    assert_eq!(close_code(&mut computer).await, 1003);
    assert_eq!(close_code(&mut phone).await, 1001);
    let (mut phone, _) = relay.phone(2).await;
    phone.send(Message::text("hello")).await.unwrap();
    assert_eq!(close_code(&mut phone).await, 1003);
    relay.until_empty().await;
}

#[tokio::test]
async fn too_long_messages_end_the_tunnel_whole_or_in_fragments() {
    let relay = start_with(Limits { message_bytes: 1000, ..Limits::default() }).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    phone.send(binary(&[0; 1000])).await.unwrap();
    assert_eq!(receive(&mut computer).await, binary(&[0; 1000]));
    phone.send(binary(&[0; 1001])).await.unwrap();
    assert_eq!(close_code(&mut phone).await, 1009);
    assert_eq!(close_code(&mut computer).await, 1001);
    let (mut phone, _computer) = relay.pair(2).await;
    for kind in [Data::Binary, Data::Continue, Data::Continue] {
        let part = Frame::message(vec![0; 600], OpCode::Data(kind), false);
        let _closed = phone.send(Message::Frame(part)).await;
    }
    assert_eq!(close_code(&mut phone).await, 1009);
}

#[tokio::test]
async fn too_many_messages_or_pings_end_the_tunnel() {
    let relay = start_with(Limits { messages: 3, control_frames: 3, ..Limits::default() }).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    for _ in 0..4 {
        computer.send(binary(b"x")).await.unwrap();
    }
    assert_eq!(close_code(&mut computer).await, 1008);
    assert_eq!(close_code(&mut phone).await, 1001);
    let (mut phone, _computer) = relay.pair(2).await;
    for _ in 0..4 {
        phone.send(Message::Ping(vec![].into())).await.unwrap();
    }
    assert_eq!(close_code(&mut phone).await, 1008);
}

#[tokio::test]
async fn too_much_data_in_one_direction_ends_the_tunnel() {
    let relay = start_with(Limits { tunnel_bytes: 1000, ..Limits::default() }).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    exchange(&mut phone, &mut computer, &[400, 600]).await;
    exchange(&mut computer, &mut phone, &[1000]).await;
    computer.send(binary(b"x")).await.unwrap();
    assert_eq!(close_code(&mut computer).await, 1008);
    assert_eq!(close_code(&mut phone).await, 1001);
    relay.until_empty().await;
}

#[tokio::test]
async fn waiting_and_tunnels_end_when_their_time_is_up() {
    let time = Duration::from_millis(300);
    let relay =
        start_with(Limits { waiting_time: time, pair_time: time, ..Limits::default() }).await;
    let (mut lonely, routing) = relay.phone(1).await;
    assert_eq!(close_code(&mut lonely).await, 1008);
    relay.until_empty().await;
    assert_eq!(relay.connect(&routing, 1).await.err(), Some(404));
    let (mut phone, mut computer) = relay.pair(2).await;
    assert_eq!(close_code(&mut phone).await, 1008);
    assert_eq!(close_code(&mut computer).await, 1008);
    relay.until_empty().await;
}

#[tokio::test]
async fn garbage_instead_of_frames_ends_the_tunnel() {
    let relay = start(config()).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    // Reserved bits and an unknown opcode, masked as clients must.
    computer.get_mut().write_all(&[0xFF; 64]).await.unwrap();
    assert_eq!(close_code(&mut phone).await, 1001);
    let (mut phone, mut computer) = relay.pair(2).await;
    // An unmasked frame.
    phone.get_mut().write_all(&[0x82, 0x01, 0x00]).await.unwrap();
    assert_eq!(close_code(&mut computer).await, 1001);
    relay.until_empty().await;
}

#[tokio::test]
async fn a_reader_that_stalls_slows_its_sender_and_is_then_cut_off() {
    let mut config = config();
    config.write_timeout = Duration::from_millis(500);
    config.limits.messages = u32::MAX;
    config.limits.tunnel_bytes = usize::MAX;
    let relay = start(config).await;
    let (mut phone, _computer_that_never_reads) = relay.pair(1).await;
    let start = Instant::now();
    let sending = async { while phone.send(binary(&[0; 100_000])).await.is_ok() {} };
    tokio::time::timeout(crate::support::PATIENCE, sending).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(500));
    // What the sockets' own buffers take, and hardly more.
    assert!(relay.handle.stats().messages < 600, "{:?}", relay.handle.stats());
    relay.until_empty().await;
}

#[tokio::test]
async fn a_slow_reader_gets_everything() {
    let mut config = config();
    config.limits.tunnel_bytes = 20_000_000;
    let relay = start(config).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    let sender = tokio::spawn(async move {
        for number in 0..100_u8 {
            phone.send(Message::binary(vec![number; 200_000])).await.unwrap();
        }
        phone
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    for number in 0..100_u8 {
        assert!(receive(&mut computer).await == Message::binary(vec![number; 200_000]));
    }
    sender.await.unwrap();
}

#[tokio::test]
async fn shutdown_closes_who_waits_and_lets_tunnels_finish() {
    let relay = start(config()).await;
    let (mut lonely, _) = relay.phone(1).await;
    let (mut phone, mut computer) = relay.pair(2).await;
    relay.handle.shutdown(Duration::from_secs(60));
    assert_eq!(close_code(&mut lonely).await, 1001);
    phone.send(binary(b"still here")).await.unwrap();
    assert_eq!(receive(&mut computer).await, binary(b"still here"));
    assert!(tokio::net::TcpStream::connect(relay.address).await.is_err());
    phone.close(None).await.unwrap();
    assert_eq!(close_code(&mut computer).await, 1000);
    tokio::time::timeout(crate::support::PATIENCE, relay.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn shutdown_ends_tunnels_that_take_too_long() {
    let relay = start(config()).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    relay.handle.shutdown(Duration::from_millis(100));
    assert_eq!(close_code(&mut phone).await, 1001);
    assert_eq!(close_code(&mut computer).await, 1001);
    tokio::time::timeout(crate::support::PATIENCE, relay.task).await.unwrap().unwrap();
    assert_eq!(relay.handle.stats().joined, 0);
}

#[tokio::test]
async fn a_relay_that_is_dropped_ends_everything() {
    let relay = start(config()).await;
    let (mut phone, mut computer) = relay.pair(1).await;
    let (mut lonely, _) = relay.phone(2).await;
    relay.task.abort();
    for peer in [&mut phone, &mut computer, &mut lonely] {
        assert_eq!(close_code(peer).await, 1001);
    }
    relay.until_empty().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tunnels_run_at_once_and_leave_nothing_behind() {
    let relay = start_with(Limits { per_source: 200, ..Limits::default() }).await;
    let relay = std::sync::Arc::new(relay);
    let tunnels = (0..50).map(|number| {
        let relay = relay.clone();
        tokio::spawn(async move {
            let (mut phone, mut computer) = relay.pair(number).await;
            for _ in 0..20 {
                computer.send(binary(tunnel_id(number).as_bytes())).await.unwrap();
                assert_eq!(receive(&mut phone).await, binary(tunnel_id(number).as_bytes()));
                phone.send(binary(&[number])).await.unwrap();
                assert_eq!(receive(&mut computer).await, binary(&[number]));
            }
            computer.close(None).await.unwrap();
            assert_eq!(close_code(&mut phone).await, 1000);
        })
    });
    for tunnel in tunnels.collect::<Vec<_>>() {
        tunnel.await.unwrap();
    }
    relay.until_empty().await;
    assert_eq!(relay.handle.stats().messages, 50 * 40);
}
