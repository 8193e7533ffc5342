//! What a service grants.

use std::time::Duration;

use crate::tunnel::MAX_MESSAGE;

/// What a service grants, to all and to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, in bytes: [`MAX_MESSAGE`], 1 MiB.
    pub message_bytes: usize,
    /// Binary messages in each direction of one tunnel, 1024.
    pub messages: u32,
    /// Bytes of binary messages in each direction of one tunnel, 16 MiB: room for every ceremony,
    /// and none for a free ride of other traffic.
    pub tunnel_bytes: usize,
    /// Pings, pongs and empty fragments in each direction of one tunnel, 1024.
    pub control_frames: u32,
    /// How long a phone may wait for its computer, 150 seconds.
    pub waiting_time: Duration,
    /// How long a tunnel may live once both ends are there, 15 minutes.
    pub pair_time: Duration,
    /// How long a tunnel may be without a message in either direction, 5 minutes: a person who is
    /// asked takes a while.
    pub idle_time: Duration,
    /// Phones that may wait for one computer at once, 1024. When they are as many, the network that
    /// has most of them loses its oldest.
    pub waiting: usize,
    /// Computers that may ring at once, 1024; the same holds.
    pub ringing: usize,
    /// Phones that may listen at once, 4096; none to be a service without linked phones. One that
    /// is expected back counts. When they are as many, the one that has been away for the longest
    /// time is not expected any more; then the network that has most of them loses its oldest, if
    /// it has more than the newcomer's.
    pub listening: usize,
    /// How long a phone may listen without a word, 3 minutes.
    pub silence: Duration,
    /// Messages that a phone that listens may send at once, 32, besides its answers to rings. One
    /// more is granted each second. What it sends beyond that is lost.
    pub listener_messages: u32,
    /// For how long a phone whose connection broke is expected back, 20 seconds. Rings wait for it
    /// meanwhile.
    pub resume_time: Duration,
    /// Rings of one phone that may be under way at once, 4. No network takes more than half of them
    /// from others.
    pub rings: usize,
    /// Rings at once of which one phone is told, 8, and half of that for each network. Those that
    /// it accepts do not count, and where it accepted one before there are so many for that source
    /// alone.
    pub ring_burst: u32,
    /// After how long one more is granted, 10 seconds, and twice that for each network.
    pub ring_pause: Duration,
    /// How long a phone may take to answer a ring, 6 seconds. The computer's request waits
    /// meanwhile.
    pub ring_answer: Duration,
    /// Computers for which it may be asked at once where their phone listens, 1024. When they are
    /// as many, the network that has most of them loses its oldest.
    pub locating: usize,
    /// How long the answer to that may take, 3 seconds, and no longer than the phone's own.
    pub locate_time: Duration,
    /// How long a computer may wait for a phone that said that it comes, 90 seconds.
    pub ring_time: Duration,
    /// Tunnels that may run at once, 4096. When they are as many, the network that has most of
    /// their ends loses its oldest, if it has more than the newcomer's.
    pub pairs: usize,
    /// Places that one [`Source`](crate::Source) may have at once, of whatever kind and with those
    /// of phones that are expected back, 64. The /56 around it may have twice, the /48 (IPv4: the
    /// /24) four times as many.
    pub per_source: usize,
    /// For how long a used tunnel id is refused, 15 minutes.
    pub id_memory: Duration,
    /// How many used tunnel ids are remembered at most, 65536; the oldest are forgotten first.
    pub remembered_ids: usize,
}

impl Default for Limits {
    /// Room for every message that a client accepts, and more time than the two roles take by
    /// default.
    fn default() -> Self {
        Self {
            message_bytes: MAX_MESSAGE,
            messages: 1024,
            tunnel_bytes: 16 << 20,
            control_frames: 1024,
            waiting_time: Duration::from_secs(150),
            pair_time: Duration::from_secs(15 * 60),
            idle_time: Duration::from_secs(5 * 60),
            waiting: 1024,
            ringing: 1024,
            listening: 4096,
            silence: Duration::from_secs(180),
            listener_messages: 32,
            resume_time: Duration::from_secs(20),
            rings: 4,
            ring_burst: 8,
            ring_pause: Duration::from_secs(10),
            ring_answer: Duration::from_secs(6),
            locating: 1024,
            locate_time: Duration::from_secs(3),
            ring_time: Duration::from_secs(90),
            pairs: 4096,
            per_source: 64,
            id_memory: Duration::from_secs(15 * 60),
            remembered_ids: 65_536,
        }
    }
}
