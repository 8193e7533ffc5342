//! A security key in memory whose touch is simulated, for tools that speak CTAPHID over sockets:
//! `cargo run -p towline-ctaphid-socket --example simulated_key -- udp:127.0.0.1:8111`
#![allow(missing_docs)]

use std::{env, error::Error};

use towline_authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
use towline_ctaphid_socket::Door;
use towline_ctaphid_tokio::{Nobody, SecurityKey};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let provider = towline_crypto::rustcrypto::provider();
    let keys = SoftwareKeys::new(provider.clone());
    let authenticator =
        Authenticator::new(Config::security_key(), provider, MemoryStore::new(), keys)?;

    let key = SecurityKey::new();
    let mut door = Door::new(key.reports());
    for endpoint in env::args().skip(1) {
        println!("listening on {}", door.listen(&endpoint.parse()?).await?);
    }
    println!("whoever can reach this key gets what it asks for");
    match key.run_simulated(authenticator, Nobody).await {}
}
