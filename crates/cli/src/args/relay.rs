//! The command line of `towline relay`.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use serde::{Deserialize, Deserializer, de::Error as _};
use towline::tunnel::Subnet;

use super::values::udp_addr;

#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[command(after_long_help = "\
Examples:
  towline relay                                     ws:// on a free port of this machine
  towline relay --listen localhost:4433             on a port of its own
  towline relay --listen [::]:443 --tls-cert relay.pem --tls-key relay.key
  towline relay --admin 127.0.0.1:9100              and metrics at http://127.0.0.1:9100/metrics
  towline relay --air udp:127.0.0.1:4434            and carry the simulated Bluetooth
  towline relay --node 2 --bus tls://10.0.0.10:4222 one of several nodes; docs/relay/cluster.md
  towline relay --config /etc/towline/relay.toml    and all that from a file")]
pub(crate) struct Relay {
    /// Take from this file (TOML) what no flag says: each member is named as its flag, without the
    /// dashes in front. docs/relay/operating.md has an example
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub(crate) config: Option<PathBuf>,

    /// Where to listen, as an address or a name with a port; port 0 picks a free one [default:
    /// 127.0.0.1:0]
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,

    /// The certificate chain (PEM), leaf first; taken anew when the file is replaced
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Without TLS, listen on other addresses than this machine's: a proxy in front of it does TLS
    #[arg(long)]
    pub(crate) behind_proxy: bool,

    /// Believe this proxy (an address, or a network such as 10.0.0.0/8) when it says in
    /// X-Forwarded-For where a request came from; can be repeated
    #[arg(long, value_name = "ADDR")]
    #[serde(deserialize_with = "subnets")]
    pub(crate) trusted_proxy: Vec<Subnet>,

    /// Connections of this proxy (an address or a network) begin with a header of the PROXY
    /// protocol, version 2, and are believed to come from where it says; can be repeated
    #[arg(long, value_name = "ADDR")]
    #[serde(deserialize_with = "subnets")]
    pub(crate) proxy_protocol: Vec<Subnet>,

    /// Answer /metrics, /health/live and /health/ready here, for the operator only (plain HTTP)
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Option<String>,

    /// Write each line of the log as a JSON object; RUST_LOG=towline_tunnel=info,towline_nats=info
    /// says what is logged
    #[arg(long)]
    pub(crate) log_json: bool,

    /// This node's number among several with one name: the first byte of its routing ids [default:
    /// 0]
    #[arg(long, value_name = "N", env = "TOWLINE_NODE")]
    pub(crate) node: Option<u8>,

    /// Keep the contact ids of linked phones that were revoked in this file, so that computers are
    /// told so after a restart, too [default: until the relay ends; several nodes: on the bus]
    #[arg(long, value_name = "FILE")]
    pub(crate) revoked: Option<PathBuf>,

    /// Be one of several nodes: the NATS servers that carry what they say to each other, such as
    /// tls://10.0.0.10:4222, several with commas
    #[arg(long, value_name = "URL", env = "TOWLINE_BUS")]
    pub(crate) bus: Option<String>,

    /// The user of this node at the bus; its password is in the environment variable
    /// TOWLINE_BUS_PASSWORD
    #[arg(long, value_name = "NAME", env = "TOWLINE_BUS_USER")]
    pub(crate) bus_user: Option<String>,

    /// The environment variable with the password, for the file alone: a secret stands in neither
    #[arg(skip)]
    pub(crate) bus_password: Option<Variable>,

    /// The roots (PEM) of the bus' certificates [default: the system's]
    #[arg(long, value_name = "FILE", env = "TOWLINE_BUS_CA")]
    pub(crate) bus_ca: Option<PathBuf>,

    /// The certificate (PEM) by which the bus knows this node
    #[arg(long, value_name = "FILE")]
    pub(crate) bus_cert: Option<PathBuf>,

    /// The private key of that certificate (PEM)
    #[arg(long, value_name = "FILE")]
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

    /// For how long all goes on after SIGTERM, in seconds, while front ends see that the relay is
    /// not ready any more [default: 5 with --admin, where they look; 0 without]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) notice: Option<u64>,

    /// Over how long linked phones are sent to other nodes after that, in seconds [default: 10]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) spread: Option<u64>,

    /// How long tunnels may go on once the relay was told to stop and nobody waits, in seconds
    /// [default: 10]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) grace: Option<u64>,

    /// Also carry a SIMULATED Bluetooth at this address
    #[arg(long, value_name = "udp:ADDR", value_parser = udp_addr)]
    #[serde(skip)]
    pub(crate) air: Option<SocketAddr>,
}

/// An environment variable that has a secret, in a file as `$NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Variable(pub(crate) String);

impl TryFrom<String> for Variable {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = |name: &&str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        match text.strip_prefix('$').filter(plain) {
            Some(name) => Ok(Self(name.to_owned())),
            // Whoever wrote a password there does not see it repeated.
            None => Err("a secret stands in an environment variable: write \"$NAME\""),
        }
    }
}

/// Networks, as the flags have them.
fn subnets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Subnet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
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
