//! What a device is in a circle of devices that share passkeys, kept beside the passkeys that it is
//! about, and changed in one commit with them.
//!
//! What is to be told to the circle needs no list of its own: a passkey that is made, changed or
//! deleted is in the feed of changes, by the same commit. The place up to which the circle has
//! taken that feed is kept with the circle, so that after a crash it takes the rest.

use std::fmt;

use towline_authenticator::{Change, FeedCursor};
use towline_ctap::CredentialId;
use zeroize::Zeroizing;

use crate::{
    Error, Store,
    read::{opened, unreadable},
    tables::{CIRCLE, CIRCLE_DEVICE, CIRCLE_PLACE, Table},
    write::{Refused, Writing},
};

/// What is kept of a circle. The bytes hold secrets and mean something to whoever wrote them.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptCircle {
    /// What this device is there, and where the circle is.
    pub device: Zeroizing<Vec<u8>>,
    /// All that it knows of the circle.
    pub record: Zeroizing<Vec<u8>>,
    /// The place in the feed of changes up to which the circle has been told of them; `None` before
    /// it was told of any, and where the store was repaired: what is missing from the store is then
    /// not known to have been deleted.
    pub told: Option<FeedCursor>,
}

/// It tells lengths and nothing else.
impl fmt::Debug for KeptCircle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, record, told } = self;
        let told = told.is_some();
        write!(f, "KeptCircle({} and {} bytes, told: {told})", device.len(), record.len())
    }
}

/// What becomes of a circle and of the passkeys that it is about, all of it or nothing.
pub struct CircleChange<'a> {
    /// What is known of the circle from now on; `None` if that stays, and then it is not noted
    /// either up to where it was told of changes.
    pub record: Option<&'a [u8]>,
    /// What this device is from now on; `None` if that stays.
    pub device: Option<&'a [u8]>,
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
        let lengths = [self.record, self.device].map(|bytes| bytes.map(<[u8]>::len));
        write!(f, "CircleChange({lengths:?} bytes, {:?})", self.changes)
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
            let (Some(device), Some(record)) = (named(CIRCLE_DEVICE)?, named(CIRCLE)?) else {
                return Ok(None);
            };
            let told = named(CIRCLE_PLACE)?.map(|place| cursor(&place)).transpose()?;
            Ok(Some(KeptCircle { device, record, told }))
        })
    }

    /// What this device will be in a circle that it is about to join, if that was prepared.
    ///
    /// # Errors
    /// [`Error::Damaged`] or [`Error::DamagedPart`] where it can't be read.
    pub fn prepared_circle(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        self.shared().read(|reading| {
            let circle = reading.named(Table::Links, CIRCLE)?;
            let device = reading.named(Table::Links, CIRCLE_DEVICE)?;
            Ok(device.filter(|_| circle.is_none()))
        })
    }

    /// From now on the store belongs to no circle, and is to be this in the next one: keys that are
    /// the same when an interrupted joining is taken up again.
    ///
    /// # Errors
    /// Why it can't be written.
    pub fn prepare_circle(&self, device: &[u8]) -> Result<(), Error> {
        let prepared = self.shared().write(|writing| {
            writing.put_sealed(Table::Links, CIRCLE_DEVICE.as_bytes(), device)?;
            writing.take(Table::Links, CIRCLE.as_bytes())?;
            Ok(writing.take(Table::Links, CIRCLE_PLACE.as_bytes())?)
        });
        prepared.map_err(Refused::into_error)
    }

    /// From now on the store belongs to this circle, and no more to another one.
    ///
    /// # Errors
    /// Why it can't be written.
    pub fn begin_circle(&self, device: &[u8], record: &[u8]) -> Result<(), Error> {
        let begun = self.shared().write(|writing| {
            writing.put_sealed(Table::Links, CIRCLE_DEVICE.as_bytes(), device)?;
            writing.put_sealed(Table::Links, CIRCLE.as_bytes(), record)?;
            Ok(writing.take(Table::Links, CIRCLE_PLACE.as_bytes())?)
        });
        begun.map_err(Refused::into_error)
    }

    /// Keeps what became of the circle together with the passkeys that it is about. Gives the place
    /// in the feed up to which the circle knows of everything, its own changes included; `None`,
    /// and nothing is done, where passkeys were changed of which it has not been told.
    ///
    /// # Errors
    /// [`Error::NoCircle`] where the store was reset meanwhile, and why it can't be written.
    pub fn keep_circle(&self, change: CircleChange<'_>) -> Result<Option<FeedCursor>, Error> {
        let kept = self.shared().write(|writing| {
            if writing.named(Table::Links, CIRCLE)?.is_none() {
                return Err(Error::NoCircle.into());
            }
            if writing.end_of_feed()? != change.told {
                return Ok(None);
            }
            for (name, value) in [(CIRCLE, change.record), (CIRCLE_DEVICE, change.device)] {
                if let Some(value) = value {
                    writing.put_sealed(Table::Links, name.as_bytes(), value)?;
                }
            }
            change.changes.into_iter().try_for_each(|change| writing.apply(change))?;
            writing.note_elsewhere(change.elsewhere)?;
            writing.tell()?;
            let told = writing.end_of_feed()?;
            if change.record.is_some() {
                writing.put_sealed(Table::Links, CIRCLE_PLACE.as_bytes(), &told.to_bytes())?;
            }
            Ok(Some(told))
        });
        kept.map_err(Refused::into_error)
    }
}

impl Writing<'_> {
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
