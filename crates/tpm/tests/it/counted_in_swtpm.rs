//! A store whose changes a real TPM counts, which is software.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use towline_authenticator::{
    Change, Counter, CredentialStore, MemoryStore, Record, StoreError, Work,
};
use towline_tpm::{
    CountedStore, CountedStoreError, Error, Handle, PATIENCE, TpmCommand, TpmPlace, TpmTransport,
    Worker,
};
use zeroize::Zeroizing;

use crate::{
    keys_in_swtpm::{clear, done},
    swtpm::{Swtpm, tapped, worker},
    vectors::provider,
};

const NV_INCREMENT: u32 = 0x134;

type Opened = Result<CountedStore<MemoryStore>, CountedStoreError>;

fn open(store: &MemoryStore, worker: &Worker) -> Opened {
    CountedStore::open(store.clone(), worker.clone(), &provider())
}

/// A change that an older copy would miss.
fn change(store: &mut impl CredentialStore, value: u8) -> Result<(), StoreError> {
    let value = Some(Zeroizing::new(vec![value]));
    done(store.commit(vec![Change::Record { record: Record::Settings, value }]))
}

/// What an older copy of the store has instead.
fn copy(store: &MemoryStore) -> Zeroizing<Vec<u8>> {
    match store.clone().record(Record::StoreCounter) {
        Work::Done(record) => record.unwrap().expect("a counter"),
        Work::Later(_) => unreachable!("it is in memory"),
    }
}

fn put_back(store: &MemoryStore, copy: &[u8]) {
    let value = Some(Zeroizing::new(copy.to_vec()));
    let change = Change::Record { record: Record::StoreCounter, value };
    done(store.clone().commit(vec![change])).unwrap();
}

fn is_older(opened: Opened, by: u64) {
    let error = opened.unwrap_err();
    assert!(matches!(error, CountedStoreError::Older { missed } if missed == by), "{error}");
    assert!(error.to_string().contains("an older copy"), "{error}");
}

#[test]
fn an_older_copy_is_noticed() {
    let Some(mut swtpm) = Swtpm::new() else { return };
    let store = MemoryStore::new();
    assert!(!CountedStore::is_counted(&mut store.clone()).unwrap());
    let mut counted = open(&store, &worker(&swtpm)).unwrap();
    assert!(CountedStore::is_counted(&mut store.clone()).unwrap());
    let first = copy(&store);
    change(&mut counted, 1).unwrap();
    let second = copy(&store);
    change(&mut counted, 2).unwrap();
    let third = copy(&store);
    drop(counted);

    swtpm.restart();
    let worker = worker(&swtpm);
    for (older, by) in [(&first, 2), (&second, 1)] {
        put_back(&store, older);
        is_older(open(&store, &worker), by);
        let looked = CountedStore::look(&mut store.clone(), &worker);
        assert!(matches!(looked, Err(CountedStoreError::Older { .. })), "{looked:?}");
    }
    put_back(&store, &third);
    CountedStore::look(&mut store.clone(), &worker).unwrap();
    change(&mut open(&store, &worker).unwrap(), 3).unwrap();
    open(&store, &worker).unwrap();
}

#[test]
fn signatures_and_tries_do_not_wear_the_tpm_out() {
    let Some(swtpm) = Swtpm::new() else { return };
    let (_, commands, worker) = tapped(&swtpm);
    let mut counted = open(&MemoryStore::new(), &worker).unwrap();
    let counted_up = || {
        let commands = commands.lock().unwrap();
        commands.iter().filter(|code| **code == NV_INCREMENT).count()
    };
    let before = counted_up();
    for _ in 0..20 {
        done(counted.count(Counter::Global)).unwrap();
        let value = Some(Zeroizing::new(vec![7]));
        let tries = Change::Record { record: Record::PinRetries, value };
        done(counted.commit(vec![tries])).unwrap();
    }
    assert_eq!(counted_up(), before);
    change(&mut counted, 1).unwrap();
    assert_eq!(counted_up(), before + 1, "one for each change");
}

#[test]
fn a_reset_is_no_way_back() {
    let Some(swtpm) = Swtpm::new() else { return };
    let (store, worker) = (MemoryStore::new(), worker(&swtpm));
    let mut counted = open(&store, &worker).unwrap();
    change(&mut counted, 1).unwrap();
    let before = copy(&store);
    done(counted.clear()).unwrap();
    assert_eq!(done(counted.record(Record::Settings)).unwrap(), None, "it is a reset");
    change(&mut counted, 2).unwrap();
    let after = copy(&store);
    put_back(&store, &before);
    is_older(open(&store, &worker), 2);
    put_back(&store, &after);
    open(&store, &worker).unwrap();
}

#[test]
fn a_change_that_the_tpm_missed_is_told_it_later() {
    let Some(mut swtpm) = Swtpm::new() else { return };
    let store = MemoryStore::new();
    let mut counted = open(&store, &worker(&swtpm)).unwrap();
    let before = copy(&store);
    swtpm.kill();
    change(&mut counted, 1).expect("the change is made");
    change(&mut counted, 2).expect("and the next");
    drop(counted);
    swtpm.start();
    // As after a power cut between the two.
    let mut counted = open(&store, &worker(&swtpm)).unwrap();
    change(&mut counted, 3).unwrap();
    drop(counted);
    put_back(&store, &before);
    is_older(open(&store, &worker(&swtpm)), 2);
}

/// At which command everything stops, before the TPM has it or after.
#[derive(Clone, Copy)]
enum Break {
    Never,
    At(u32, bool),
    Stopped,
}

/// A way to the TPM that stops, as for a program that is killed, until it is mended.
struct Breaking(Box<dyn TpmTransport>, Arc<Mutex<Break>>);

impl TpmTransport for Breaking {
    fn exchange(&mut self, command: &[u8], response: &mut Vec<u8>) -> io::Result<()> {
        let code = u32::from_be_bytes(command[6..10].try_into().unwrap());
        let mut broken = self.1.lock().unwrap();
        match *broken {
            Break::At(at, after) if at == code => {
                *broken = Break::Stopped;
                if after {
                    self.0.exchange(command, response)?;
                }
                Err(io::ErrorKind::ConnectionReset.into())
            }
            Break::Stopped => Err(io::ErrorKind::ConnectionReset.into()),
            Break::Never | Break::At(..) => self.0.exchange(command, response),
        }
    }

    fn is_managed(&self) -> bool {
        self.0.is_managed()
    }
}

#[test]
fn whatever_stops_halfway_is_finished_and_no_index_is_left_behind() {
    let Some(swtpm) = Swtpm::new() else { return };
    let place = TpmPlace::Unix(swtpm.socket());
    let broken = Arc::new(Mutex::new(Break::Never));
    let put = Arc::clone(&broken);
    let worker = Worker::new(provider(), move || {
        Ok(Box::new(Breaking(place.open(Duration::from_secs(60))?, Arc::clone(&put))))
    });
    let indexes = || {
        let listed = worker.run(PATIENCE, |tpm| tpm.run(TpmCommand::handles(Handle(0x0100_0000))));
        let ours = |handle: &&Handle| handle.0 >> 22 == 0x0180_0000 >> 22;
        listed.unwrap().values.iter().filter(ours).count()
    };
    const NV_DEFINE: u32 = 0x12a;
    const NV_READ: u32 = 0x14e;
    let mut stores = 0;
    for after in [false, true] {
        for at in [NV_DEFINE, NV_INCREMENT, NV_READ] {
            let store = MemoryStore::new();
            *broken.lock().unwrap() = Break::At(at, after);
            let stopped = open(&store, &worker).unwrap_err();
            assert!(matches!(stopped, CountedStoreError::Tpm(Error::Connection(_))), "{stopped}");
            *broken.lock().unwrap() = Break::Never;
            let mut counted = open(&store, &worker).unwrap();
            stores += 1;
            assert_eq!(indexes(), stores, "{at:#x}, {after}");

            let before = copy(&store);
            *broken.lock().unwrap() = Break::At(NV_INCREMENT, after);
            change(&mut counted, 1).expect("the store has it");
            *broken.lock().unwrap() = Break::Never;
            let mut counted = open(&store, &worker).unwrap();
            change(&mut counted, 2).unwrap();
            let present = copy(&store);
            put_back(&store, &before);
            is_older(open(&store, &worker), 2);
            put_back(&store, &present);
            open(&store, &worker).unwrap();
        }
    }
}

#[test]
fn a_copy_without_its_counter_goes_on_only_when_asked_to() {
    let (Some(swtpm), Some(other)) = (Swtpm::new(), Swtpm::new()) else { return };
    let store = MemoryStore::new();
    let mut counted = open(&store, &worker(&swtpm)).unwrap();
    change(&mut counted, 1).unwrap();
    let older = copy(&store);
    change(&mut counted, 2).unwrap();
    drop(counted);
    let newer = copy(&store);

    let accept = |swtpm| CountedStore::accept(store.clone(), worker(swtpm), &provider());
    put_back(&store, &older);
    change(&mut accept(&swtpm).unwrap(), 3).unwrap();
    open(&store, &worker(&swtpm)).unwrap();
    // There is one present copy, and no way back to the other.
    let accepted = copy(&store);
    put_back(&store, &newer);
    let gone = open(&store, &worker(&swtpm)).unwrap_err();
    assert!(matches!(gone, CountedStoreError::NoCounter), "{gone}");
    put_back(&store, &accepted);

    let elsewhere = open(&store, &worker(&other)).unwrap_err();
    assert!(matches!(elsewhere, CountedStoreError::NoCounter), "{elsewhere}");
    clear(&swtpm);
    let cleared = open(&store, &worker(&swtpm)).unwrap_err();
    assert!(matches!(cleared, CountedStoreError::NoCounter), "{cleared}");
    change(&mut accept(&swtpm).unwrap(), 4).unwrap();
    open(&store, &worker(&swtpm)).unwrap();

    put_back(&store, &accepted[1..]);
    let damaged = open(&store, &worker(&swtpm)).unwrap_err();
    assert!(matches!(damaged, CountedStoreError::Damaged), "{damaged}");
}
