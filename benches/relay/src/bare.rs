//! The yardsticks: as little as a relay can do. Neither has limits, deadlines or checks, so that
//! neither could be put before the public.

use std::collections::HashMap;
use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Room for the longest message of the load and its frame.
const BUFFER: usize = 40 * 1024;

type Waiting = Arc<Mutex<HashMap<String, TcpStream>>>;

/// Pairs connections by the last word of their path. With `frames` it unmasks each message and
/// frames it anew; without, bytes are spliced as they come.
pub(crate) async fn serve(listener: TcpListener, frames: bool) -> Result<()> {
    let waiting = Waiting::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(meet(stream, waiting.clone(), frames));
    }
}

async fn meet(mut stream: TcpStream, waiting: Waiting, frames: bool) -> Result<()> {
    let mut head = vec![0; 1024];
    let mut length: usize = 0;
    while !head.get(..length).unwrap_or_default().ends_with(b"\r\n\r\n") {
        match stream.read(head.get_mut(length..).unwrap_or_default()).await? {
            0 => return Ok(()),
            read => length = length.saturating_add(read),
        }
    }
    let head = String::from_utf8_lossy(head.get(..length).unwrap_or_default()).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let id = path.rsplit('/').next().unwrap_or_default().to_owned();
    stream
        .write_all(b"HTTP/1.1 101 Switching Protocols\r\nX-caBLE-Routing-ID: 000000\r\n\r\n")
        .await?;
    if path.starts_with("/cable/new/") {
        waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, stream);
        return Ok(());
    }
    let phone = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    let ((from_a, to_a), (from_b, to_b)) =
        (phone.ok_or(ErrorKind::NotFound)?.into_split(), stream.into_split());
    tokio::select! {
        ended = copy(from_a, to_b, frames) => ended,
        ended = copy(from_b, to_a, frames) => ended,
    }
}

/// One direction. Its buffer is there only while there is something to copy.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, frames: bool) -> Result<()> {
    loop {
        from.readable().await?;
        let mut buffer = Vec::with_capacity(BUFFER);
        match from.try_read_buf(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        while frames && !unmask(&mut buffer)? {
            from.read_buf(&mut buffer).await?;
        }
        to.write_all(&buffer).await?;
    }
}

/// Turns one whole masked frame into an unmasked one, in place; `false` if more of it is to come.
fn unmask(frame: &mut Vec<u8>) -> Result<bool> {
    let short = frame.get(1).map_or(0, |length| length & 0x7f);
    let head: usize = match short {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    let Some(mask) = frame.get(head..).and_then(|rest| rest.first_chunk::<4>()).copied() else {
        return Ok(false);
    };
    let long = frame.get(2..head).unwrap_or_default();
    let long = long.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
    let length = if head == 2 { usize::from(short) } else { long };
    let start = head.saturating_add(4);
    let end = start.checked_add(length).ok_or_else(|| Error::from(ErrorKind::InvalidData))?;
    if frame.len() < end {
        return Ok(false);
    }
    let payload = frame.get_mut(start..end).unwrap_or_default();
    // In words, so that the compiler makes vector instructions of it.
    let (words, rest) = payload.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    frame.drain(head..start);
    if let Some(length) = frame.get_mut(1) {
        *length = short;
    }
    Ok(true)
}
