//! The air between processes, on real loopback sockets.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use towline_radio::air::{UdpAir, UdpHub};
use towline_radio::{Advertiser, FIDO_UUID16, RadioError, Scan, Scanner};

const PATIENCE: Duration = Duration::from_secs(5);
const MOMENT: Duration = Duration::from_millis(400);

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn hub_at(address: SocketAddr) -> (SocketAddr, JoinHandle<RadioError>) {
    let hub = UdpHub::bind(address).await.unwrap();
    (hub.local_addr(), tokio::spawn(hub.run()))
}

async fn hear(scan: &mut Box<dyn Scan>) -> Vec<u8> {
    timeout(PATIENCE, scan.next()).await.expect("heard in time").unwrap().service_data
}

/// Reads what is still under way, then listens for a moment.
async fn falls_silent(scan: &mut Box<dyn Scan>) -> bool {
    while let Ok(heard) = timeout(Duration::from_millis(50), scan.next()).await {
        heard.unwrap();
    }
    timeout(MOMENT, scan.next()).await.is_err()
}

#[tokio::test]
async fn an_advert_reaches_every_listener_until_it_is_dropped() {
    let (address, _hub) = hub_at(any_port()).await;
    let (phone, first, second) = (
        UdpAir::connect(address).await.unwrap(),
        UdpAir::connect(address).await.unwrap(),
        UdpAir::connect(address).await.unwrap(),
    );
    let mut scans = [first.scan().await.unwrap(), second.scan().await.unwrap()];
    let advert = phone.advertise(&[9; 255]).await.unwrap();
    for scan in &mut scans {
        let sighting = timeout(PATIENCE, scan.next()).await.unwrap().unwrap();
        assert_eq!(sighting.service_uuid16, FIDO_UUID16);
        assert_eq!(sighting.service_data, [9; 255]);
        hear(scan).await;
    }
    drop(advert);
    for scan in &mut scans {
        assert!(falls_silent(scan).await);
    }
}

#[tokio::test]
async fn a_listener_survives_a_hub_that_is_started_again() {
    let (address, hub) = hub_at(any_port()).await;
    let (phone, computer) =
        (UdpAir::connect(address).await.unwrap(), UdpAir::connect(address).await.unwrap());
    let mut scan = computer.scan().await.unwrap();
    let _advert = phone.advertise(&[1; 20]).await.unwrap();
    hear(&mut scan).await;
    hub.abort();
    assert!(hub.await.unwrap_err().is_cancelled());
    assert!(falls_silent(&mut scan).await);
    let (_, _hub) = hub_at(address).await;
    assert_eq!(hear(&mut scan).await, [1; 20]);
}

#[tokio::test]
async fn an_advert_from_before_the_hub_started_is_heard_afterwards() {
    let (address, hub) = hub_at(any_port()).await;
    let phone = UdpAir::connect(address).await.unwrap();
    hub.abort();
    assert!(hub.await.unwrap_err().is_cancelled());
    let _advert = phone.advertise(&[1; 20]).await.unwrap();
    tokio::time::sleep(MOMENT).await;
    let (_, _hub) = hub_at(address).await;
    let mut scan = UdpAir::connect(address).await.unwrap().scan().await.unwrap();
    assert_eq!(hear(&mut scan).await, [1; 20]);
}

#[tokio::test]
async fn a_listener_whose_hub_is_gone_for_good_is_told() {
    let (address, hub) = hub_at(any_port()).await;
    let computer = UdpAir::connect(address).await.unwrap();
    let mut scan = computer.scan().await.unwrap();
    hub.abort();
    assert!(hub.await.unwrap_err().is_cancelled());
    tokio::time::pause();
    assert!(matches!(scan.next().await, Err(RadioError::Lost { .. })));
}

#[tokio::test]
async fn garbage_at_the_hub_harms_nobody() {
    let (address, _hub) = hub_at(any_port()).await;
    let stranger = UdpSocket::bind(any_port()).await.unwrap();
    let too_long = [b"TAIR\x01\x04".as_slice(), &[0; 1000]].concat();
    for garbage in [
        &b""[..],
        b"TAIR",
        b"TAIR\x01\x09",
        b"TAIR\x02\x01",
        b"TAIR\x01\x03",
        b"TAIR\x01\x01x",
        &too_long,
    ] {
        stranger.send_to(garbage, address).await.unwrap();
    }
    let air = UdpAir::connect(address).await.unwrap();
    let mut scan = air.scan().await.unwrap();
    let _advert = air.advertise(&[3; 20]).await.unwrap();
    assert_eq!(hear(&mut scan).await, [3; 20]);
}

#[tokio::test]
async fn garbage_from_the_hub_is_ignored() {
    let hub = UdpSocket::bind(any_port()).await.unwrap();
    let address = hub.local_addr().unwrap();
    let connecting = tokio::spawn(UdpAir::connect(address));
    let mut buffer = [0; 300];
    let (_, client) = hub.recv_from(&mut buffer).await.unwrap();
    hub.send_to(b"who is there?", client).await.unwrap();
    hub.send_to(b"TAIR\x01\x03", client).await.unwrap();
    let mut scan = connecting.await.unwrap().unwrap().scan().await.unwrap();
    let listener = loop {
        let (length, from) = hub.recv_from(&mut buffer).await.unwrap();
        if from != client && buffer[..length] == *b"TAIR\x01\x01" {
            break from;
        }
    };
    hub.send_to(b"TAIR\x01\x04\x01\x02\x03", listener).await.unwrap();
    hub.send_to(b"TAIR\x01\x04\x01\x02\x03\x04\x05\x06\xc4\x18\x0f\x01\x07", listener)
        .await
        .unwrap();
    hub.send_to(b"TAIR\x01\x04\x01\x02\x03\x04\x05\x06\xc4\xff\xf9\x01\x08", listener)
        .await
        .unwrap();
    assert_eq!(hear(&mut scan).await, [8]);
}

#[tokio::test]
async fn lost_datagrams_delay_an_advert_and_do_not_lose_it() {
    // A hub that forwards only every third datagram.
    let (address, _hub) = hub_at(any_port()).await;
    let lossy = UdpSocket::bind(any_port()).await.unwrap();
    let lossy_address = lossy.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 300];
        for number in 0_u32.. {
            let (length, from) = lossy.recv_from(&mut buffer).await.unwrap();
            if from != address && number % 3 == 0 {
                lossy.send_to(&buffer[..length], address).await.unwrap();
            }
        }
    });
    let mut scan = UdpAir::connect(address).await.unwrap().scan().await.unwrap();
    let socket = UdpSocket::bind(any_port()).await.unwrap();
    for _ in 0..3 {
        socket
            .send_to(b"TAIR\x01\x04\x01\x02\x03\x04\x05\x06\xc4\xff\xf9\x01\x05", lossy_address)
            .await
            .unwrap();
    }
    assert_eq!(hear(&mut scan).await, [5]);
    assert!(falls_silent(&mut scan).await);
}

#[tokio::test]
async fn nobody_at_the_address_is_told_in_time() {
    let socket = UdpSocket::bind(any_port()).await.unwrap();
    let silent = socket.local_addr().unwrap();
    assert_eq!(UdpAir::connect(silent).await.err(), Some(RadioError::NoHub { address: silent }));
    drop(socket);
    assert_eq!(UdpAir::connect(silent).await.err(), Some(RadioError::NoHub { address: silent }));
}

#[tokio::test]
async fn addresses_beyond_this_machine_are_refused() {
    for address in
        ["0.0.0.0:0", "192.0.2.1:4000", "[::]:0", "[2001:db8::1]:4000", "[::ffff:192.0.2.1]:4000"]
    {
        let address = address.parse().unwrap();
        assert_eq!(UdpHub::bind(address).await.err(), Some(RadioError::NotLoopback { address }));
        assert_eq!(UdpAir::connect(address).await.err(), Some(RadioError::NotLoopback { address }));
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_told() {
    let hub = UdpHub::bind(any_port()).await.unwrap();
    let address = hub.local_addr();
    let reason = std::io::ErrorKind::AddrInUse;
    assert_eq!(
        UdpHub::bind(address).await.err(),
        Some(RadioError::Unavailable { address, reason })
    );
}

#[tokio::test]
async fn more_than_255_bytes_are_refused() {
    let (address, _hub) = hub_at(any_port()).await;
    let air = UdpAir::connect(address).await.unwrap();
    assert_eq!(air.advertise(&[0; 256]).await.err(), Some(RadioError::TooLong { length: 256 }));
}

#[tokio::test]
async fn hub_and_radio_name_themselves_simulated() {
    let hub = UdpHub::bind(any_port()).await.unwrap();
    assert!(hub.description().contains("simulated"));
    let address = hub.local_addr();
    tokio::spawn(hub.run());
    let air = UdpAir::connect(address).await.unwrap();
    assert!(Advertiser::description(&air).contains("simulated"));
    assert!(Scanner::description(&air).contains("simulated"));
}
