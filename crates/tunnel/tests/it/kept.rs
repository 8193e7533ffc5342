//! Revoked contacts in a file.

use std::sync::Arc;

use towline_rendezvous::message::{FromPhone, FromService};
use towline_testkit::Directory;
use towline_tunnel::{KeptContacts, RelayConfig};

use crate::ringing::{hear, listen, ring, say};
use crate::support::{config, start};

fn with_file(path: &std::path::Path) -> RelayConfig {
    let mut config = config();
    let kept = KeptContacts::open(path, config.provider.clone()).unwrap();
    config.contacts = Arc::new(kept);
    config
}

#[tokio::test]
async fn what_was_revoked_is_gone_after_a_restart_as_well() {
    let directory = Directory::new("kept");
    let file = directory.file("revoked");
    let relay = start(with_file(&file)).await;
    assert_eq!(ring(&relay, 1, true).await.err(), Some(404));
    let mut phone = listen(&relay, 1).await.unwrap();
    say(&mut phone, FromPhone::Revoke).await;
    assert_eq!(hear(&mut phone).await, FromService::Revoked);
    relay.task.abort();
    let _ended = relay.task.await;
    drop(relay.handle);
    drop(phone);
    // The file is free once the last connection of the old relay is gone.
    let relay = loop {
        let mut again = config();
        match KeptContacts::open(&file, again.provider.clone()) {
            Ok(kept) => {
                again.contacts = Arc::new(kept);
                break start(again).await;
            }
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(ring(&relay, 1, true).await.err(), Some(410));
    assert_eq!(listen(&relay, 1).await.err(), Some(410));
    assert_eq!(ring(&relay, 2, true).await.err(), Some(404));
}

#[tokio::test]
async fn a_file_in_use_is_refused() {
    let directory = Directory::new("kept-in-use");
    let file = directory.file("revoked");
    let provider = config().provider;
    let _kept = KeptContacts::open(&file, provider.clone()).unwrap();
    let in_use = KeptContacts::open(&file, provider).err().expect("it is in use");
    assert!(in_use.to_string().contains("another relay"), "{in_use}");
}
