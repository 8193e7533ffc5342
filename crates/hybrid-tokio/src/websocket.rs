//! A WebSocket as a data channel.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Sink, Stream, future::poll_fn};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message, protocol::WebSocketConfig};
use towline_hybrid::MAX_FRAME;
use towline_radio::BoxFuture;

use crate::{DataChannel, Incoming};

/// As long as more messages than this wait to be sent, none is read: a peer that sends and does not
/// read has to wait.
const MAX_QUEUED: usize = 8;

/// The same in bytes.
const MAX_QUEUED_BYTES: usize = 4 * MAX_FRAME;

/// Small buffers, since messages are small, and hard limits.
pub(crate) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_FRAME))
        .max_frame_size(Some(MAX_FRAME))
}

/// An open WebSocket.
pub(crate) struct WebSocket<S> {
    socket: WebSocketStream<S>,
    queue: VecDeque<Message>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    pub(crate) fn new(socket: WebSocketStream<S>) -> Self {
        Self { socket, queue: VecDeque::new() }
    }

    /// Moves the queue into the socket, and the socket's buffer out.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.queue.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_ready(context))?;
            if let Some(message) = self.queue.pop_front() {
                Pin::new(&mut self.socket).start_send(message)?;
            }
        }
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn is_congested(&self) -> bool {
        let bytes =
            self.queue.iter().fold(0_usize, |sum, message| sum.saturating_add(message.len()));
        self.queue.len() > MAX_QUEUED || bytes > MAX_QUEUED_BYTES
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            match ready!(Pin::new(&mut self.socket).poll_next(context)) {
                Some(Ok(Message::Binary(message))) => {
                    return Poll::Ready(Incoming::Frame(message.into()));
                }
                Some(Ok(Message::Text(_))) => return Poll::Ready(Incoming::Text),
                // Pings are answered by the library; they do not matter here.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    return Poll::Ready(Incoming::Closed);
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> DataChannel for WebSocket<S> {
    fn send(&mut self, message: Vec<u8>) {
        self.queue.push_back(Message::binary(message));
    }

    fn next(&mut self) -> BoxFuture<'_, Incoming> {
        Box::pin(poll_fn(|context| {
            // A write that fails shows when reading, after what the peer still sent.
            if self.poll_send(context).is_pending() && self.is_congested() {
                return Poll::Pending;
            }
            self.poll_receive(context)
        }))
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.queue.push_back(Message::Close(None));
            let _sent = poll_fn(|context| self.poll_send(context)).await;
            while poll_fn(|context| self.poll_receive(context)).await != Incoming::Closed {}
            // Reading on after the peer's close frame sends the answer to it.
            let _answered = poll_fn(|context| self.poll_receive(context)).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, SinkExt, StreamExt};
    use tokio::io::DuplexStream;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    /// Our end, and a peer that reads only when it is told to.
    async fn ends() -> (WebSocket<DuplexStream>, WebSocketStream<DuplexStream>) {
        let (ours, theirs) = tokio::io::duplex(1024);
        let ours = WebSocketStream::from_raw_socket(ours, Role::Client, Some(config())).await;
        let theirs = WebSocketStream::from_raw_socket(theirs, Role::Server, Some(config())).await;
        (WebSocket::new(ours), theirs)
    }

    /// The peer sends one small message; whether it is read while these wait to be sent.
    async fn reads_while_sending(messages: usize, length: usize) -> bool {
        let (mut ours, mut theirs) = ends().await;
        for _ in 0..messages {
            ours.send(vec![1; length]);
        }
        theirs.send(Message::binary(vec![2])).await.unwrap();
        let read = ours.next().now_or_never();
        if read.is_none() {
            // As soon as the peer reads, everything moves again.
            let reading = async {
                for _ in 0..messages {
                    assert_eq!(theirs.next().await.unwrap().unwrap().len(), length);
                }
            };
            let mut read = Vec::new();
            let moving = async {
                loop {
                    read.push(ours.next().await);
                }
            };
            tokio::select! {
                () = reading => {}
                () = moving => {}
            }
            assert_eq!(read, [Incoming::Frame(vec![2])]);
            return false;
        }
        assert_eq!(read, Some(Incoming::Frame(vec![2])));
        true
    }

    #[tokio::test]
    async fn a_few_messages_that_wait_to_be_sent_keep_nobody_from_reading() {
        assert!(reads_while_sending(0, 0).await);
        assert!(reads_while_sending(1, MAX_FRAME).await);
        assert!(reads_while_sending(MAX_QUEUED, 2000).await);
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_not_read_either() {
        assert!(!reads_while_sending(MAX_QUEUED + 2, 2000).await);
        assert!(!reads_while_sending(MAX_QUEUED - 2, MAX_FRAME).await);
    }
}
