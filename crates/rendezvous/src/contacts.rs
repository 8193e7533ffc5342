//! What a service knows about contact ids, by which linked phones are reached.

use std::collections::{HashMap, HashSet};

use crate::ids::ContactId;
use crate::{Crowd, Precedence, Source};

/// What is known about a contact id.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactState {
    /// Nothing is known against it. Whether a phone listens under it is another question: 404 if
    /// none does.
    Unknown,
    /// Once valid, and gone for good: 410, upon which computers delete their link.
    Revoked,
}

/// Remembers which contact ids are gone for good. Calls must not block.
pub trait Contacts: Send {
    /// What is known about this contact id.
    fn look_up(&self, contact: &ContactId) -> ContactState;

    /// Its phone, which came from this source, does not want to be reached under it any more.
    fn revoke(&mut self, contact: &ContactId, source: Source);
}

/// Remembers nothing: a computer that rings a phone which is gone gets 404 instead of 410.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoContacts;

impl Contacts for NoContacts {
    fn look_up(&self, _contact: &ContactId) -> ContactState {
        ContactState::Unknown
    }

    fn revoke(&mut self, _contact: &ContactId, _source: Source) {}
}

/// Remembers revoked contact ids until the process ends, 65 536 of them. When they are as many, the
/// network that revoked most of them loses its oldest: who makes up contact ids and revokes them
/// pushes out their own.
#[derive(Debug, Default)]
pub struct MemoryContacts {
    revoked: HashSet<ContactId>,
    by_number: HashMap<u64, (ContactId, Source)>,
    crowd: Crowd,
    next: u64,
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

    fn revoke(&mut self, contact: &ContactId, source: Source) {
        if self.revoked.contains(contact) {
            return;
        }
        if self.crowd.len() >= Self::MOST
            && let Some(oldest) = self.crowd.make_way(source, Precedence::Newest)
            && let Some((contact, source)) = self.by_number.remove(&oldest)
        {
            self.revoked.remove(&contact);
            self.crowd.remove(source, oldest);
        }
        let number = self.next;
        self.next = number.wrapping_add(1);
        self.revoked.insert(contact.clone());
        self.by_number.insert(number, (contact.clone(), source));
        self.crowd.add(source, number);
    }
}
