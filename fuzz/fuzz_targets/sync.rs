//! Objects of every kind in the store of a circle, and kept rows, welcomes and states of any
//! content: taken or refused, never a panic, and what is taken comes out as it went in. What was
//! kept at the end is something to go on from.
//!
//! An input is a list of pieces: a kind, two bytes of length, and the piece. A kept row is the
//! length of its key, the key, and the rest; what comes after them as a head is restored with them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use towline_crypto_test::fake;
use towline_fuzz::circle::{Rows, begin, drain, keys, moment};
use towline_sync::{Circle, CircleConfig, Content, ObjectHash, State, StoreName};

fuzz_target!(|input: &[u8]| {
    let (mut circle, mut objects, mut kept) = begin();
    let mut rows = Rows::new();
    let device = circle.device();
    let mut rest = input;
    while let Some((head, after)) = rest.split_first_chunk::<3>() {
        let [kind, high, low] = *head;
        let length = usize::from(u16::from_be_bytes([high, low])).min(after.len());
        let (piece, after) = after.split_at(length);
        rest = after;
        let hash = ObjectHash::of(&fake::provider(1), piece);
        match kind {
            0 => drop(objects.insert(StoreName::Membership(hash), piece.to_vec())),
            1 => drop(objects.insert(StoreName::Epoch(hash), piece.to_vec())),
            2 => drop(objects.insert(StoreName::Wrap(hash), piece.to_vec())),
            3 => drop(objects.insert(StoreName::Segment(device, hash), piece.to_vec())),
            // A head says its number itself, which has to be the one in its name.
            4..=19 => {
                let name = StoreName::Head(device, u64::from(kind - 4), hash);
                objects.insert(name, piece.to_vec());
            }
            20 => {
                if let Ok(state) = State::<Content, Content>::from_bytes(piece) {
                    assert_eq!(state.to_bytes().as_slice(), piece);
                }
            }
            21 | 22 => {
                let (config, now) = (CircleConfig::default(), moment(1));
                let mut kept = std::mem::take(&mut rows);
                kept.insert(Vec::new(), piece.to_vec().into());
                let begun = match kind {
                    21 => Circle::restore(fake::provider(2), config, keys(), &kept, now),
                    _ => Circle::join(fake::provider(2), config, keys(), piece, now),
                };
                if let Ok(mut other) = begun {
                    other.handle_timeout(moment(2));
                    drain(&mut other, &mut objects.clone(), &mut kept, moment(2));
                }
            }
            23 => {
                if let Some((length, row)) = piece.split_first()
                    && let Some((key, value)) = row.split_at_checked(usize::from(*length))
                {
                    rows.insert(key.to_vec(), value.to_vec().into());
                }
            }
            _ => {
                if let Ok(text) = str::from_utf8(piece)
                    && let Ok(name) = text.parse::<StoreName>()
                {
                    assert_eq!(name.to_string(), text);
                }
            }
        }
    }
    for minutes in [10, 20] {
        circle.look_now(moment(minutes));
        circle.handle_timeout(moment(minutes));
        drain(&mut circle, &mut objects, &mut kept, moment(minutes));
        let config = CircleConfig::default();
        let again = Circle::restore(fake::provider(1), config, keys(), &kept, moment(minutes));
        assert_eq!(again.map(|again| *again.state() == *circle.state()), Ok(true));
    }
});
