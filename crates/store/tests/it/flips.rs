//! Every bit of a small store is flipped, blocks of it are copied over others, and it is cut off.
//! Whatever is asked of it then is answered rightly or by an error; nothing is ever "none" that is
//! not, and nothing panics.
//!
//! Some of them each time; so many with `TOWLINE_FLIPS=NUMBER`, and all of them with
//! `TOWLINE_FLIPS=all`.

use std::fs;

use towline_authenticator::{Counter, CredentialStore as _, Feed, FeedCursor, Record};
use towline_store::{Error, Store};

use crate::{
    failing::Disk,
    formats::{FORMAT_1, FORMAT_2, FORMAT_3},
    support::*,
};

/// What a store says: each thing that is asked, or the error in its place. To start over is as good
/// as an error to whoever follows the feed from a place that is known.
fn answers(store: &mut Store, after: Option<FeedCursor>) -> Vec<Result<String, ()>> {
    let mut all = Vec::new();
    for record in [Record::Pin, Record::PinRetries, Record::UvRetries, Record::Settings] {
        all.push(done(store.record(record)).map(|record| format!("{record:?}")).map_err(drop));
    }
    for number in 0..8 {
        let found = done(store.lookup(&id(number)));
        all.push(found.map(|found| format!("{found:?}")).map_err(drop));
    }
    let parties = done(store.relying_parties(None, 9));
    all.push(parties.map(|parties| format!("{parties:?}")).map_err(drop));
    for site in ["a.example", "b.example"] {
        let query =
            towline_authenticator::Query { rp_id: rp(site), verified: true, after: None, limit: 9 };
        let page = done(store.discoverable(&query));
        all.push(page.map(|page| format!("{page:?}")).map_err(drop));
    }
    all.push(done(store.capacity()).map(|capacity| format!("{capacity:?}")).map_err(drop));
    all.push(match done(store.changes(after, 9)) {
        Ok(Feed::StartOver { .. }) if after.is_none() => Ok("the feed".to_owned()),
        Ok(Feed::Since { changes, .. }) => Ok(format!("{changes:?}")),
        _ => Err(()),
    });
    #[cfg(feature = "links")]
    {
        use towline_hybrid::link::ComputerLinks as _;
        let links = store.links();
        all.push(links.identity().map(|identity| format!("{identity:?}")).map_err(drop));
        all.push(links.computers().map(|computers| format!("{computers:?}")).map_err(drop));
    }
    let counted = done(store.count(Counter::Of(id(1))));
    all.push(counted.map(|counted| format!("{counted}")).map_err(drop));
    all
}

/// How often it was refused as a whole, answered in part, and answered all.
#[derive(Debug, Default)]
struct Outcomes([u64; 3], Option<FeedCursor>);

impl Outcomes {
    fn compare(&mut self, what: &str, opened: Result<Store, Error>, right: &[Result<String, ()>]) {
        let outcome = match opened {
            Err(error) => {
                let expected = error.is_damage()
                    || matches!(
                        error,
                        Error::WrongKey | Error::OtherKind(_) | Error::NewerVersion(_)
                    );
                assert!(expected, "{what}: {error:?}");
                0
            }
            Ok(mut store) => {
                let said = answers(&mut store, self.1);
                for (said, right) in said.iter().zip(right) {
                    assert!(said.is_err() || said == right, "{what}: {said:?} for {right:?}");
                }
                1 + usize::from(said == right)
            }
        };
        self.0[outcome] += 1;
    }
}

fn right(bytes: &[u8], after: Option<FeedCursor>) -> Vec<Result<String, ()>> {
    let mut store = Store::open_on(Disk::with(bytes), &key(), &provider()).unwrap();
    let all = answers(&mut store, after);
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    all
}

/// The bits that are tried, of so many.
fn bits(of: usize, some: usize) -> impl Iterator<Item = usize> {
    let said = std::env::var("TOWLINE_FLIPS").ok();
    let some = match said.as_deref() {
        Some("all") => of,
        said => said.map_or(some, |said| said.parse().unwrap()),
    };
    // A step that meets each bit of a byte, and all places of a page, in time.
    let step = (of / some) | 1;
    (0..of).step_by(step)
}

/// A store of the newest format, as it is after a clean stop, what is kept beside it, and as a
/// crash leaves it; and the place in its feed where one change was to come.
struct Newest {
    bytes: Vec<u8>,
    seen: Vec<u8>,
    crashed: Vec<u8>,
    after: Option<FeedCursor>,
}

fn newest() -> Newest {
    let place = Place::new();
    fs::write(place.file(), FORMAT_2).unwrap();
    let mut store = place.open().unwrap();
    let Feed::StartOver { from } = done(store.changes(None, 9)).unwrap() else { panic!() };
    done(store.commit(vec![retries(4), save(6, "b.example", 3)])).unwrap();
    done(store.commit(vec![retries(5)])).unwrap();
    let crashed = fs::read(place.file()).unwrap();
    drop(store);
    let seen = fs::read(place.directory().join("passkeys.towline.seen")).unwrap();
    Newest { bytes: fs::read(place.file()).unwrap(), seen, crashed, after: Some(from) }
}

/// Without anything beside it, as when it was copied from elsewhere.
fn flip_alone(name: &str, bytes: &[u8], after: Option<FeedCursor>, some: usize) {
    let (right, mut outcomes) = (right(bytes, after), Outcomes([0; 3], after));
    for bit in bits(bytes.len() * 8, some) {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let disk = Disk::with(&flipped);
        let opened = Store::open_on(disk, &key(), &provider());
        outcomes.compare(&format!("{name}, bit {bit}"), opened, &right);
    }
    println!("{name}: refused, in part, all: {:?}", outcomes.0);
    assert!(outcomes.0[0] > 0);
}

#[test]
fn no_flipped_bit_of_the_first_format_passes_for_none() {
    flip_alone("format 1", FORMAT_1, None, 300);
}

#[test]
fn no_flipped_bit_of_the_second_format_passes_for_none() {
    flip_alone("format 2", FORMAT_2, None, 300);
}

#[test]
fn no_flipped_bit_of_the_third_format_passes_for_none() {
    flip_alone("format 3", FORMAT_3, None, 300);
}

#[test]
fn no_flipped_bit_of_the_newest_format_passes_for_none() {
    let newest = newest();
    flip_alone("format 4", &newest.bytes, newest.after, 300);
}

/// As the person who uses it has it: with what is kept beside it, so that it is opened at once and
/// blocks are compared when they are read. The bits are those of the file, or those of what is
/// beside it.
#[test]
fn no_flipped_bit_passes_for_none_after_a_clean_stop() {
    let Newest { bytes, seen, after, .. } = newest();
    let right = right(&bytes, after);
    for in_store in [true, false] {
        let mut outcomes = Outcomes([0; 3], after);
        let length = if in_store { bytes.len() } else { seen.len() };
        for bit in bits(length * 8, 300) {
            let place = Place::new();
            let (mut bytes, mut seen) = (bytes.clone(), seen.clone());
            let file = if in_store { &mut bytes } else { &mut seen };
            file[bit / 8] ^= 1 << (bit % 8);
            fs::write(place.file(), &bytes).unwrap();
            fs::write(place.directory().join("passkeys.towline.seen"), &seen).unwrap();
            outcomes.compare(&format!("{in_store}, bit {bit}"), place.open(), &right);
        }
        println!("after a clean stop: {:?}", outcomes.0);
    }
}

/// After a crash the database falls back to the change before when the last one can't be read: that
/// it was acknowledged is known from beside the file only.
#[test]
fn no_flipped_bit_passes_for_none_after_a_crash() {
    let Newest { crashed, after, .. } = newest();
    let (place, right) = (Place::new(), right(&crashed, after));
    fs::write(place.file(), &crashed).unwrap();
    let store = place.open().unwrap();
    let seen = fs::read(place.directory().join("passkeys.towline.seen")).unwrap();
    drop(store);
    let mut outcomes = Outcomes([0; 3], after);
    for bit in bits(crashed.len() * 8, 300) {
        let place = Place::new();
        let mut bytes = crashed.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(place.file(), &bytes).unwrap();
        fs::write(place.directory().join("passkeys.towline.seen"), &seen).unwrap();
        outcomes.compare(&format!("crashed, bit {bit}"), place.open(), &right);
    }
    println!("after a crash: {:?}", outcomes.0);
}

/// Each page over each other one, of the same file and of an older one.
#[test]
fn a_page_in_the_place_of_another_passes_for_nothing_else() {
    const PAGE: usize = 4096;
    let Newest { bytes, seen, after, .. } = newest();
    let older = {
        let place = Place::new();
        fs::write(place.file(), FORMAT_2).unwrap();
        drop(place.open().unwrap());
        fs::read(place.file()).unwrap()
    };
    let (right, mut outcomes) = (right(&bytes, after), Outcomes([0; 3], after));
    let pages = bytes.len() / PAGE;
    let every = if std::env::var("TOWLINE_FLIPS").is_ok() { 1 } else { 7 };
    for number in (0..pages * pages * 2).step_by(every) {
        let (from, to, old) = (number % pages, number / pages % pages, number / pages / pages == 1);
        let source = if old { &older } else { &bytes };
        let Some(page) = source.get(from * PAGE..(from + 1) * PAGE) else { continue };
        let mut changed = bytes.clone();
        changed[to * PAGE..(to + 1) * PAGE].copy_from_slice(page);
        if changed == bytes {
            continue;
        }
        let what = format!("page {from} (older: {old}) over {to}");
        let opened = Store::open_on(Disk::with(&changed), &key(), &provider());
        outcomes.compare(&what, opened, &right);
        if number % 5 == 0 {
            let place = Place::new();
            fs::write(place.file(), &changed).unwrap();
            fs::write(place.directory().join("passkeys.towline.seen"), &seen).unwrap();
            outcomes.compare(&what, place.open(), &right);
        }
    }
    println!("pages: {:?}", outcomes.0);
}

#[test]
fn a_store_that_is_cut_off_passes_for_nothing_else() {
    let newest = newest();
    let older = [FORMAT_1, FORMAT_2, FORMAT_3].map(|bytes| (bytes, None));
    for (bytes, after) in older.into_iter().chain([(&newest.bytes[..], newest.after)]) {
        let (right, mut outcomes) = (right(bytes, after), Outcomes([0; 3], after));
        for length in (0..bytes.len()).step_by(509) {
            let opened = Store::open_on(Disk::with(&bytes[..length]), &key(), &provider());
            outcomes.compare(&format!("cut to {length}"), opened, &right);
        }
        println!("cut: {:?}", outcomes.0);
    }
}
