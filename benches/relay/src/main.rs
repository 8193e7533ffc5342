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

    cargo run --release -p towline-relay-load -- WHAT

    (nothing)     all tables but the last two, in three minutes
    1000          the same with fewer idle pairs
    tls [1000]    TLS beside none: opened and parted, long messages, idle pairs; a minute
    machine       the state machine with a million phones
    nodes         two nodes and a nats-server: rings through another node at 1000/s, and finds of
                  somebody else's phone at 10 000/s; half a minute

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
        Some("tls") => load::tls(pairs(args.next())?).await,
        Some("nodes") => nodes::all().await,
        number => load::all(pairs(number.map(str::to_owned))?).await,
    }
}

/// How many idle pairs are tried for.
fn pairs(number: Option<String>) -> Result<usize, Error> {
    number.map_or(Ok(IDLE_PAIRS), |number| number.parse().map_err(Error::other))
}
