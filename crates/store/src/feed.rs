//! The feed of changes: the last ones, a row for each, sealed and counted as all else.
//!
//! The first row of a feed that begins anew tells only that. A place in it is that of a row: its
//! number, and its mark, which is drawn for each commit. So a place is good for as long as its row
//! is there, and one of a store that took another course, as after an older copy of it was put
//! back, is not taken for one of this.

use std::{cell::RefCell, collections::BTreeSet};

use redb::ReadableTable as _;
use towline_authenticator::{Became, CredentialChange, FEED_LENGTH, Feed, FeedCursor, Gathered};
use towline_ctap::CredentialId;

use crate::{
    Error,
    read::{Reading, opened, unreadable},
    tables::{Table, place_of},
    write::Writing,
};

/// A row: its mark, what it tells, whether it is the last of its commit, and of which credential.
struct Row {
    mark: u64,
    /// None where the feed begins.
    what: Option<Became>,
    is_last: bool,
    id: Vec<u8>,
}

impl Row {
    fn to_bytes(&self) -> Vec<u8> {
        let what = match self.what {
            None => 0,
            Some(Became::Made) => 1,
            Some(Became::Changed) => 2,
            Some(Became::Removed) => 3,
        };
        [&self.mark.to_be_bytes()[..], &[what, self.is_last.into()], &self.id].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (mark, rest) = bytes.split_first_chunk::<8>()?;
        let ([what, is_last], id) = rest.split_first_chunk::<2>()?;
        let what = match what {
            0 => None,
            1 => Some(Became::Made),
            2 => Some(Became::Changed),
            3 => Some(Became::Removed),
            _ => return None,
        };
        Some(Self {
            mark: u64::from_be_bytes(*mark),
            what,
            is_last: *is_last == 1,
            id: id.to_vec(),
        })
    }
}

/// The mark of a row.
pub(crate) fn mark_of(row: &[u8]) -> Option<u64> {
    Row::from_bytes(row).map(|row| row.mark)
}

/// What a change that is under way adds to the feed.
#[derive(Default)]
pub(crate) struct Pending(RefCell<Gathering>);

#[derive(Default)]
struct Gathering {
    gathered: Gathered,
    /// The feed begins anew, after this number.
    begins_after: Option<u64>,
}

impl Pending {
    /// That of a store that has no feed yet.
    pub(crate) fn beginning() -> Self {
        Self(RefCell::new(Gathering { begins_after: Some(0), ..Gathering::default() }))
    }

    pub(crate) fn note(&self, id: &CredentialId, what: Became) {
        self.0.borrow_mut().gathered.note(id, what);
    }
}

impl Writing<'_> {
    /// Whoever follows the feed starts over.
    pub(crate) fn begin_feed(&self) -> Result<(), Error> {
        let last = self.last_in_feed()?;
        self.empty(Table::Changes)?;
        self.feed.0.borrow_mut().begins_after.get_or_insert(last);
        Ok(())
    }

    /// What was done is told.
    pub(crate) fn tell(&self) -> Result<(), Error> {
        let Gathering { gathered, begins_after } = self.feed.0.take();
        let mut begins_after = begins_after;
        if begins_after.is_none() && gathered.is_empty() {
            return Ok(());
        }
        let Some(changes) = gathered.finish().filter(|_| begins_after.is_none()) else {
            if begins_after.is_none() {
                begins_after = Some(self.last_in_feed()?);
                self.empty(Table::Changes)?;
            }
            let row = Row { mark: self.keys.mark()?, what: None, is_last: true, id: Vec::new() };
            return self.put_row(begins_after.unwrap_or_default().saturating_add(1), &row);
        };
        let (mut number, mark) = (self.last_in_feed()?, self.keys.mark()?);
        let last = changes.len();
        for (nth, CredentialChange { id, what }) in (1..).zip(changes) {
            number = number.saturating_add(1);
            let id = id.as_bytes().to_vec();
            self.put_row(number, &Row { mark, what: Some(what), is_last: nth == last, id })?;
        }
        self.cut_feed()
    }

    fn put_row(&self, number: u64, row: &Row) -> Result<(), Error> {
        self.put_sealed(Table::Changes, &number.to_be_bytes(), &row.to_bytes())
    }

    /// The oldest rows go.
    fn cut_feed(&self) -> Result<(), Error> {
        let most = u64::try_from(FEED_LENGTH).unwrap_or(u64::MAX);
        let there = self.with_head(|head| head.sum(Table::Changes).count);
        for _ in most..there {
            let first = {
                let rows = self.change.open_table(Table::Changes.definition())?;
                rows.first()?.map(|(key, _)| key.value().to_vec())
            };
            if let Some(first) = first {
                self.take(Table::Changes, &first)?;
            }
        }
        Ok(())
    }

    pub(crate) fn last_in_feed(&self) -> Result<u64, Error> {
        let rows = self.change.open_table(Table::Changes.definition())?;
        let last = rows.last()?.and_then(|(key, _)| place_of(key.value()));
        Ok(last.unwrap_or_default())
    }
}

impl Reading<'_> {
    /// A row that can't be read, or is missing, ends nothing but the feed: whoever follows it
    /// starts over.
    pub(crate) fn changes(&self, after: Option<FeedCursor>, limit: usize) -> Result<Feed, Error> {
        if let Some(after) = after
            && let Some((changes, end)) = self.since(after, limit)?
        {
            return Ok(Feed::Since { changes, end });
        }
        let last = {
            let rows = self.open(Table::Changes)?;
            let last = rows.last()?.and_then(|(key, _)| place_of(key.value()));
            last.ok_or_else(|| Error::DamagedPart("the feed of changes".to_owned()))?
        };
        let row = self.row(last)?.ok_or_else(|| unreadable(Table::Changes, &last.to_be_bytes()))?;
        Ok(Feed::StartOver { from: FeedCursor::new(last, row.mark) })
    }

    /// None where there is no such place in the feed.
    fn since(
        &self,
        after: FeedCursor,
        limit: usize,
    ) -> Result<Option<(Vec<CredentialChange>, FeedCursor)>, Error> {
        let there = self.row(after.number())?;
        if !there.is_some_and(|row| row.is_last && row.mark == after.mark()) {
            return Ok(None);
        }
        let last = self.open(Table::Changes)?.last()?.and_then(|(key, _)| place_of(key.value()));
        let (mut changes, mut end, mut whole) = (Vec::new(), after, true);
        while last.is_some_and(|last| end.number() < last) && (!whole || changes.len() < limit) {
            let number = end.number().saturating_add(1);
            let Some(row) = self.row(number)? else { return Ok(None) };
            let (Some(what), Ok(id)) = (row.what, CredentialId::new(&row.id)) else {
                return Ok(None);
            };
            changes.push(CredentialChange { id, what });
            (end, whole) = (FeedCursor::new(number, row.mark), row.is_last);
        }
        Ok(whole.then_some((changes, end)))
    }

    /// What was removed and has not come back, as far as the feed reaches back. A row that can't be
    /// read tells nothing.
    pub(crate) fn removed(&self) -> Result<BTreeSet<CredentialId>, Error> {
        let numbers: Vec<u64> = {
            let rows = self.open(Table::Changes)?;
            let numbers = rows.iter()?.map(|row| Ok(place_of(row?.0.value())));
            numbers.filter_map(Result::transpose).collect::<Result<_, Error>>()?
        };
        let mut removed = BTreeSet::new();
        for number in numbers {
            let Some(Row { what, id, .. }) = self.row(number)? else { continue };
            let Ok(id) = CredentialId::new(&id) else { continue };
            match what {
                Some(Became::Removed) => removed.insert(id),
                _ => removed.remove(&id),
            };
        }
        Ok(removed)
    }

    /// None if it is not there, or can't be read.
    fn row(&self, number: u64) -> Result<Option<Row>, Error> {
        let rows = self.open(Table::Changes)?;
        match opened(&rows, self.keys, Table::Changes, &number.to_be_bytes()) {
            Ok(row) => Ok(row.and_then(|row| Row::from_bytes(&row))),
            Err(Error::DamagedPart(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
