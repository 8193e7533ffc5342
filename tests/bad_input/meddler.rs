//! A tunnel service that meddles: with one answer, or with one message.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, oneshot},
    task::JoinHandle,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
    },
};
use towline::{
    hybrid::Party,
    transport::{Connector, TunnelConnector},
};

use crate::support::PATIENCE;

/// What the service does to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// One bit is flipped, in the last byte.
    Flip,
    /// The last byte is missing.
    Truncate,
    /// One byte more.
    Extend,
    /// Nothing but the frame.
    Empty,
    /// As long as it was, and something else.
    Garbage,
    /// Twice.
    Twice,
    /// As text.
    Text,
    /// More than anybody accepts.
    Huge,
    /// Held back until the next one of the same direction is through.
    Late,
    /// The connections break.
    Break,
    /// The receiver's connection is closed in good order, and then the other.
    Close,
    /// Nothing gets through any more, in either direction.
    Swallow,
}

/// What the service answers instead of an upgrade.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These bytes, and then it closes.
    Bytes(&'static str),
    /// Nothing, for ever.
    Stall,
}

/// How the service misbehaves.
#[derive(Debug, Clone)]
pub enum Meddling {
    /// To every request of this party.
    Answer(Party, Answer),
    /// With the message of this number, from 1, of this party.
    Message(Party, usize, Fault),
}

type Socket = WebSocketStream<TcpStream>;

/// The service, on a socket without TLS.
pub struct Meddler {
    shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

struct Shared {
    meddling: Meddling,
    waiting: Mutex<HashMap<String, oneshot::Sender<Socket>>>,
    open: AtomicUsize,
    reached: Notify,
}

/// Counts a connection for as long as it is held.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.open.fetch_add(1, Ordering::SeqCst);
        Self(shared.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Meddler {
    pub async fn start(meddling: Meddling) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            meddling,
            waiting: Mutex::default(),
            open: AtomicUsize::new(0),
            reached: Notify::new(),
        });
        let serving = shared.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(serving.clone(), stream));
            }
        });
        Self { shared, address, task }
    }

    pub fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(TunnelConnector::plain_loopback(self.address).unwrap())
    }

    /// Waits until the meddling has happened.
    pub async fn reached(&self) {
        self.shared.reached.notified().await;
    }

    /// Waits until no connection is open any more.
    pub async fn until_empty(&self) {
        let empty = async {
            while self.shared.open.load(Ordering::SeqCst) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let emptied = tokio::time::timeout(PATIENCE, empty).await;
        assert!(emptied.is_ok(), "{:?}: connections are left open", self.shared.meddling);
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The path of the request, which is left in the socket.
async fn path(stream: &TcpStream) -> Option<String> {
    let mut head = vec![0; 4096];
    loop {
        let length = stream.peek(&mut head).await.ok()?;
        if length == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&head[..length]);
        if text.contains("\r\n\r\n") {
            return text.split(' ').nth(1).map(str::to_owned);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn serve(shared: Arc<Shared>, mut stream: TcpStream) {
    let _open = Open::new(&shared);
    let Some(path) = path(&stream).await else { return };
    let from = if path.starts_with("/cable/new/") { Party::Phone } else { Party::Computer };
    let tunnel = path.rsplit('/').next().unwrap().to_owned();
    if let Meddling::Answer(party, answer) = &shared.meddling
        && *party == from
    {
        shared.reached.notify_one();
        if let Answer::Bytes(bytes) = answer {
            // All of the request is read, so that closing does not reset.
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(bytes.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        let _ = stream.read_to_end(&mut Vec::new()).await;
        return;
    }
    #[allow(clippy::result_large_err, reason = "the callback's type is tungstenite's")]
    let upgrade = |_: &Request, mut response: Response| {
        let headers = response.headers_mut();
        headers.insert("Sec-WebSocket-Protocol", "fido.cable".parse().unwrap());
        if from == Party::Phone {
            headers.insert("X-caBLE-Routing-ID", "00AA01".parse().unwrap());
        }
        Ok(response)
    };
    let Ok(mut socket) = accept_hdr_async(stream, upgrade).await else { return };
    if from == Party::Phone {
        let (join, joined) = oneshot::channel();
        shared.waiting.lock().unwrap().insert(tunnel, join);
        tokio::select! {
            computer = joined => if let Ok(computer) = computer {
                let _open = Open::new(&shared);
                pipe(&shared, socket, computer).await;
            },
            // A phone that gives up; whatever it says before there is a computer is lost.
            _ = socket.next() => {}
        }
    } else {
        let join = shared.waiting.lock().unwrap().remove(&tunnel);
        if let Some(join) = join {
            let _ = join.send(socket);
        }
    }
}

/// Copies messages until either side closes, and meddles once.
async fn pipe(shared: &Shared, mut phone: Socket, mut computer: Socket) {
    let (mut of_phone, mut of_computer) = (0, 0);
    let mut held = None;
    let mut swallowing = false;
    loop {
        let (from, message) = tokio::select! {
            message = phone.next() => (Party::Phone, message),
            message = computer.next() => (Party::Computer, message),
        };
        let Some(Ok(Message::Binary(message))) = message else {
            let _ = tokio::time::timeout(Duration::from_millis(200), async {
                let _ = phone.close(None).await;
                let _ = computer.close(None).await;
            })
            .await;
            return;
        };
        let (count, to) = match from {
            Party::Phone => (&mut of_phone, &mut computer),
            _ => (&mut of_computer, &mut phone),
        };
        *count += 1;
        if swallowing {
            continue;
        }
        let fault = match shared.meddling {
            Meddling::Message(party, number, fault) if party == from && number == *count => fault,
            _ => {
                let _ = to.send(Message::Binary(message)).await;
                if let Some(late) = held.take_if(|(of, _)| *of == from) {
                    let _ = to.send(Message::binary(late.1)).await;
                }
                continue;
            }
        };
        shared.reached.notify_one();
        let mut bytes = message.to_vec();
        let changed = match fault {
            Fault::Flip => {
                *bytes.last_mut().unwrap() ^= 1;
                Message::binary(bytes)
            }
            Fault::Truncate => {
                bytes.pop();
                Message::binary(bytes)
            }
            Fault::Extend => {
                bytes.push(0);
                Message::binary(bytes)
            }
            Fault::Empty => Message::binary(Vec::new()),
            Fault::Garbage => Message::binary(vec![0x5a; bytes.len()]),
            Fault::Twice => {
                let _ = to.send(Message::binary(bytes.clone())).await;
                Message::binary(bytes)
            }
            Fault::Text => Message::text("hello"),
            Fault::Huge => Message::binary(vec![0; (1 << 20) + 1]),
            Fault::Late => {
                held = Some((from, bytes));
                continue;
            }
            Fault::Break => return,
            Fault::Close => Message::Close(None),
            Fault::Swallow => {
                swallowing = true;
                continue;
            }
        };
        let _ = to.send(changed).await;
    }
}
