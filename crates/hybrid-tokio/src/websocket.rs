//! A WebSocket as a data channel.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Sink, Stream, future::poll_fn};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message, protocol::WebSocketConfig};
use towline_radio::BoxFuture;

use crate::{DataChannel, Incoming};

/// The longest message that is accepted, in bytes: what Chromium accepts, too.
const MAX_MESSAGE: usize = 1 << 20;

/// Small buffers, since messages are small, and hard limits.
pub(crate) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
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
            let _sent = self.poll_send(context);
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
