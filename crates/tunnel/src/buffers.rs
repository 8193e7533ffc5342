//! Buffers that a thread lends to whoever reads or writes, so that a connection on which nothing
//! happens holds none.

use std::cell::RefCell;

/// The length of each, in bytes.
pub(crate) const BUFFER: usize = 64 * 1024;

/// How many buffers a thread keeps.
const SPARE: usize = 16;

thread_local! {
    /// Buffers that nobody uses. For each thread its own, since each message takes one and gives it
    /// back.
    static BUFFERS: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn take_buffer() -> Box<[u8]> {
    let spare = BUFFERS.with_borrow_mut(Vec::pop);
    spare.unwrap_or_else(|| vec![0; BUFFER].into_boxed_slice())
}

pub(crate) fn give_back(buffer: Box<[u8]>) {
    BUFFERS.with_borrow_mut(|buffers| {
        if buffers.len() < SPARE {
            buffers.push(buffer);
        }
    });
}
