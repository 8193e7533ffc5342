//! What peers send that is no TLS, or half of it: the relay says so and goes on.

use std::sync::Arc;

use rustls::crypto::cipher::{
    InboundOpaqueMessage, MessageDecrypter, MessageEncrypter, OutboundChunks, OutboundPlainMessage,
};
use rustls::{
    ClientConfig, ClientConnection, ConnectionTrafficSecrets, ContentType, ProtocolVersion,
    SupportedCipherSuite,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::operator::{until, value, watched_with};
use crate::support::{PATIENCE, Running, start};
use crate::tls::{REQUEST, connect, trusting};

/// A handshake record with the first byte of a message.
const BEGUN: [u8; 6] = [22, 3, 1, 0, 1, 1];

/// A handshake record with two whole messages, neither of which may come first.
const TWO: [u8; 13] = [22, 3, 1, 0, 8, 20, 0, 0, 0, 20, 0, 0, 0];

const ALERT: u8 = 21;

const CASES: u64 = 200;

/// Sends these bytes and nothing more; all that comes back.
async fn say(relay: &Running, pieces: &[&[u8]]) -> Vec<u8> {
    let mut stream = TcpStream::connect(relay.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        // The relay may have closed.
        let _cut = stream.write_all(piece).await;
        tokio::task::yield_now().await;
    }
    let _cut = stream.shutdown().await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _reset = read.expect("the relay closes in time");
    answer
}

#[tokio::test]
async fn half_a_handshake_message_is_an_end_or_an_alert_and_no_panic() {
    let (config, _) = trusting(rustls::ALL_VERSIONS);
    let (relay, admin) = watched_with(config).await;
    let cases = [
        (&[&BEGUN[..]][..], None),
        (&[&BEGUN, REQUEST], Some(&ALERT)),
        (&[&[&BEGUN, REQUEST].concat()], Some(&ALERT)),
        (&[&TWO], Some(&ALERT)),
        (&[&TWO[..9], &TWO[9..]], Some(&ALERT)),
    ];
    for ((bytes, alert), failed) in cases.into_iter().zip(1..) {
        assert_eq!(say(&relay, bytes).await.first(), alert, "{bytes:?}");
        // Whoever panics counts nothing.
        let counted = |metrics: &str| value(metrics, "tls_failed_total") == Some(failed);
        until(admin, counted).await;
    }
}

/// Numbers that are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

#[tokio::test]
async fn whatever_comes_instead_of_a_handshake_ends_it_and_no_task() {
    let (config, client) = trusting(rustls::ALL_VERSIONS);
    let (relay, admin) = watched_with(config).await;
    let mut numbers = Numbers(1);
    for _ in 0..CASES {
        let name = "localhost".try_into().unwrap();
        let mut bytes = Vec::new();
        ClientConnection::new(client.clone(), name).unwrap().write_tls(&mut bytes).unwrap();
        // In records as short as a byte, as far as they are whole.
        let mut bytes = if numbers.below(2) == 0 {
            let most = 1 + numbers.below(64);
            let record =
                |part: &[u8]| [&[22, 3, 1, 0, u8::try_from(part.len()).unwrap()], part].concat();
            bytes[5..].chunks(most).flat_map(record).collect()
        } else {
            bytes
        };
        for _ in 0..numbers.below(4) {
            let at = numbers.below(bytes.len());
            bytes[at] = u8::try_from(numbers.below(256)).unwrap();
        }
        bytes.truncate(1 + numbers.below(2 * bytes.len()));
        for _ in 0..numbers.below(40) {
            bytes.push(u8::try_from(numbers.below(256)).unwrap());
        }
        let most = 1 + numbers.below(bytes.len());
        say(&relay, &bytes.chunks(most).collect::<Vec<_>>()).await;
    }
    until(admin, |metrics| value(metrics, "tls_failed_total") == Some(CASES)).await;
    let mut stream = connect(&relay, &client).await;
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

/// The keys of a connection whose handshake was made, for records as no client makes them.
struct Keys {
    seal: (u64, Box<dyn MessageEncrypter>),
    open: (u64, Box<dyn MessageDecrypter>),
}

impl Keys {
    fn of(connection: ClientConnection) -> Self {
        let Some(SupportedCipherSuite::Tls13(suite)) = connection.negotiated_cipher_suite() else {
            panic!("TLS 1.3")
        };
        let secrets = connection.dangerous_extract_secrets().unwrap();
        let parts = |secrets| match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (key, iv),
            _ => panic!("the relay's choice"),
        };
        let (seal, open) = (parts(secrets.tx.1), parts(secrets.rx.1));
        Self {
            seal: (secrets.tx.0, suite.aead_alg.encrypter(seal.0, seal.1)),
            open: (secrets.rx.0, suite.aead_alg.decrypter(open.0, open.1)),
        }
    }

    fn seal(&mut self, typ: ContentType, payload: &[u8]) -> Vec<u8> {
        let payload = OutboundChunks::Single(payload);
        let message = OutboundPlainMessage { typ, version: ProtocolVersion::TLSv1_3, payload };
        let sealed = self.seal.1.encrypt(message, self.seal.0).unwrap();
        self.seal.0 += 1;
        sealed.encode()
    }

    /// The next record that is no ticket; nothing at the end.
    async fn next(&mut self, stream: &mut TcpStream) -> Option<(ContentType, Vec<u8>)> {
        loop {
            let mut head = [0; 5];
            tokio::time::timeout(PATIENCE, stream.read_exact(&mut head)).await.unwrap().ok()?;
            let mut sealed = vec![0; u16::from_be_bytes([head[3], head[4]]).into()];
            stream.read_exact(&mut sealed).await.unwrap();
            let (typ, version) = (ContentType::ApplicationData, ProtocolVersion::TLSv1_2);
            let sealed = InboundOpaqueMessage::new(typ, version, &mut sealed);
            let opened = self.open.1.decrypt(sealed, self.open.0).unwrap();
            self.open.0 += 1;
            if opened.typ != ContentType::Handshake {
                return Some((opened.typ, opened.payload.to_vec()));
            }
        }
    }
}

/// A relay, and a connection whose handshake was made.
async fn keys() -> (Running, TcpStream, Keys) {
    let (config, client) = trusting(&[&rustls::version::TLS13]);
    let relay = start(config).await;
    let mut client = ClientConfig::clone(&client);
    client.enable_secret_extraction = true;
    let (stream, tls) = connect(&relay, &Arc::new(client)).await.into_inner();
    (relay, stream, Keys::of(tls))
}

/// A message of the handshake may be spread over records, also of those that come after it.
#[tokio::test]
async fn who_has_begun_to_change_keys_is_answered_meanwhile() {
    let (_relay, mut stream, mut keys) = keys().await;
    let mut bytes = keys.seal(ContentType::ApplicationData, REQUEST);
    // The first two bytes of a KeyUpdate (RFC 8446, section 4.6.3).
    bytes.extend(keys.seal(ContentType::Handshake, &[24, 0]));
    stream.write_all(&bytes).await.unwrap();
    let (typ, answer) = keys.next(&mut stream).await.expect("an answer");
    assert_eq!(typ, ContentType::ApplicationData);
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{answer:?}");
    let last = loop {
        match keys.next(&mut stream).await.expect("a last word") {
            (ContentType::ApplicationData, _) => {}
            other => break other,
        }
    };
    assert_eq!(last, (ContentType::Alert, vec![1, 0]), "close_notify");
}

/// Also where it has more to say that can't be read any more, or is in the middle of its request.
#[tokio::test]
async fn who_makes_a_second_handshake_is_told_so_by_an_alert() {
    for begins in [&b""[..], &REQUEST[..20]] {
        let (_relay, mut stream, mut keys) = keys().await;
        let mut bytes = keys.seal(ContentType::ApplicationData, begins);
        bytes.extend(keys.seal(ContentType::Handshake, &TWO[5..]));
        stream.write_all(&bytes).await.unwrap();
        let (typ, alert) = keys.next(&mut stream).await.expect("a last word");
        assert_eq!((typ, alert[0]), (ContentType::Alert, 2), "fatal");
        assert_eq!(keys.next(&mut stream).await, None);
    }
}
