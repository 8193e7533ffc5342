//! What tests of clients do: CTAP, U2F and CTAPHID, in bytes; and the seam for faults.

use std::time::Instant;

use towline_client::{Account, BoxFuture, Client, Environment, Origin};
use towline_ctap::hid::{Host, HostOutput, KeepaliveStatus, Report};
use towline_virtual::{
    Builder, Direction, Error, Hand, Meddler, Signing, VirtualAuthenticator, person::anything,
};

use crate::{
    options::{ORIGIN, create, get},
    sites_are_tested::auth_data,
};

#[test]
fn the_person_can_say_no_over_ctap() {
    let key = VirtualAuthenticator::security_key();
    assert_eq!(key.transact(&[0x0b]), [0x00]);
    key.person().when(anything()).refuses().once();
    assert_eq!(key.transact(&[0x0b]), [0x27]);
    key.person().when(anything()).calls_it_off().once();
    assert_eq!(key.transact(&[0x0b]), [0x2d], "CTAP2_ERR_KEEPALIVE_CANCEL");
}

/// A program that has nobody to ask, and no time-outs.
struct Program;

impl Environment for Program {
    fn sleep_until(&self, _deadline: Instant) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn choose<'a>(&'a self, _accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(std::future::ready(Some(1)))
    }
}

#[test]
fn it_is_a_channel_for_programs_with_a_client_of_their_own() {
    let mut key = VirtualAuthenticator::fingerprint_key();
    let client = Client::new(towline_crypto::rustcrypto::provider());
    let caller = Origin::parse(ORIGIN).unwrap().into();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for name in ["alice", "bob"] {
            let options = create(name);
            let made = towline_client::create(&client, &mut key, &Program, &caller, &options);
            made.await.unwrap();
        }
        let options = get();
        let chosen = towline_client::get(&client, &mut key, &Program, &caller, &options);
        auth_data(&chosen.await.unwrap());
    });
    assert_eq!(key.passkeys()[0].sign_count, Some(1), "the older of the two was chosen");
}

/// Sends a request, and gives the answer and how many keepalives came before it.
fn over_hid(key: &VirtualAuthenticator, request: &[u8]) -> (Option<Vec<u8>>, usize) {
    let (mut hid, mut host) = (key.hid(), Host::new());
    let (mut keepalives, now) = (0, || key.clock().now());
    host.open([7; 8], now());
    for _ in 0..100_000 {
        match host.poll_output() {
            Some(HostOutput::Send(report)) => hid.send(report),
            Some(HostOutput::Opened(_)) => host.send_cbor(request, now()).unwrap(),
            Some(HostOutput::Message { message, .. }) => {
                return (Some(message.to_vec()), keepalives);
            }
            Some(HostOutput::Keepalive(status)) => {
                assert_eq!(status, KeepaliveStatus::UpNeeded);
                keepalives += 1;
            }
            Some(HostOutput::Failed(_)) => return (None, keepalives),
            None => match hid.receive() {
                Some(report) => host.handle_packet(&report, now()),
                None => {
                    match hid.poll_timeout().or_else(|| host.poll_timeout()) {
                        Some(due) => key.clock().advance_to(due),
                        None => panic!("nothing will ever happen"),
                    }
                    host.handle_timeout(now());
                }
            },
        }
    }
    panic!("no end");
}

#[test]
fn keepalives_come_while_the_person_takes_their_time() {
    let key = VirtualAuthenticator::security_key();
    key.person().when(anything()).waits(std::time::Duration::from_secs(9)).consents();
    let (answer, keepalives) = over_hid(&key, &[0x0b]);
    assert_eq!(answer, Some(vec![0x00]));
    assert!((90..=101).contains(&keepalives), "{keepalives}");
}

/// Flips the last bit of every signature, answers authenticatorSelection, and loses reports.
struct Meddling {
    lost: usize,
}

impl Meddler for Meddling {
    fn request(&mut self, request: &mut Vec<u8>) -> Option<Vec<u8>> {
        (request[..] == [0x0b]).then(|| vec![0x2f])
    }

    fn sign(&mut self, signing: &mut Signing) {
        signing.auth_data[32] &= !0x01;
    }

    fn response(&mut self, request: &[u8], response: &mut Vec<u8>) {
        if request == [0x07] {
            response.push(0xff);
        }
    }

    fn result(&mut self, _hand: &dyn Hand, json: &mut String) {
        *json = json.replace("public-key", "private-key");
    }

    fn report(&mut self, direction: Direction, report: Report) -> Vec<Report> {
        let lost = direction == Direction::In && self.lost > 0;
        self.lost -= usize::from(lost);
        if lost { Vec::new() } else { vec![report] }
    }
}

#[test]
fn a_meddler_changes_what_passes_by() {
    let key = Builder::security_key().meddler(Meddling { lost: 0 }).build().unwrap();
    assert_eq!(key.transact(&[0x0b]), [0x2f]);
    assert_eq!(key.transact(&[0x07]), [0x00, 0xff]);
    let made = key.create(ORIGIN, &create("alice")).unwrap();
    assert!(made.contains("private-key"));
    let refused = key.get(ORIGIN, &get()).unwrap_err();
    assert!(matches!(refused, Error::Misbehaved(_)), "the client notices a lost flag: {refused}");
    key.set_meddler(None);
    let response = key.get(ORIGIN, &get()).unwrap();
    assert!(auth_data(&response).flags.contains(towline_ctap::Flags::UP));
}

#[test]
fn a_lost_report_is_a_host_that_waits_in_vain() {
    let key = Builder::security_key().meddler(Meddling { lost: 1 }).build().unwrap();
    assert_eq!(over_hid(&key, &[0x0b]).0, None);
    assert_eq!(over_hid(&key, &[0x04]).0.unwrap()[0], 0x00);
}
