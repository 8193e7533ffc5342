//! All that a phone keeps of links, and what may be done to it.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{ContactKey, LinkStoreError, PhoneIdentity};
use crate::ids::LinkId;

/// How many forgotten computers are remembered, the newest.
const MOST_FORGOTTEN: usize = 256;

/// A computer that this phone let remember it. Computers do not say who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedComputer {
    /// What it names itself by when it rings.
    pub link_id: LinkId,
    /// When it was allowed, in seconds of Unix time.
    pub since: u64,
    /// What the phone is reached by for this computer alone, so that forgetting it takes its right
    /// to ring away at the tunnel service. `None` for one that was linked when all shared the
    /// identity's.
    pub contact_key: Option<ContactKey>,
}

/// A computer that may not ring any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// What it named itself by. Whoever brings links back from a backup leaves this one out.
    pub link_id: LinkId,
    /// What nobody shall reach this phone by any more; `None` as soon as the tunnel service has
    /// confirmed that, and where others share it.
    pub contact_key: Option<ContactKey>,
}

/// All that a phone keeps of the computers that may ring it, and of those that may not any more.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// What this phone is to computers; `None` if that was never set.
    pub identity: Option<PhoneIdentity>,
    /// The computers that may ring, the oldest first.
    pub computers: Vec<LinkedComputer>,
    /// Those that were forgotten, the newest last.
    pub forgotten: Vec<Forgotten>,
}

impl Ledger {
    /// What the phone is reached by for this computer.
    #[must_use]
    pub fn contact_key_of<'a>(&'a self, computer: &'a LinkedComputer) -> Option<&'a ContactKey> {
        let shared = self.identity.as_ref().map(|identity| &identity.contact_key);
        computer.contact_key.as_ref().or(shared)
    }

    /// Becomes this phone to computers if it is none yet, and says what it is.
    pub fn become_first(&mut self, identity: &PhoneIdentity) -> PhoneIdentity {
        self.identity.get_or_insert_with(|| identity.clone()).clone()
    }

    /// Becomes another phone to computers, and forgets all of them.
    pub fn become_other(&mut self, identity: &PhoneIdentity) {
        while let Some(oldest) = self.computers.first() {
            let oldest = oldest.link_id;
            self.forget(&oldest);
        }
        self.identity = Some(identity.clone());
    }

    /// Lets a computer ring.
    pub fn save(&mut self, computer: LinkedComputer) {
        self.computers.retain(|known| known.link_id != computer.link_id);
        self.computers.push(computer);
    }

    /// Lets a computer ring no more, and says whether it was there.
    pub fn forget(&mut self, link: &LinkId) -> bool {
        let Some(index) = self.computers.iter().position(|known| known.link_id == *link) else {
            return false;
        };
        let computer = self.computers.remove(index);
        let contact_key = self.contact_key_of(&computer).cloned();
        // What is shared is given up with the last computer that rings by it.
        let still_used = self.computers.iter().any(|other| {
            contact_key.is_some() && self.contact_key_of(other) == contact_key.as_ref()
        });
        let contact_key = contact_key.filter(|_| !still_used);
        self.forgotten.push(Forgotten { link_id: *link, contact_key });
        let surplus = self.forgotten.len().saturating_sub(MOST_FORGOTTEN);
        self.forgotten.drain(..surplus);
        true
    }

    /// The tunnel service has confirmed that nobody is reached by this key any more.
    pub fn given_up(&mut self, key: &ContactKey) {
        for forgotten in &mut self.forgotten {
            forgotten.contact_key.take_if(|known| known == key);
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("computers", &self.computers.len())
            .field("forgotten", &self.forgotten.len())
            .finish_non_exhaustive()
    }
}

/// Keeps links to computers on a phone: a place for a [`Ledger`].
///
/// Calls may block for as long as a disk takes; an asynchronous caller makes them elsewhere.
pub trait ComputerLinks: Send + Sync {
    /// What is kept; the empty one where nothing ever was.
    ///
    /// # Errors
    /// [`LinkStoreError`].
    fn ledger(&self) -> Result<Ledger, LinkStoreError>;

    /// Reads what is kept, has it changed, and keeps what comes of it: whole or not at all, and
    /// with nobody else's change in between. `change` is called once, or not if this fails before.
    ///
    /// # Errors
    /// [`LinkStoreError`]; nothing has changed then.
    fn change(&self, change: &mut dyn FnMut(&mut Ledger)) -> Result<(), LinkStoreError>;

    /// What this phone is to computers; `None` if that was never set.
    ///
    /// # Errors
    /// [`LinkStoreError`].
    fn identity(&self) -> Result<Option<PhoneIdentity>, LinkStoreError> {
        Ok(self.ledger()?.identity)
    }

    /// Becomes this phone to computers if it is none yet, and says what it is. Of two that come at
    /// once one is the first.
    ///
    /// # Errors
    /// [`LinkStoreError`]; nothing has changed then.
    fn become_first(&self, identity: &PhoneIdentity) -> Result<PhoneIdentity, LinkStoreError> {
        let mut first = identity.clone();
        self.change(&mut |ledger| first = ledger.become_first(identity))?;
        Ok(first)
    }

    /// Becomes another phone to computers, and forgets all of them.
    ///
    /// # Errors
    /// [`LinkStoreError`]; nothing has changed then.
    fn become_other(&self, identity: &PhoneIdentity) -> Result<(), LinkStoreError> {
        self.change(&mut |ledger| ledger.become_other(identity))
    }

    /// The computers that may ring, the oldest first.
    ///
    /// # Errors
    /// [`LinkStoreError`].
    fn computers(&self) -> Result<Vec<LinkedComputer>, LinkStoreError> {
        Ok(self.ledger()?.computers)
    }

    /// Lets one more computer ring.
    ///
    /// # Errors
    /// [`LinkStoreError`]; nothing has changed then.
    fn save(&self, computer: LinkedComputer) -> Result<(), LinkStoreError> {
        self.change(&mut |ledger| ledger.save(computer.clone()))
    }

    /// Lets a computer ring no more, and says whether it was there. A phone that listens tells its
    /// tunnel service so, as soon as it can.
    ///
    /// # Errors
    /// [`LinkStoreError`]; nothing has changed then.
    fn forget(&self, link: &LinkId) -> Result<bool, LinkStoreError> {
        let mut there = false;
        self.change(&mut |ledger| there = ledger.forget(link))?;
        Ok(there)
    }

    /// The tunnel service has confirmed that nobody is reached by this key any more.
    ///
    /// # Errors
    /// [`LinkStoreError`]; nothing has changed then.
    fn given_up(&self, key: &ContactKey) -> Result<(), LinkStoreError> {
        self.change(&mut |ledger| ledger.given_up(key))
    }
}

/// Links to computers that are gone with the process.
#[derive(Debug, Default)]
pub struct MemoryComputerLinks(Mutex<Ledger>);

impl MemoryComputerLinks {
    /// No identity, and no links.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ComputerLinks for MemoryComputerLinks {
    fn ledger(&self) -> Result<Ledger, LinkStoreError> {
        Ok(self.lock().clone())
    }

    fn change(&self, change: &mut dyn FnMut(&mut Ledger)) -> Result<(), LinkStoreError> {
        change(&mut self.lock());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use towline_crypto::Secret;

    use super::*;

    fn key(number: u8) -> ContactKey {
        ContactKey::new(Secret::new([number; 32]))
    }

    fn identity() -> PhoneIdentity {
        PhoneIdentity::generate(&towline_crypto::rustcrypto::provider()).unwrap()
    }

    fn computer(number: u8, contact_key: Option<ContactKey>) -> LinkedComputer {
        LinkedComputer { link_id: LinkId::new([number; 8]), since: 0, contact_key }
    }

    fn to_give_up(ledger: &Ledger) -> Vec<&ContactKey> {
        ledger.forgotten.iter().filter_map(|forgotten| forgotten.contact_key.as_ref()).collect()
    }

    #[test]
    fn a_forgotten_computer_leaves_what_it_rang_by_to_be_given_up() {
        let mut ledger = Ledger { identity: Some(identity()), ..Ledger::default() };
        ledger.save(computer(1, Some(key(1))));
        ledger.save(computer(2, Some(key(2))));
        assert!(ledger.forget(&LinkId::new([1; 8])));
        assert!(!ledger.forget(&LinkId::new([1; 8])));
        assert_eq!(to_give_up(&ledger), [&key(1)]);
        ledger.given_up(&key(2));
        assert_eq!(to_give_up(&ledger), [&key(1)]);
        ledger.given_up(&key(1));
        assert!(to_give_up(&ledger).is_empty());
        assert_eq!(ledger.forgotten.len(), 1, "who brings a backup back has to know");
    }

    #[test]
    fn what_older_links_share_is_given_up_with_the_last_of_them() {
        let identity = identity();
        let mut ledger = Ledger { identity: Some(identity.clone()), ..Ledger::default() };
        for (number, key) in [(1, None), (2, Some(key(2))), (3, None)] {
            ledger.save(computer(number, key));
        }
        ledger.forget(&LinkId::new([3; 8]));
        assert!(to_give_up(&ledger).is_empty());
        ledger.forget(&LinkId::new([1; 8]));
        assert_eq!(to_give_up(&ledger), [&identity.contact_key]);
    }

    #[test]
    fn a_phone_that_becomes_another_one_gives_up_all_that_it_was_reached_by() {
        let before = identity();
        let mut ledger = Ledger { identity: Some(before.clone()), ..Ledger::default() };
        for (number, key) in [(1, None), (2, Some(key(2))), (3, None)] {
            ledger.save(computer(number, key));
        }
        let other = identity();
        ledger.become_other(&other);
        assert_eq!(to_give_up(&ledger), [&key(2), &before.contact_key]);
        assert_eq!((ledger.identity, ledger.computers), (Some(other), Vec::new()));
    }

    #[test]
    fn of_two_that_become_the_first_phone_at_once_both_are_the_same() {
        let links = MemoryComputerLinks::new();
        let (one, two) = (identity(), identity());
        assert_eq!(links.become_first(&one), Ok(one.clone()));
        assert_eq!(links.become_first(&two), Ok(one));
    }

    #[test]
    fn the_newest_that_were_forgotten_are_remembered() {
        let mut ledger = Ledger { identity: Some(identity()), ..Ledger::default() };
        for number in 0..1000_u64 {
            let link_id = LinkId::new(number.to_be_bytes());
            ledger.save(LinkedComputer { link_id, since: 0, contact_key: Some(key(1)) });
            ledger.forget(&link_id);
        }
        assert_eq!(ledger.forgotten.len(), MOST_FORGOTTEN);
        assert_eq!(ledger.forgotten.last().unwrap().link_id, LinkId::new(999_u64.to_be_bytes()));
    }
}
