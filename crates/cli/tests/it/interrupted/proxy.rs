//! A proxy before the relay that counts the messages of two devices, and interrupts at one of them.

use std::sync::Arc;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::{Mutex, oneshot, watch},
};

/// Which of the two a connection is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The device that shows the code.
    Shows,
    /// The device that scans it.
    Scans,
}

/// What happens at a message.
pub(super) enum At {
    /// It is lost, and with it both connections.
    Lost,
    /// It has come, and nothing goes on before the second of these is told or dropped. The first is
    /// told who sent it.
    Held(oneshot::Sender<End>, oneshot::Receiver<()>),
}

/// The way of two devices to each other.
pub(super) struct Proxy {
    pub(super) url: String,
    between: Arc<Between>,
}

struct Between {
    relay: String,
    passing: Mutex<Passing>,
    cut: watch::Sender<bool>,
}

struct Passing {
    /// How many messages have come to one of the two.
    come: usize,
    at: Option<(usize, At)>,
}

impl Proxy {
    /// Nothing happens where there is no message to do it at.
    pub(super) async fn start(relay: &str, at: Option<(usize, At)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let relay = relay.strip_prefix("ws://").unwrap().trim_end_matches('/').to_owned();
        let passing = Mutex::new(Passing { come: 0, at });
        let between = Arc::new(Between { relay, passing, cut: watch::channel(false).0 });
        let shared = Arc::clone(&between);
        tokio::spawn(async move {
            while let Ok((device, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&shared).connect(device));
            }
        });
        Self { url, between }
    }

    /// How many messages have come.
    pub(super) async fn come(&self) -> usize {
        self.between.passing.lock().await.come
    }
}

impl Between {
    /// One connection, until either end is gone or all is cut.
    async fn connect(self: Arc<Self>, device: TcpStream) {
        let mut cut = self.cut.subscribe();
        let relay = TcpStream::connect(&self.relay).await.unwrap();
        for stream in [&device, &relay] {
            stream.set_nodelay(true).unwrap();
        }
        let ((mut from_device, to_device), (from_relay, mut to_relay)) =
            (device.into_split(), relay.into_split());
        let passes = async {
            let Some(head) = head(&mut from_device).await else { return };
            let end = if head.starts_with(b"GET /cable/new/") { End::Scans } else { End::Shows };
            if to_relay.write_all(&head).await.is_err() {
                return;
            }
            tokio::select! {
                _ = tokio::io::copy(&mut from_device, &mut to_relay) => {}
                () = self.deliver(end, from_relay, to_device) => {}
            }
        };
        tokio::select! {
            () = passes => {}
            _ = cut.wait_for(|cut| *cut) => {}
        }
    }

    /// From the relay to a device, message by message.
    async fn deliver(&self, to: End, mut relay: OwnedReadHalf, mut device: OwnedWriteHalf) {
        let Some(head) = head(&mut relay).await else { return };
        if device.write_all(&head).await.is_err() {
            return;
        }
        while let Some(frame) = frame(&mut relay).await {
            let mut passing = self.passing.lock().await;
            // Pings and the like are no messages of the other device.
            let is_message = frame[0] & 0xf == 2;
            passing.come += usize::from(is_message);
            let come = passing.come;
            let at = passing.at.take_if(|(number, _)| is_message && *number == come);
            if matches!(at, Some((_, At::Lost))) {
                self.cut.send_replace(true);
                return;
            }
            if device.write_all(&frame).await.is_err() {
                return;
            }
            if let Some((_, At::Held(held, go_on))) = at {
                let from = if to == End::Shows { End::Scans } else { End::Shows };
                // The test waits for it, and may be over.
                let _ = held.send(from);
                let _ = go_on.await;
            }
        }
    }
}

/// The head of a request or an answer, with the empty line.
async fn head(from: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(from.read_u8().await.ok()?);
    }
    Some(head)
}

/// A frame of a server (RFC 6455 §5.2), which has no mask.
async fn frame(from: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut frame = vec![from.read_u8().await.ok()?, from.read_u8().await.ok()?];
    let more = match frame[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut length = usize::from(frame[1]);
    if more > 0 {
        length = 0;
        for _ in 0..more {
            frame.push(from.read_u8().await.ok()?);
            length = length << 8 | usize::from(frame[frame.len() - 1]);
        }
    }
    let begin = frame.len();
    frame.resize(begin + length, 0);
    from.read_exact(&mut frame[begin..]).await.ok()?;
    Some(frame)
}
