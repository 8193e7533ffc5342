//! What a device is in a circle of devices that share passkeys, kept beside the passkeys that it is
//! about, and changed in one commit with them.
//!
//! What is to be told to the circle needs no list of its own: a passkey that is made, changed or
//! deleted is in the feed of changes, by the same commit. The place up to which the circle has
//! taken that feed is kept with the circle, so that after a crash it takes the rest.

use std::{collections::BTreeSet, fmt};

use redb::ReadableTable as _;
use towline_authenticator::{Change, FeedCursor};
use towline_ctap::CredentialId;
use zeroize::Zeroizing;

use crate::{
    Error, Store,
    head::{Head, verify_table},
    read::{Reading, opened, unreadable},
    seal::{ENTRY, Keys},
    tables::{CIRCLE_5, CIRCLE_DEVICE, CIRCLE_LINKS, CIRCLE_PLACE, META, Table},
    write::{Refused, Writing},
};

/// Rows of a circle, each with its key.
pub type CircleRows = Vec<(Vec<u8>, Zeroizing<Vec<u8>>)>;

/// What is kept of a circle. The bytes hold secrets and mean something to whoever wrote them.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptCircle {
    /// What this device is there, and where the circle is.
    pub device: Zeroizing<Vec<u8>>,
    /// All that it knows of the circle, in no order.
    pub rows: CircleRows,
    /// The place in the feed of changes up to which the circle has been told of them; `None` before
    /// it was told of any, and where the store was repaired: what is missing from the store is then
    /// not known to have been deleted.
    pub told: Option<FeedCursor>,
}

/// It tells lengths and numbers, and nothing else.
impl fmt::Debug for KeptCircle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, rows, told } = self;
        let told = told.is_some();
        write!(f, "KeptCircle({} bytes, {} rows, told: {told})", device.len(), rows.len())
    }
}

/// What becomes of a circle and of the passkeys that it is about, all of it or nothing.
pub struct CircleChange<'a> {
    /// The rows of what is known of the circle that are others from now on, each with its key of at
    /// most 255 bytes; `None` for one that goes. All others stay.
    pub rows: &'a mut dyn Iterator<Item = (Vec<u8>, Option<Zeroizing<Vec<u8>>>)>,
    /// What this device was: if it is anything else by now, it is in another circle.
    pub before: &'a [u8],
    /// What this device is from now on.
    pub device: &'a [u8],
    /// What the circle does to passkeys.
    pub changes: Vec<Change>,
    /// Passkeys that are elsewhere, too, and so never count from now on. One that is gone is passed
    /// over.
    pub elsewhere: &'a [CredentialId],
    /// Up to where the circle has been told of changes. If there are others, nothing is done.
    pub told: FeedCursor,
}

/// What others can know of it.
impl fmt::Debug for CircleChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CircleChange({} bytes, {:?})", self.device.len(), self.changes)
    }
}

impl Store {
    /// What is kept of the circle that this store belongs to, if it does.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::DamagedPart`] where it can't be read.
    pub fn circle(&self) -> Result<Option<KeptCircle>, Error> {
        self.shared().read(|reading| {
            let named = |name| reading.named(Table::Links, name);
            let (Some(device), false) = (named(CIRCLE_DEVICE)?, reading.is_in_no_circle()?) else {
                return Ok(None);
            };
            let rows = reading.circle_rows()?;
            let told = named(CIRCLE_PLACE)?.map(|place| cursor(&place)).transpose()?;
            Ok(Some(KeptCircle { device, rows, told }))
        })
    }

    /// The passkeys that were deleted in the circle lately, here or by another device that was
    /// heard of since: those among the last [`FEED_LENGTH`](towline_authenticator::FEED_LENGTH)
    /// changes of this store. The circle itself keeps no more of what was deleted than random
    /// numbers, so that nobody else knows. Empty where the store belongs to no circle.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::DamagedPart`] where it can't be read.
    pub fn deleted_lately(&self) -> Result<BTreeSet<CredentialId>, Error> {
        self.shared().read(|reading| {
            if reading.is_in_no_circle()? { Ok(BTreeSet::new()) } else { reading.removed() }
        })
    }

    /// What this device will be in a circle that it is about to join, if that was prepared.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::DamagedPart`] where it can't be read.
    pub fn prepared_circle(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.shared().read(|reading| {
            let none = reading.is_in_no_circle()?;
            Ok(reading.named(Table::Links, CIRCLE_DEVICE)?.filter(|_| none))
        })
    }

    /// From now on the store belongs to no circle, and is to be this in the next one: keys that are
    /// the same when an interrupted joining is taken up again.
    ///
    /// # Errors
    /// Why it can't be written.
    pub fn prepare_circle(&self, device: &[u8]) -> Result<(), Error> {
        let prepared = self.shared().write(|writing| {
            writing.leave_circle()?;
            Ok(writing.put_sealed(Table::Links, CIRCLE_DEVICE.as_bytes(), device)?)
        });
        prepared.map_err(Refused::into_error)
    }

    /// From now on the store belongs to this circle, of which these rows are known, each with its
    /// key; and no more to another one.
    ///
    /// # Errors
    /// Why it can't be written.
    pub fn begin_circle(
        &self,
        device: &[u8],
        rows: impl Iterator<Item = (Vec<u8>, Zeroizing<Vec<u8>>)>,
    ) -> Result<(), Error> {
        let begun = self.shared().write(|writing| {
            writing.leave_circle()?;
            writing.put_sealed(Table::Links, CIRCLE_DEVICE.as_bytes(), device)?;
            for (key, value) in rows {
                writing.put_circle_row(&key, &value)?;
            }
            Ok(())
        });
        begun.map_err(Refused::into_error)
    }

    /// Keeps what became of the circle together with the passkeys that it is about. Gives the place
    /// in the feed up to which the circle knows of everything, its own changes included; `None`,
    /// and nothing is done, where passkeys were changed of which it has not been told.
    ///
    /// # Errors
    /// [`Error::NoCircle`] where the store was reset meanwhile, or joined another circle, and why
    /// it can't be written.
    pub fn keep_circle(&self, change: CircleChange<'_>) -> Result<Option<FeedCursor>, Error> {
        let kept = self.shared().write(|writing| {
            let is_in_none = writing.with_head(|head| head.sum(Table::Circle).count) == 0;
            let device = writing.named(Table::Links, CIRCLE_DEVICE)?;
            if is_in_none || device.is_none_or(|device| *device != change.before) {
                return Err(Error::NoCircle.into());
            }
            if writing.end_of_feed()? != change.told {
                return Ok(None);
            }
            for (key, value) in change.rows {
                match value {
                    Some(value) => writing.put_circle_row(&key, &value)?,
                    None => writing.take(Table::Circle, &circle_entry(writing.keys, &key))?,
                }
            }
            if change.device != change.before {
                writing.put_sealed(Table::Links, CIRCLE_DEVICE.as_bytes(), change.device)?;
            }
            change.changes.into_iter().try_for_each(|change| writing.apply(change))?;
            writing.note_elsewhere(change.elsewhere)?;
            writing.tell()?;
            let told = writing.end_of_feed()?;
            writing.put_sealed(Table::Links, CIRCLE_PLACE.as_bytes(), &told.to_bytes())?;
            Ok(Some(told))
        });
        kept.map_err(Refused::into_error)
    }
}

impl Reading<'_> {
    /// By the head, from which no row can be missing. What could not be opened when stores of
    /// another format were brought up is damage.
    fn is_in_no_circle(&self) -> Result<bool, Error> {
        self.named(Table::Links, CIRCLE_5)?;
        let head = Head::read(&self.view.open_table(META)?, self.keys)?;
        Ok(head.sum(Table::Circle).count == 0)
    }

    /// All of them: that none is lost or old is compared with the head.
    fn circle_rows(&self) -> Result<CircleRows, Error> {
        let head = Head::read(&self.view.open_table(META)?, self.keys)?;
        verify_table(&self.view, self.keys, &head, Table::Circle)?;
        let mut rows = Vec::new();
        for row in self.open(Table::Circle)?.iter()? {
            let (entry, sealed) = row?;
            let damaged = || unreadable(Table::Circle, entry.value());
            let plain = self.keys.open(Table::Circle.name(), entry.value(), sealed.value());
            let plain = plain.map_err(|_| damaged())?;
            let (key, value) = parts(&plain).ok_or_else(damaged)?;
            rows.push((key.to_vec(), Zeroizing::new(value.to_vec())));
        }
        Ok(rows)
    }
}

/// Where a row is: whoever could guess a key learns nothing by that.
fn circle_entry(keys: &Keys, key: &[u8]) -> [u8; ENTRY] {
    keys.entry("circle", &[key])
}

/// The key and the value of a row that was opened.
pub(crate) fn parts(row: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = row.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

impl Writing<'_> {
    /// A row is sealed together with its key, of which the file has a hash only.
    pub(crate) fn put_circle_row(&self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let long = |_| Error::Io("the key of a circle's row is too long".to_owned());
        let length = u8::try_from(key.len()).map_err(long)?;
        let row = Zeroizing::new([&[length], key, value].concat());
        self.put_sealed(Table::Circle, &circle_entry(self.keys, key), &row)
    }

    /// What was kept as one before format 6 is the row without a key. What can't be opened stays
    /// where it is: whoever asks for it is told so.
    pub(crate) fn circle_from_5(&self) -> Result<(), Error> {
        match self.named(Table::Links, CIRCLE_5) {
            Ok(Some(record)) => {
                self.put_circle_row(&[], &record)?;
                self.take(Table::Links, CIRCLE_5.as_bytes())
            }
            Ok(None) | Err(Error::DamagedPart(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn leave_circle(&self) -> Result<(), Error> {
        self.empty(Table::Circle)?;
        CIRCLE_LINKS.into_iter().try_for_each(|name| self.take(Table::Links, name.as_bytes()))
    }

    fn end_of_feed(&self) -> Result<FeedCursor, Error> {
        let number = self.last_in_feed()?;
        let key = number.to_be_bytes();
        let rows = self.change.open_table(Table::Changes.definition())?;
        let row = opened(&rows, self.keys, Table::Changes, &key)?;
        let mark = row.as_deref().and_then(|row| crate::feed::mark_of(row));
        let mark = mark.ok_or_else(|| unreadable(Table::Changes, &key))?;
        Ok(FeedCursor::new(number, mark))
    }

    fn note_elsewhere(&self, ids: &[CredentialId]) -> Result<(), Refused> {
        for id in ids {
            let noted = self.update(id, |credential| {
                (credential.backed_up, credential.never_counts) = (true, true);
            });
            match noted {
                Ok(()) | Err(Refused::NotFound) => {}
                Err(refused) => return Err(refused),
            }
        }
        Ok(())
    }
}

fn cursor(bytes: &[u8]) -> Result<FeedCursor, Error> {
    let bytes = bytes.try_into().map_err(|_| unreadable(Table::Links, CIRCLE_PLACE.as_bytes()))?;
    Ok(FeedCursor::from_bytes(bytes))
}
