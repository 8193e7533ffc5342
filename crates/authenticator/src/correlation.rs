//! What ties an input to what it is about: the channel of a request, the token of a question or of
//! a job.

use std::sync::atomic::{AtomicU64, Ordering};

/// Who sent a request: one channel of a transport. The embedder chooses the numbers; over CTAPHID
/// it is the channel id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ChannelId(pub u64);

/// Names one question or one job, once in the life of the process: no authenticator takes the
/// answer to another one's question, nor another one's job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(u64);

impl Token {
    /// One that there has not been before.
    pub(crate) fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
