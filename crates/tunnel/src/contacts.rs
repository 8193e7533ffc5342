//! What a service knows about contact ids, by which linked phones are reached.

use std::collections::{HashMap, HashSet};
use std::future::ready;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use towline_rendezvous::ids::ContactId;
use towline_rendezvous::{ContactState, Crowd, Precedence, Source};

/// An answer that may take a while. One that is there at once is taken at once.
pub type ContactAnswer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Remembers which contact ids are gone for good, longer than a connection lasts.
pub trait Contacts: Send + Sync {
    /// What is known about this contact id; nothing where it can't be told, which nobody takes for
    /// "unknown".
    fn look_up(&self, contact: &ContactId) -> ContactAnswer<Option<ContactState>>;

    /// Its phone, which is at this source, does not want to be reached under it any more. Says
    /// whether that is kept; otherwise the phone will ask again.
    fn revoke(&self, contact: &ContactId, source: Source) -> ContactAnswer<bool>;
}

/// Remembers nothing: a computer that rings a phone which is gone gets 404 instead of 410.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoContacts;

impl Contacts for NoContacts {
    fn look_up(&self, _contact: &ContactId) -> ContactAnswer<Option<ContactState>> {
        Box::pin(ready(Some(ContactState::Unknown)))
    }

    fn revoke(&self, _contact: &ContactId, _source: Source) -> ContactAnswer<bool> {
        Box::pin(ready(true))
    }
}

/// Remembers revoked contact ids until the process ends, 65 536 of them. When they are as many, the
/// network that revoked most of them loses its oldest: who makes up contact ids and revokes them
/// pushes out their own.
#[derive(Debug, Default)]
pub struct MemoryContacts(Mutex<Revoked>);

#[derive(Debug, Default)]
struct Revoked {
    ids: HashSet<ContactId>,
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

    fn lock(&self) -> MutexGuard<'_, Revoked> {
        // Whole between calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Revoked {
    fn add(&mut self, contact: &ContactId, source: Source) {
        if self.ids.contains(contact) {
            return;
        }
        if self.crowd.len() >= MemoryContacts::MOST
            && let Some(oldest) = self.crowd.make_way(source, Precedence::Newest)
            && let Some((contact, source)) = self.by_number.remove(&oldest)
        {
            self.ids.remove(&contact);
            self.crowd.remove(source, oldest);
        }
        let number = self.next;
        self.next = number.wrapping_add(1);
        self.ids.insert(contact.clone());
        self.by_number.insert(number, (contact.clone(), source));
        self.crowd.add(source, number);
    }
}

impl Contacts for MemoryContacts {
    fn look_up(&self, contact: &ContactId) -> ContactAnswer<Option<ContactState>> {
        let revoked = self.lock().ids.contains(contact);
        let state = if revoked { ContactState::Revoked } else { ContactState::Unknown };
        Box::pin(ready(Some(state)))
    }

    fn revoke(&self, contact: &ContactId, source: Source) -> ContactAnswer<bool> {
        self.lock().add(contact, source);
        Box::pin(ready(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now<T>(mut answer: ContactAnswer<T>) -> T {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match answer.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(answer) => answer,
            std::task::Poll::Pending => panic!("at once"),
        }
    }

    #[test]
    fn revoked_contacts_are_remembered_but_for_those_of_who_revokes_most() {
        let contacts = MemoryContacts::new();
        let id = |number: u32| ContactId::new(number.to_le_bytes());
        let (person, other) = (Source::of([9; 4].into()), Source::of([8; 4].into()));
        assert!(now(contacts.revoke(&id(0), person)));
        for number in 1..=65_537 {
            now(contacts.revoke(&id(number), other));
            now(contacts.revoke(&id(number), other));
        }
        let state = |number: u32| now(contacts.look_up(&id(number)));
        let (unknown, revoked) = (Some(ContactState::Unknown), Some(ContactState::Revoked));
        assert_eq!(state(0), revoked, "not pushed out by others");
        assert_eq!((state(1), state(2)), (unknown, unknown));
        assert_eq!((state(3), state(65_537)), (revoked, revoked));
        now(NoContacts.revoke(&id(1), person));
        assert_eq!(now(NoContacts.look_up(&id(1))), unknown);
    }
}
