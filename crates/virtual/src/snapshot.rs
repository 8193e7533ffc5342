//! The state of a virtual authenticator, to go back to and to compare.

use std::fmt;

use towline_authenticator::{AccountName, Record};

use crate::{Passkey, shelf::Records};

/// Everything that a virtual authenticator keeps: passkeys, PIN, settings, counters.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub(crate) passkeys: Vec<Passkey>,
    pub(crate) records: Records,
    pub(crate) counter: u32,
}

/// What has changed between two snapshots. It prints as lines for people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    /// The passkeys that came.
    pub added: Vec<Passkey>,
    /// The passkeys that went.
    pub removed: Vec<Passkey>,
    /// Those that were changed, as they were and as they are.
    pub changed: Vec<(Passkey, Passkey)>,
    /// What else was changed: the PIN, settings.
    pub records: Vec<Record>,
}

impl Snapshot {
    /// The passkeys, oldest first.
    #[must_use]
    pub fn passkeys(&self) -> &[Passkey] {
        &self.passkeys
    }

    /// What has changed from here to there.
    #[must_use]
    pub fn diff(&self, later: &Self) -> Diff {
        let missing = |from: &Self, there: &Self| {
            let gone = from.passkeys.iter().filter(|it| there.find(it).is_none());
            gone.cloned().collect()
        };
        let both = self.passkeys.iter().filter_map(|before| Some((before, later.find(before)?)));
        let changed = both.filter(|(before, after)| before != after);
        let differs = |record: Record| self.record(record) != later.record(record);
        let mut records: Vec<Record> = Vec::new();
        for (record, _) in self.records.iter().chain(&later.records) {
            if differs(*record) && !records.contains(record) {
                records.push(*record);
            }
        }
        Diff {
            added: missing(later, self),
            removed: missing(self, later),
            changed: changed.map(|(before, after)| (before.clone(), after.clone())).collect(),
            records,
        }
    }

    fn find(&self, passkey: &Passkey) -> Option<&Passkey> {
        self.passkeys.iter().find(|it| it.id() == passkey.id())
    }

    fn record(&self, record: Record) -> Option<&[u8]> {
        self.records.iter().find(|(it, _)| *it == record).map(|(_, value)| value.as_slice())
    }
}

/// PINs and keys are not shown.
impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records: Vec<&str> = self.records.iter().map(|(record, _)| record.name()).collect();
        f.debug_struct("Snapshot")
            .field("passkeys", &self.passkeys)
            .field("records", &records)
            .field("counter", &self.counter)
            .finish()
    }
}

impl Diff {
    /// Whether nothing has changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether two differ in nothing but flags, counters and when they were used.
fn keep_the_same(before: &Passkey, after: &Passkey) -> bool {
    let mut before = before.credential.clone();
    before.used = after.credential.used;
    before.backup_eligible = after.credential.backup_eligible;
    before.never_counts = after.credential.never_counts;
    before == after.credential
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing has changed");
        }
        let name = |it: &Passkey| {
            format!("{} at {}", AccountName::new(&it.credential.user), it.credential.rp_id)
        };
        let mut lines: Vec<String> = Vec::new();
        lines.extend(self.added.iter().map(|it| format!("+ {}", name(it))));
        lines.extend(self.removed.iter().map(|it| format!("- {}", name(it))));
        for (before, after) in &self.changed {
            let mut what = Vec::new();
            if before.sign_count != after.sign_count {
                let shown = |count: Option<u32>| count.map_or("none".into(), |it| it.to_string());
                let (was, is) = (shown(before.sign_count), shown(after.sign_count));
                what.push(format!("counter {was} -> {is}"));
            }
            let flags = |it: &Passkey| (it.credential.backup_eligible, it.backed_up);
            if flags(before) != flags(after) {
                what.push(format!("(BE, BS) {:?} -> {:?}", flags(before), flags(after)));
            }
            if before.credential.used != after.credential.used {
                what.push("used".into());
            }
            if !keep_the_same(before, after) {
                what.push("what is kept".into());
            }
            lines.push(format!("~ {}: {}", name(after), what.join(", ")));
        }
        lines.extend(self.records.iter().map(|record| format!("~ {}", record.name())));
        f.write_str(&lines.join("\n"))
    }
}
