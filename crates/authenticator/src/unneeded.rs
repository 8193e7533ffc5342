//! The keys that are to be deleted, and the list of them in the store.

use std::collections::VecDeque;

use towline_cbor::{Reader, Writer};
use zeroize::Zeroizing;

use crate::{Change, KeyError, KeyHandle, Record};

/// How deep the list nests.
const DEPTH: u8 = 2;

/// How many keys are remembered at most: of a key store that never deletes any, the oldest ones are
/// lost sight of.
const MOST: usize = 1024;

type Run = Box<dyn FnOnce() -> Result<(), KeyError> + Send>;

/// The keys of no use that are not deleted yet.
#[derive(Default)]
pub(crate) struct Unneeded {
    /// Those on the list in the store; `None` where it was not read.
    pub(crate) listed: Option<Vec<KeyHandle>>,
    /// Those that belong on it, and are not there.
    pub(crate) unlisted: Vec<KeyHandle>,
    /// Those that belong on it, too, and could not be put there. They are put there next time, and
    /// are no reason for one, which would never end.
    pub(crate) set_aside: Vec<KeyHandle>,
    /// Whether the list in the store is another one by now.
    pub(crate) stale: bool,
    /// Those whose deletion takes time.
    pub(crate) jobs: VecDeque<(KeyHandle, Run)>,
}

impl Unneeded {
    /// After a reset.
    pub(crate) fn none() -> Self {
        Self { listed: Some(Vec::new()), ..Self::default() }
    }

    /// Whether anything is left to do that can be done now.
    pub(crate) fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.unlisted.is_empty() && !self.stale
    }

    /// What is on the list is read again when it is needed.
    pub(crate) fn doubt(&mut self) {
        (self.listed, self.stale) = (None, false);
    }

    /// More keys on the list.
    pub(crate) fn add(&mut self, keys: Vec<KeyHandle>) {
        let Some(listed) = &mut self.listed else { return };
        listed.extend(keys);
        listed.drain(..listed.len().saturating_sub(MOST));
    }

    /// Not one of the keys that are to be deleted any more.
    pub(crate) fn strike(&mut self, key: &KeyHandle) {
        self.jobs.retain(|(known, _)| known != key);
        self.unlisted.retain(|known| known != key);
        self.set_aside.retain(|known| known != key);
        let Some(listed) = &mut self.listed else { return };
        let before = listed.len();
        listed.retain(|known| known != key);
        self.stale |= listed.len() != before;
    }

    /// This key was not deleted: the others on the list have their turn first. Gives whether it is
    /// on it.
    pub(crate) fn put_last(&mut self, key: &KeyHandle) -> bool {
        let Some(listed) = &mut self.listed else { return false };
        let Some(place) = listed.iter().position(|known| known == key) else { return false };
        let key = listed.remove(place);
        listed.push(key);
        true
    }
}

/// The change that stores the list.
pub(crate) fn change(keys: &[KeyHandle]) -> Change {
    let keys = keys.get(keys.len().saturating_sub(MOST)..).unwrap_or(keys);
    let mut writer = Writer::new();
    writer.array(|all| {
        for key in keys {
            all.item(|w| {
                w.array(|pair| {
                    pair.item(|w| w.int(key.algorithm()));
                    pair.item(|w| w.bytes(key.expose()));
                });
            });
        }
    });
    let value = (!keys.is_empty()).then(|| Zeroizing::new(writer.into_vec()));
    Change::Record { record: Record::UnneededKeys, value }
}

/// A list that can't be read is none: no key is worth that nothing can be deleted any more.
pub(crate) fn from_record(stored: Option<&[u8]>) -> Vec<KeyHandle> {
    let Some(stored) = stored else { return Vec::new() };
    let mut keys = Vec::new();
    let read = towline_cbor::decode(stored, DEPTH, |reader: &mut Reader<'_>| {
        reader.array(|pair| {
            let (mut algorithm, mut material) = (None, None);
            pair.array(|part| {
                match algorithm {
                    None => algorithm = Some(part.int()?),
                    Some(_) => material = Some(Zeroizing::new(part.bytes()?.into())),
                }
                Ok::<(), towline_cbor::Error>(())
            })?;
            if let (Some(algorithm), Some(material)) = (algorithm, material) {
                keys.push(KeyHandle::new(algorithm, material));
            }
            Ok::<(), towline_cbor::Error>(())
        })
    });
    if read.is_err() {
        tracing::error!("the list of keys that are to be deleted is damaged");
    }
    keys
}
