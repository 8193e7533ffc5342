//! The command line of `towline relay`.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use towline::tunnel::Subnet;

use super::values::udp_addr;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline relay                                     ws:// on a free port of this machine
  towline relay --listen localhost:4433             on a port of its own
  towline relay --listen [::]:443 --tls-cert relay.pem --tls-key relay.key
  towline relay --admin 127.0.0.1:9100              and metrics at http://127.0.0.1:9100/metrics
  towline relay --air udp:127.0.0.1:4434            and carry the simulated Bluetooth
  towline relay --node 2 --bus tls://10.0.0.10:4222 one of several nodes; docs/relay/cluster.md")]
pub(crate) struct Relay {
    /// Where to listen, as an address or a name with a port; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: String,

    /// The certificate chain (PEM), leaf first; taken anew when the file is replaced
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Without TLS, listen on other addresses than this machine's: a proxy in front of it does TLS
    #[arg(long, conflicts_with = "tls_cert")]
    pub(crate) behind_proxy: bool,

    /// Believe this proxy (an address, or a network such as 10.0.0.0/8) when it says in
    /// X-Forwarded-For where a request came from; can be repeated
    #[arg(long, value_name = "ADDR")]
    pub(crate) trusted_proxy: Vec<Subnet>,

    /// Answer /metrics, /health/live and /health/ready here, for the operator only (plain HTTP)
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Option<String>,

    /// Write each line of the log as a JSON object; RUST_LOG=towline_tunnel=info says what is
    /// logged
    #[arg(long)]
    pub(crate) log_json: bool,

    /// This node's number among several with one name: the first byte of its routing ids
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) node: u8,

    /// Keep the contact ids of linked phones that were revoked in this file, so that computers are
    /// told so after a restart, too [default: until the relay ends; several nodes: on the bus]
    #[arg(long, value_name = "FILE", conflicts_with = "bus")]
    pub(crate) revoked: Option<PathBuf>,

    /// Be one of several nodes: the NATS servers that carry what they say to each other, such as
    /// tls://10.0.0.10:4222, several with commas
    #[arg(long, value_name = "URL", env = "TOWLINE_BUS")]
    pub(crate) bus: Option<String>,

    /// The user of this node at the bus; its password is in the environment variable
    /// TOWLINE_BUS_PASSWORD
    #[arg(long, value_name = "NAME", env = "TOWLINE_BUS_USER", requires = "bus")]
    pub(crate) bus_user: Option<String>,

    /// The roots (PEM) of the bus' certificates [default: the system's]
    #[arg(long, value_name = "FILE", env = "TOWLINE_BUS_CA", requires = "bus")]
    pub(crate) bus_ca: Option<PathBuf>,

    /// The certificate (PEM) by which the bus knows this node
    #[arg(long, value_name = "FILE", requires_all = ["bus", "bus_key"])]
    pub(crate) bus_cert: Option<PathBuf>,

    /// The private key of that certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "bus_cert")]
    pub(crate) bus_key: Option<PathBuf>,

    /// Phones that may wait for a computer at once [default: 1024]
    #[arg(long, value_name = "N")]
    pub(crate) most_waiting: Option<usize>,

    /// Computers that may ring linked phones at once [default: 1024]
    #[arg(long, value_name = "N")]
    pub(crate) most_ringing: Option<usize>,

    /// Linked phones that may listen at once [default: 4096]
    #[arg(long, value_name = "N")]
    pub(crate) most_listening: Option<usize>,

    /// Tunnels that may run at once [default: 4096]
    #[arg(long, value_name = "N")]
    pub(crate) most_tunnels: Option<usize>,

    /// Connections of one address (IPv6: one /64 network) at once; a /56 may have twice, a /48 or
    /// /24 four times as many [default: 64]
    #[arg(long, value_name = "N")]
    pub(crate) per_source: Option<usize>,

    /// Let the web pages of this origin in, such as https://example.com, or of all with *; can be
    /// repeated
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,

    /// How long a tunnel may be without a message, in seconds [default: 300]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) idle: Option<u64>,

    /// How long a tunnel may live, in seconds [default: 900]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) lifetime: Option<u64>,

    /// How long tunnels may go on once the relay is told to stop, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) grace: u64,

    /// Also carry a SIMULATED Bluetooth at this address
    #[arg(long, value_name = "udp:ADDR", value_parser = udp_addr)]
    pub(crate) air: Option<SocketAddr>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  towline domain 257                  the name that a relay for `towline phone --domain 257` needs
  towline domain cable.ua5v.com       and the number of a name")]
pub(crate) struct Domain {
    /// The number (0, 1, or 256 to 65535), or the name
    #[arg(value_name = "NUMBER or NAME")]
    pub(crate) domain: String,
}
