//! A password manager in small: towline's authenticator with a store of its own, in a file, and
//! dialogs of its own.
//!
//! A site registers a passkey, the program is closed and opened again, and the passkey signs in. On
//! a terminal it asks there; otherwise a script answers. The site judges with `webauthn-rs-core`,
//! which towline's authors did not write. The exit status is 0 only if every step succeeded.
//!
//! ```sh
//! cargo run --release --example embedding            # in a file that is gone afterwards
//! cargo run --release --example embedding my.vault   # in one that stays
//! ```

mod dialogs;
mod vault;
#[path = "../verifier.rs"]
mod verifier;

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{self, ExitCode},
};

use towline::{
    LocalAuthenticator,
    authenticator::{Authenticator, Config, Counters, SoftwareKeys},
    client::{Client, Error as ClientError},
};
use towline_rp::{RpClient, RpConfig, RpServer};

use crate::{dialogs::Dialogs, vault::Vault, verifier::IndependentVerifier};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The model: 16 bytes that you draw once for your product and never change.
const AAGUID: [u8; 16] = *b"embedding sample";

#[tokio::main]
async fn main() -> ExitCode {
    let given = env::args_os().nth(1).map(PathBuf::from);
    let path = given.clone().unwrap_or_else(|| {
        env::temp_dir().join(format!("towline-embedding-{}.vault", process::id()))
    });
    let outcome = story(&path).await;
    if given.is_none() {
        // One that was never made can't be removed.
        let _ = fs::remove_file(&path);
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("FAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The policy: what the authenticator is, claims and does. Start from the preset that is nearest.
fn policy() -> Config {
    Config::platform().with_aaguid(AAGUID.into()).with_counters(Counters::PerCredential)
}

/// The authenticator, made of its four parts: policy, cryptography, store and keys; and the person
/// in front of it.
fn open(path: &Path, dialogs: Dialogs) -> Outcome<LocalAuthenticator<Dialogs>> {
    let provider = towline::fastest::provider();
    let keys = SoftwareKeys::new(provider.clone());
    let vault = Vault::open(path)?;
    let authenticator = Authenticator::new(policy(), provider.clone(), vault, keys)?;
    Ok(LocalAuthenticator::new(authenticator, Client::new(provider), dialogs))
}

async fn story(path: &Path) -> Outcome<()> {
    let rp = RpServer::bind(RpConfig::default(), IndependentVerifier::new).await?;
    let site = RpClient::new(&rp.url())?;
    tokio::spawn(rp.run());
    println!("A site at {}, a vault at {}.", site.origin(), path.display());

    println!("\nFirst run: a passkey is made, and used.");
    let mut device = open(path, Dialogs::new(1))?;
    register(&site, &mut device).await?;
    refuse_another(&site, &mut device).await?;
    sign_in(&site, &mut device, Some("alice")).await?;
    drop(device);

    println!("\nSecond run: it is still there.");
    let mut device = open(path, Dialogs::new(0))?;
    sign_in(&site, &mut device, Some("alice")).await?;
    sign_in(&site, &mut device, None).await?;
    refuse_another(&site, &mut device).await?;
    drop(device);

    println!("\nA vault that is damaged is refused, and not taken for an empty one.");
    refuse_damaged(path)
}

async fn register(site: &RpClient, device: &mut LocalAuthenticator<Dialogs>) -> Outcome<()> {
    let begun = site.begin_registration("alice", "my vault").await?;
    let credential = device.create(&site.origin(), &begun.public_key.to_string()).await?;
    let credential = serde_json::from_str(&credential)?;
    let registered = site.finish_registration(&begun.ceremony, credential).await?;
    println!("  site: {} has a new key, \"{}\"", registered.account, registered.key.name);
    Ok(())
}

async fn refuse_another(site: &RpClient, device: &mut LocalAuthenticator<Dialogs>) -> Outcome<()> {
    let begun = site.begin_registration("alice", "once more").await?;
    match device.create(&site.origin(), &begun.public_key.to_string()).await {
        Err(ClientError::AlreadyRegistered) => {
            println!("  client: {}", ClientError::AlreadyRegistered);
            Ok(())
        }
        other => Err(format!("a second registration was not refused: {other:?}").into()),
    }
}

async fn sign_in(
    site: &RpClient,
    device: &mut LocalAuthenticator<Dialogs>,
    account: Option<&str>,
) -> Outcome<()> {
    let begun = site.begin_sign_in(account).await?;
    let credential = device.get(&site.origin(), &begun.public_key.to_string()).await?;
    let credential = serde_json::from_str(&credential)?;
    let signed_in = site.finish_sign_in(&begun.ceremony, credential).await?;
    if !signed_in.user_verified {
        return Err("the master password was not asked for".into());
    }
    println!("  site: {} signed in with \"{}\"", signed_in.account, signed_in.key.name);
    Ok(())
}

fn refuse_damaged(path: &Path) -> Outcome<()> {
    let damaged = path.with_extension("damaged");
    let mut bytes = fs::read(path)?;
    bytes.pop();
    fs::write(&damaged, bytes)?;
    let opened = Vault::open(&damaged);
    fs::remove_file(&damaged)?;
    match opened {
        Err(error) => {
            println!("  vault: {error}");
            Ok(())
        }
        Ok(_) => Err("a damaged vault was opened".into()),
    }
}
