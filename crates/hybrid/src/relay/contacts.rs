//! What a service knows about contact ids, by which linked phones are reached.

use std::collections::{HashSet, VecDeque};

use crate::ids::ContactId;

/// What is known about a contact id.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactState {
    /// Nothing is known against it. Whether a phone listens under it is another question: 404 if none does.
    Unknown,
    /// Once valid, and gone for good: 410, upon which computers delete their link.
    Revoked,
}

/// Remembers which contact ids are gone for good. Calls must not block.
pub trait Contacts: Send {
    /// What is known about this contact id.
    fn look_up(&self, contact: &ContactId) -> ContactState;

    /// Its phone does not want to be reached under it any more.
    fn revoke(&mut self, contact: &ContactId);
}

/// Remembers nothing: a computer that rings a phone which is gone gets 404 instead of 410.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoContacts;

impl Contacts for NoContacts {
    fn look_up(&self, _contact: &ContactId) -> ContactState {
        ContactState::Unknown
    }

    fn revoke(&mut self, _contact: &ContactId) {}
}

/// Remembers revoked contact ids until the process ends, the newest 65 536 of them.
#[derive(Debug, Default)]
pub struct MemoryContacts {
    revoked: HashSet<ContactId>,
    in_order: VecDeque<ContactId>,
}

impl MemoryContacts {
    const MOST: usize = 65_536;

    /// No contact id is revoked.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Contacts for MemoryContacts {
    fn look_up(&self, contact: &ContactId) -> ContactState {
        if self.revoked.contains(contact) { ContactState::Revoked } else { ContactState::Unknown }
    }

    fn revoke(&mut self, contact: &ContactId) {
        if !self.revoked.insert(contact.clone()) {
            return;
        }
        self.in_order.push_back(contact.clone());
        if self.in_order.len() > Self::MOST
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.revoked.remove(&oldest);
        }
    }
}
