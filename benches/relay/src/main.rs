//! What a relay costs. The program starts each contestant as a process of its own, with one thread,
//! puts the same load on it over loopback from this process, and reads from `/proc` what it took:
//! processor time and resident memory. Linux only. `--help` says what it measures.

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

const HELP: &str = "\
What a relay costs: processor time and memory of each contestant, beside a bare relay in one run.

    cargo run --release -p towline-relay-load             all tables but the last two, in three minutes
    cargo run --release -p towline-relay-load -- 1000     the same with fewer idle pairs
    cargo run --release -p towline-relay-load -- tls      TLS beside none: opened and parted, long
                                                          messages, idle pairs; three quarters of a minute
    cargo run --release -p towline-relay-load -- machine  the state machine with a million phones
    cargo run --release -p towline-relay-load -- nodes    two nodes and a nats-server: rings through
                                                          another node at 1000/s, finds at 10 000/s;
                                                          half a minute

In brackets stands the time as a multiple of what bare took in the same round, the median of the
rounds: a busy machine changes it little.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("serve") => server::serve(&args.next().unwrap_or_default(), args.next()).await,
        Some("--help" | "-h") => {
            println!("{HELP}");
            Ok(())
        }
        Some("machine") => machine::all(),
        Some("tls") => load::tls(IDLE_PAIRS).await,
        Some("nodes") => nodes::all().await,
        Some(pairs) => load::all(pairs.parse().map_err(Error::other)?).await,
        None => load::all(IDLE_PAIRS).await,
    }
}
