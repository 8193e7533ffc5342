//! What the library promises, through its public interface alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod carried;
mod files;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Instant,
};

use towline_crypto::{CryptoProvider, rustcrypto};
use towline_sync::{
    Circle, CircleConfig, Content, DeviceKeys, MemberKind, Moment, ObjectHash, StoreName,
    SyncNotice, SyncOutput,
};
use towline_sync_folder::Folder;

/// A directory that is gone after the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("towline-sync-folder-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn now() -> Moment {
    Moment { instant: Instant::now(), wall_clock: 1_790_000_000_000 }
}

/// A first device, and the keys on paper.
fn begin(crypto: &CryptoProvider) -> (Circle, DeviceKeys) {
    let (device, paper) =
        (DeviceKeys::generate(crypto).unwrap(), DeviceKeys::generate(crypto).unwrap());
    let introduced = paper.introduce(None, device.id(), MemberKind::Paper).unwrap();
    let config = CircleConfig::default();
    (Circle::begin(crypto.clone(), config, device, introduced, now()).unwrap(), paper)
}

fn join(crypto: &CryptoProvider, sponsor: &mut Circle) -> Circle {
    let keys = DeviceKeys::generate(crypto).unwrap();
    let introduced =
        keys.introduce(Some(sponsor.id()), sponsor.device(), MemberKind::Device).unwrap();
    sponsor.add(introduced, now()).unwrap();
    let welcome = sponsor.welcome();
    Circle::join(crypto.clone(), CircleConfig::default(), keys, &welcome, now()).unwrap()
}

/// Looks at the folder until there is nothing to be done; what the person is told.
fn sync(circle: &mut Circle, folder: &Folder) -> Vec<SyncNotice> {
    let mut notices = Vec::new();
    circle.look_now(now());
    circle.handle_timeout(now());
    for _ in 0..1000 {
        let Some(output) = circle.poll_output() else { return notices };
        match folder.answer(circle, output, now()) {
            Some(SyncOutput::Save { token, .. }) => circle.handle_saved(token),
            Some(SyncOutput::Notice(notice)) => notices.push(notice),
            _ => {}
        }
    }
    panic!("it asks for ever");
}

fn make(circle: &mut Circle, record: u8) {
    let content = Content::new(vec![record; 40]);
    circle.make([record; 16], &content, &content, now()).unwrap();
}

fn has(circle: &Circle, record: u8) -> bool {
    circle.state().fixed([record; 16]).is_some()
}

/// All files below a folder, as paths from there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
