//! A contestant in its own process: says where it listens, and serves until it is killed.

use std::io::{Error, Result, Write as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use towline_nats::Nats;
use towline_tunnel::{Relay, RelayConfig, Security, Tls};

const ANY_PORT: &str = "127.0.0.1:0";

/// `bus` is what a node joins, and its number is the name's last digit.
pub(crate) async fn serve(name: &str, bus: Option<String>) -> Result<()> {
    if let (Some(number), Some(bus)) = (name.strip_prefix("node-"), bus) {
        return node(number.parse().map_err(Error::other)?, &bus).await;
    }
    let frames = match name {
        "bare" => true,
        "splice" => false,
        "towline" => return towline(Security::Plain).await,
        "towline-tls" | "towline-tls-first" => {
            let made =
                rcgen::generate_simple_self_signed(["localhost".into()]).map_err(Error::other)?;
            let tls = Tls::from_pem(
                made.cert.pem().as_bytes(),
                made.signing_key.serialize_pem().as_bytes(),
            );
            return towline(Security::Tls(tls.map_err(Error::other)?)).await;
        }
        _ => return Err(Error::other("bare, splice, towline, towline-tls or towline-tls-first")),
    };
    let listener = TcpListener::bind(ANY_PORT).await?;
    ready(&listener.local_addr()?)?;
    crate::bare::serve(listener, frames).await
}

async fn towline(security: Security) -> Result<()> {
    run(busy(security)?).await
}

/// One of several nodes, which believes what its clients say of their addresses.
async fn node(number: u8, bus: &str) -> Result<()> {
    let mut config = busy(Security::Plain)?;
    let joined = Nats::new(bus).join(&config.provider).await.map_err(Error::other)?;
    (config.bus, config.contacts) = (Some(joined.link), Arc::new(joined.contacts));
    config.node = number;
    config.trusted_proxies = vec!["127.0.0.1".parse().map_err(Error::other)?];
    config.admin = Some(ANY_PORT.parse().map_err(Error::other)?);
    run(config).await
}

/// With the limits of a busy service, for all peers have one source.
fn busy(security: Security) -> Result<RelayConfig> {
    let provider = towline_crypto::rustcrypto::provider();
    let address = ANY_PORT.parse().map_err(Error::other)?;
    let mut config = RelayConfig::new(address, security, provider);
    config.requests_per_source = 100_000;
    let limits = &mut config.limits;
    (limits.waiting, limits.pairs, limits.per_source) = (100_000, 100_000, 1_000_000);
    limits.listening = 100_000;
    limits.silence = Duration::from_secs(900);
    (limits.messages, limits.tunnel_bytes) = (u32::MAX, usize::MAX);
    (limits.waiting_time, limits.idle_time) = (Duration::from_secs(900), Duration::from_secs(900));
    Ok(config)
}

async fn run(config: RelayConfig) -> Result<()> {
    let relay = Relay::bind(config).await.map_err(Error::other)?;
    match relay.admin_addr() {
        Some(admin) => ready(&format!("{} {admin}", relay.local_addr()))?,
        None => ready(&relay.local_addr())?,
    }
    relay.run().await;
    Ok(())
}

fn ready(address: &dyn std::fmt::Display) -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{address}")?;
    out.flush()
}
