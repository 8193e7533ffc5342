//! What a relay costs. The program starts each contestant as a process of its own, with one thread,
//! puts the same load on it over loopback from this process, and reads from `/proc` what it took:
//! processor time and resident memory. Linux only.
//!
//!     cargo run --release -p towline-relay-load             # three minutes
//!     cargo run --release -p towline-relay-load -- 1000     # with fewer idle pairs
//!     cargo run --release -p towline-relay-load -- machine  # its state machine alone, with a million phones
//!     cargo run --release -p towline-relay-load -- nodes    # two nodes and a nats-server: half a minute

mod bare;
mod client;
mod load;
mod machine;
mod nodes;
mod server;

use std::io::Error;

/// Idle pairs that are tried for. The server needs two descriptors for each, and 20 000 are a usual
/// limit.
const IDLE_PAIRS: usize = 9900;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("serve") => server::serve(&args.next().unwrap_or_default(), args.next()).await,
        Some("machine") => machine::all(),
        Some("nodes") => nodes::all().await,
        Some(pairs) => load::all(pairs.parse().map_err(Error::other)?).await,
        None => load::all(IDLE_PAIRS).await,
    }
}
