//! Revoked contacts in a file.

use std::sync::Arc;

use towline_rendezvous::message::{FromPhone, FromService};
use towline_testkit::Directory;
use towline_tunnel::{Contacts as _, KeptContacts, RelayConfig, Source};

use crate::ringing::{hear, key, listen, ring, say};
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
async fn a_source_revokes_no_more_than_it_may_and_a_file_in_use_is_refused() {
    let directory = Directory::new("kept-much");
    let file = directory.file("revoked");
    let provider = config().provider;
    let kept = KeptContacts::open(&file, provider.clone()).unwrap();
    let (source, other) = (Source::of([192, 0, 2, 1].into()), Source::of([192, 0, 2, 2].into()));
    for number in 0..64 {
        assert!(kept.revoke(&key(number).contact_id(&provider), source).await, "{number}");
    }
    assert!(!kept.revoke(&key(64).contact_id(&provider), source).await, "too many");
    assert!(kept.revoke(&key(63).contact_id(&provider), source).await, "it is kept already");
    assert!(kept.revoke(&key(64).contact_id(&provider), other).await);
    let in_use = KeptContacts::open(&file, provider).err().expect("it is in use");
    assert!(in_use.to_string().contains("another relay"), "{in_use}");
}
