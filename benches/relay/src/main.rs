//! What a relay costs. The program starts each contestant as a process of its own, with one thread,
//! puts the same load on it over loopback from this process, and reads from `/proc` what it took:
//! processor time and resident memory. Linux only.
//!
//!     cargo run --release -p towline-relay-load           # three minutes
//!     cargo run --release -p towline-relay-load -- --help # what else it measures

mod bare;
mod client;
mod load;
mod machine;
mod nodes;
mod server;

use std::io::Error;
use std::time::Duration;

const HELP: &str = "\
What a relay costs: towline's beside a bare one and a splice, over loopback. Linux only.

usage: towline-relay-load [PAIRS]      all of it, in three minutes; so many idle pairs (9900)
       towline-relay-load --seconds N  tunnels opened and left, towline beside bare, for N seconds
       towline-relay-load --short      the same for 30 seconds
       towline-relay-load machine      its state machine alone, with a million phones
       towline-relay-load nodes        two nodes and a nats-server, in half a minute
";

/// How long the short form takes, in seconds.
const SHORT: u64 = 30;

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
        Some("--help" | "-h") => {
            print!("{HELP}");
            Ok(())
        }
        Some("--short") => load::ceremonies_beside_bare(Duration::from_secs(SHORT)).await,
        Some("--seconds") => match args.next().and_then(|seconds| seconds.parse().ok()) {
            Some(seconds) => load::ceremonies_beside_bare(Duration::from_secs(seconds)).await,
            None => refuse(),
        },
        Some(pairs) => match pairs.parse() {
            Ok(pairs) => load::all(pairs).await,
            Err(_) => refuse(),
        },
        None => load::all(IDLE_PAIRS).await,
    }
}

fn refuse() -> ! {
    eprint!("that can't be measured, and is no number.\n\n{HELP}");
    std::process::exit(2)
}
