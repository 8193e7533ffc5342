//! What several of the demonstration's threads do to the board at once.

use std::{
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use super::*;
use crate::shelf;

#[test]
fn a_state_has_one_number_and_each_number_one_state() {
    let board = Board::new();
    let looking = board.change(|scene| {
        let looker = board.clone();
        let looking = thread::spawn(move || looker.shown(0));
        // It looks while this is not done yet.
        thread::sleep(Duration::from_millis(50));
        scene.switches.relay = false;
        looking
    });
    let shown = looking.join().unwrap();
    assert_eq!(shown["switches"]["relay"], false);
    assert_eq!(shown["version"], 2, "the page asks for what is newer than this");
}

#[test]
fn what_a_device_had_before_never_takes_the_place_of_what_it_has() {
    let board = Board::new();
    let (reads, reading) = channel();
    let (shows, shown) = channel();
    let slow = board.clone();
    let before = thread::spawn(move || {
        slow.passkeys(DeviceId::PhoneB, || {
            reads.send(()).unwrap();
            // Meanwhile there is one, which somebody else reads.
            let other = shown.recv_timeout(Duration::from_millis(200));
            assert_eq!(other, Err(RecvTimeoutError::Timeout), "it waits for its turn");
            Vec::new()
        });
    });
    reading.recv().unwrap();
    let credential = shelf::passkey(1);
    let passkey = Passkey { credential, sign_count: None, backed_up: false };
    board.passkeys(DeviceId::PhoneB, || vec![passkey.clone()]);
    // The one that was slow may have ended meanwhile.
    let _ = shows.send(());
    before.join().unwrap();
    let since = |board: &Board| {
        let devices = board.shown(0)["devices"].clone();
        devices["phone-b"]["passkeys"][0]["since"].as_u64()
    };
    let first = since(&board);
    assert!(first.is_some(), "it is shown");
    board.passkeys(DeviceId::PhoneB, || vec![passkey]);
    assert_eq!(since(&board), first, "since it came");
}
