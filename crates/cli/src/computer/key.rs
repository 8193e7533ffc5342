//! A security key: one that is plugged in, or one behind a socket of this machine.

use std::{path::Path, sync::Arc};

use towline_ctaphid_host::{KeyChannel, Wire};
use towline_ctaphid_socket::Endpoint;

use crate::{
    args,
    event::{Event, Step},
    exit::Failure,
    report::Report,
};

/// Finds the key that is meant, says which it is, and opens it.
pub(super) async fn open(args: &args::Reach, report: &Arc<Report>) -> Result<KeyChannel, Failure> {
    let (name, wire) = match args.key_at.as_deref() {
        Some(place) if place.starts_with('/') => plugged_in(Some(Path::new(place)))?,
        Some(place) => behind_socket(place).await?,
        None => plugged_in(None)?,
    };
    let message = format!("Using {name}.");
    report.event(&Event::Step { step: Step::Connected, message });
    let report = Arc::clone(report);
    let touch = move || {
        let message = "Touch the security key, or answer where it asks.".into();
        report.event(&Event::Step { step: Step::Touch, message });
    };
    Ok(KeyChannel::new(wire, towline::fastest::provider()).with_touch(touch))
}

async fn behind_socket(place: &str) -> Result<(String, Box<dyn Wire>), Failure> {
    let endpoint: Endpoint =
        place.parse().map_err(|error| Failure::usage("key_at", format!("{error}")))?;
    let wire = endpoint.connect().await.map_err(|error| {
        let message = format!("there is no security key at {endpoint}: {error}; start it with `towline key --listen {endpoint}`");
        Failure::environment("no_key", message)
    })?;
    Ok((format!("the security key at {endpoint}"), wire))
}

#[cfg(target_os = "linux")]
fn plugged_in(named: Option<&Path>) -> Result<(String, Box<dyn Wire>), Failure> {
    use towline_ctaphid_host::hidraw;

    let keys = hidraw::plugged_in();
    let key = match (named, keys.as_slice()) {
        (Some(node), _) => keys.iter().find(|key| key.node == node).cloned().ok_or_else(|| {
            Failure::usage("key_at", hidraw::HidrawError::NotAKey(node.to_owned()).to_string())
        })?,
        (None, [only]) => only.clone(),
        (None, []) => {
            let message = "no security key is plugged in; plug one in and start again, or use --with phone or \
                --with this-device";
            return Err(Failure::environment("no_key", message));
        }
        (None, several) => {
            let list: Vec<_> = several
                .iter()
                .map(|key| format!("{} ({})", key.node.display(), key.name))
                .collect();
            let message = format!(
                "several security keys are plugged in: {}; name one with --key-at, or unplug the others",
                list.join(", ")
            );
            return Err(Failure::usage("several_keys", message));
        }
    };
    let wire = hidraw::open(&key.node)
        .map_err(|error| Failure::environment("no_key", error.to_string()))?;
    Ok((format!("{} at {}", key.name, key.node.display()), wire))
}

#[cfg(not(target_os = "linux"))]
fn plugged_in(_named: Option<&Path>) -> Result<(String, Box<dyn Wire>), Failure> {
    let message = "keys that are plugged in are found on Linux only; name a key behind a socket with --key-at, such as \
        udp:127.0.0.1:8111, or use --with phone or --with this-device";
    Err(Failure::environment("no_key", message))
}
