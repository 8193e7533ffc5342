//! Keys that are of no use any more are deleted. What holds, whatever fails or is cut off:
//!
//! 1. No stored credential has a key that was deleted. The credential goes first, and its key when
//!    that is durable.
//! 2. A key that can't be deleted does not keep its credential: that is gone, and the client is
//!    told so.
//! 3. A key that the key store holds itself is not lost sight of. The change that removes its
//!    credential puts it on a list in the store, where it stays until it is deleted. What could not
//!    be deleted is tried again with the next key that goes, and after a restart, one after the
//!    other until one fails.
//!
//! Deleting is work. It is handed out after the response, and the next request waits for it, as for
//! any write that is still under way.

use zeroize::Zeroizing;

use crate::{
    Change, Custody, KeyError, KeyHandle, Record, Work,
    flow::{Core, Effect, Flow, Next, await_commit, await_work},
    job::Job,
    unneeded::{self, Unneeded},
};

/// Goes on when the list is in memory, and what is on it about to be tried again. One that can't be
/// read now holds nobody up: the next request reads it.
pub(crate) fn load_list(
    core: &mut Core,
    then: impl FnOnce(&mut Core) -> Flow + Send + 'static,
) -> Flow {
    if core.unneeded.listed.is_some() {
        return then(core);
    }
    let work = core.store.record(Record::UnneededKeys);
    await_work(core, work, |core, stored| {
        match stored {
            Ok(stored) => core.take_list(stored.as_deref().map(Vec::as_slice)),
            Err(error) => tracing::warn!(%error, "the keys that are to be deleted are not known"),
        }
        then(core)
    })
}

/// Goes on when the list is in memory, if a key will have to be put on it: if
/// [any of them](Core::holds_any) is held.
pub(crate) fn know_list(
    core: &mut Core,
    any_held: bool,
    then: impl FnOnce(&mut Core) -> Flow + Send + 'static,
) -> Flow {
    if !any_held || core.unneeded.listed.is_some() {
        return then(core);
    }
    let work = core.store.record(Record::UnneededKeys);
    await_work(core, work, |core, stored| {
        let stored = stored.map_err(|error| error.status())?;
        core.unneeded.listed = Some(unneeded::from_record(stored.as_deref().map(Vec::as_slice)));
        then(core)
    })
}

impl Core {
    /// Whether the key store holds the key itself.
    pub(crate) fn holds(&self, key: &KeyHandle) -> bool {
        self.keys.custody(key) == Custody::Held
    }

    /// Whether the key store holds one of these keys itself.
    pub(crate) fn holds_any(&self, keys: &[KeyHandle]) -> bool {
        keys.iter().any(|key| self.holds(key))
    }

    /// Belongs to the change after which these keys are of no use.
    pub(crate) fn list_with<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a KeyHandle>,
    ) -> Option<Change> {
        let listed = self.unneeded.listed.as_ref()?;
        let held: Vec<_> = keys.into_iter().filter(|key| self.holds(key)).cloned().collect();
        let changes = !held.is_empty() || self.unneeded.stale;
        changes.then(|| unneeded::change(&[&listed[..], &held].concat()))
    }

    /// These keys are of no use any more, and that is durable. Others that could not be deleted
    /// before are tried again.
    pub(crate) fn forget_all(&mut self, keys: &[KeyHandle]) {
        let held: Vec<_> = keys.iter().filter(|key| self.holds(key)).cloned().collect();
        let again = match &self.unneeded.listed {
            Some(listed) if !held.is_empty() => listed.clone(),
            _ => Vec::new(),
        };
        self.unneeded.add(held);
        keys.iter().chain(&again).for_each(|key| self.forget(key));
    }

    /// The list, as it was read.
    fn take_list(&mut self, stored: Option<&[u8]>) {
        let listed = unneeded::from_record(stored);
        self.unneeded.listed = Some(listed.clone());
        let set_aside = std::mem::take(&mut self.unneeded.set_aside);
        listed.iter().chain(&set_aside).for_each(|key| self.forget(key));
    }

    /// This key is of no use any more, and no stored credential has it.
    pub(crate) fn forget(&mut self, key: &KeyHandle) {
        if self.unneeded.jobs.iter().any(|(known, _)| known == key) {
            return;
        }
        match self.keys.forget(key) {
            Work::Done(result) => self.forgotten(key, result),
            Work::Later(run) => self.unneeded.jobs.push_back((key.clone(), run)),
        }
    }

    fn forgotten(&mut self, key: &KeyHandle, result: Result<(), KeyError>) {
        match result {
            Ok(()) => self.unneeded.strike(key),
            Err(error) => {
                tracing::warn!(%error, "a key that is of no use any more is not deleted yet");
                self.unneeded.put_last(key);
                self.keep_on_list(key);
            }
        }
    }

    fn keep_on_list(&mut self, key: &KeyHandle) {
        let Unneeded { listed, unlisted, .. } = &self.unneeded;
        let known = listed.as_ref().is_some_and(|listed| listed.contains(key));
        if self.holds(key) && !known && !unlisted.contains(key) {
            self.unneeded.unlisted.push(key.clone());
        }
    }
}

/// What is left to do about keys of no use; `None` if there is nothing.
pub(crate) fn go_on(core: &mut Core) -> Option<Flow> {
    (!core.unneeded.is_idle()).then(|| next(core))
}

fn next(core: &mut Core) -> Flow {
    const EFFECT: Effect = Effect { writes: true, cancellable: false };
    if let Some((key, run)) = core.unneeded.jobs.pop_front() {
        let job = Job::new(run, move |core, result, _| {
            let failed = result.is_err();
            core.forgotten(&key, result);
            if failed {
                // Each could take as long, and the next request waits.
                for (key, _) in std::mem::take(&mut core.unneeded.jobs) {
                    core.keep_on_list(&key);
                }
            }
            next(core)
        });
        return Ok(Next::Work { job, effect: EFFECT });
    }
    if core.unneeded.listed.is_none() && !core.unneeded.unlisted.is_empty() {
        return match core.store.record(Record::UnneededKeys) {
            Work::Done(stored) => listed(core, stored),
            Work::Later(run) => {
                let job = Job::new(run, |core, stored, _| listed(core, stored));
                Ok(Next::Work { job, effect: EFFECT })
            }
        };
    }
    settle(core)
}

fn listed(core: &mut Core, stored: Result<Option<Zeroizing<Vec<u8>>>, crate::StoreError>) -> Flow {
    let Ok(stored) = stored.map_err(|error| error.status()) else {
        let Unneeded { unlisted, set_aside, .. } = &mut core.unneeded;
        set_aside.append(unlisted);
        return over();
    };
    core.unneeded.listed = Some(unneeded::from_record(stored.as_deref().map(Vec::as_slice)));
    settle(core)
}

/// Stores the list as it is by now.
fn settle(core: &mut Core) -> Flow {
    let Unneeded { listed, unlisted, set_aside, stale, .. } = &mut core.unneeded;
    if listed.is_none() || (unlisted.is_empty() && !std::mem::take(stale)) {
        return over();
    }
    *stale = false;
    unlisted.append(set_aside);
    let added = std::mem::take(unlisted);
    core.unneeded.add(added.clone());
    let listed = core.unneeded.listed.as_deref().unwrap_or_default();
    let work = core.store.commit(vec![unneeded::change(listed)]);
    await_commit(core, work, |core, saved| {
        if saved.map_err(|error| error.status()).is_err() {
            core.unneeded.doubt();
            core.unneeded.set_aside.extend(added);
        }
        over()
    })
}

/// Nobody waits for a response.
#[allow(clippy::unnecessary_wraps, reason = "it is how a flow ends")]
fn over() -> Flow {
    Ok(Next::Respond(Vec::new()))
}
