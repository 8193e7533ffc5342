//! Backups of any content, and such as begin like one that is whole: refused, or read to the end
//! and restored.
#![no_main]

use std::{io::Cursor, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use towline_crypto::{CryptoProvider, Secret};
use towline_store::{Backup, Conflicts, KeySource, Store};

/// A backup of an empty store, and what makes it.
struct Whole {
    provider: CryptoProvider,
    store: Store,
    bytes: Vec<u8>,
}

static WHOLE: LazyLock<Whole> = LazyLock::new(|| {
    let provider = towline_crypto::rustcrypto::provider();
    let path = std::env::temp_dir().join(format!("towline-fuzz-backup-{}", std::process::id()));
    let store = Store::create(&path, &source(), &provider).expect("a store is made");
    // It is used under no name any more.
    let _ = std::fs::remove_file(&path);
    let mut bytes = Vec::new();
    store.backup(&mut bytes, &source()).expect("a backup is made");
    Whole { provider, store, bytes }
});

fn source() -> KeySource {
    KeySource::Key(Secret::new([7; 32]))
}

fuzz_target!(|input: (u16, &[u8])| {
    let Whole { provider, store, bytes } = &*WHOLE;
    let (kept, rest) = input;
    let kept = usize::from(kept).min(bytes.len());
    let input = [&bytes[..kept], rest].concat();
    let opened = Backup::open(Cursor::new(&input), &source(), provider);
    // Only what was sealed is ever opened.
    match opened {
        Ok(mut backup) => {
            assert_eq!(input, *bytes);
            store.restore(&mut backup, Conflicts::Keep).expect("what was verified is restored");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
