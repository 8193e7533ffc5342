//! Accounts, their keys, and the log of sign-ins. In memory, bounded, without I/O.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    Limits, RegistrationCheck, SignInCheck, User,
    api::{Account, ApiError, ErrorCode, KeyEntry, SignInEntry},
};

/// The longest name of an account or a key, in characters.
const NAME_MAX: usize = 64;

pub(crate) struct Accounts<R> {
    by_name: BTreeMap<String, Held<R>>,
    sign_ins: VecDeque<SignInEntry>,
    limits: Limits,
}

struct Held<R> {
    handle: [u8; 32],
    keys: Vec<Key<R>>,
}

struct Key<R> {
    entry: KeyEntry,
    record: R,
}

/// A key as a sign-in needs it.
pub(crate) struct FoundKey<R> {
    pub(crate) account: String,
    pub(crate) handle: [u8; 32],
    pub(crate) name: String,
    pub(crate) record: R,
}

impl<R: Clone> Accounts<R> {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { by_name: BTreeMap::new(), sign_ins: VecDeque::new(), limits }
    }

    /// The user handle of an account, if there is one of that name.
    pub(crate) fn handle(&self, account: &str) -> Option<[u8; 32]> {
        self.by_name.get(account).map(|held| held.handle)
    }

    /// The records of an account's keys; empty for an account that does not exist yet.
    pub(crate) fn records(&self, account: &str) -> Vec<R> {
        self.by_name
            .get(account)
            .map(|held| held.keys.iter().map(|key| key.record.clone()).collect())
            .unwrap_or_default()
    }

    /// The keys of an account.
    pub(crate) fn keys(&self, account: &str) -> Result<Vec<KeyEntry>, ApiError> {
        let held = self.by_name.get(account).ok_or_else(|| unknown_account(account))?;
        Ok(held.keys.iter().map(|key| key.entry.clone()).collect())
    }

    /// Refuses what [`Accounts::add`] would refuse later.
    pub(crate) fn check_room(&self, account: &str) -> Result<(), ApiError> {
        let full = match self.by_name.get(account) {
            Some(held) => held.keys.len() >= self.limits.keys_per_account,
            None => self.by_name.len() >= self.limits.accounts,
        };
        if full {
            return Err(ApiError::new(
                ErrorCode::Full,
                "No more accounts or keys fit; remove a key first.",
            ));
        }
        Ok(())
    }

    /// Adds a verified key, and the account with its first one.
    pub(crate) fn add(
        &mut self,
        user: &User,
        key_name: String,
        check: RegistrationCheck<R>,
        unix_now: u64,
    ) -> Result<KeyEntry, ApiError> {
        // Across all accounts: WebAuthn L3 §7.1, "credentialId is not yet registered for any user".
        if self.find(&check.credential_id).is_some() {
            return Err(already_registered());
        }
        self.check_room(&user.name)?;
        let held = self
            .by_name
            .entry(user.name.clone())
            .or_insert_with(|| Held { handle: user.handle, keys: Vec::new() });
        if held.handle != user.handle {
            return Err(ApiError::new(
                ErrorCode::UnknownCeremony,
                "The account was made by another registration meanwhile; begin again.",
            ));
        }
        let entry = KeyEntry {
            id: check.credential_id,
            name: key_name,
            added: unix_now,
            last_used: None,
            backup_eligible: check.backup_eligible,
            backed_up: check.backed_up,
            attestation: check.attestation,
        };
        held.keys.push(Key { entry: entry.clone(), record: check.record });
        Ok(entry)
    }

    /// The key with a credential id.
    pub(crate) fn find(&self, credential_id: &str) -> Option<FoundKey<R>> {
        self.by_name.iter().find_map(|(account, held)| {
            let key = held.keys.iter().find(|key| key.entry.id == credential_id)?;
            Some(FoundKey {
                account: account.clone(),
                handle: held.handle,
                name: key.entry.name.clone(),
                record: key.record.clone(),
            })
        })
    }

    /// Notes a verified sign-in on its key.
    pub(crate) fn used(
        &mut self,
        account: &str,
        credential_id: &str,
        check: SignInCheck<R>,
        unix_now: u64,
    ) -> Result<KeyEntry, ApiError> {
        let key = self.key_mut(account, credential_id)?;
        key.record = check.record;
        key.entry.backed_up = check.backed_up;
        key.entry.last_used = Some(unix_now);
        Ok(key.entry.clone())
    }

    pub(crate) fn rename(
        &mut self,
        account: &str,
        credential_id: &str,
        name: String,
    ) -> Result<KeyEntry, ApiError> {
        let key = self.key_mut(account, credential_id)?;
        key.entry.name = name;
        Ok(key.entry.clone())
    }

    /// Removes a key; the account stays, so that its user handle does too.
    pub(crate) fn remove(
        &mut self,
        account: &str,
        credential_id: &str,
    ) -> Result<KeyEntry, ApiError> {
        let held = self.by_name.get_mut(account).ok_or_else(|| unknown_account(account))?;
        let position = held
            .keys
            .iter()
            .position(|key| key.entry.id == credential_id)
            .ok_or_else(unknown_key)?;
        Ok(held.keys.remove(position).entry)
    }

    pub(crate) fn log(&mut self, entry: SignInEntry) {
        while self.sign_ins.len() >= self.limits.sign_ins.max(1) {
            self.sign_ins.pop_front();
        }
        self.sign_ins.push_back(entry);
    }

    pub(crate) fn list(&self) -> Vec<Account> {
        self.by_name
            .iter()
            .map(|(name, held)| Account {
                name: name.clone(),
                keys: held.keys.iter().map(|key| key.entry.clone()).collect(),
            })
            .collect()
    }

    pub(crate) fn sign_ins(&self) -> Vec<SignInEntry> {
        self.sign_ins.iter().cloned().collect()
    }

    fn key_mut(&mut self, account: &str, credential_id: &str) -> Result<&mut Key<R>, ApiError> {
        let held = self.by_name.get_mut(account).ok_or_else(|| unknown_account(account))?;
        held.keys.iter_mut().find(|key| key.entry.id == credential_id).ok_or_else(unknown_key)
    }
}

/// Checks the name of an account or a key: 1 to 64 characters, none of them a control character,
/// not only spaces.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), ApiError> {
    let fits = (1..=NAME_MAX).contains(&name.chars().count());
    if fits && !name.trim().is_empty() && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorCode::BadName,
        format!("The {what} must have 1 to {NAME_MAX} characters, and no control characters."),
    ))
}

pub(crate) fn already_registered() -> ApiError {
    ApiError::new(ErrorCode::AlreadyRegistered, "This key is registered already.")
}

pub(crate) fn unknown_account(account: &str) -> ApiError {
    ApiError::new(
        ErrorCode::UnknownAccount,
        format!("There is no account named {account:?}; register a key first."),
    )
}

fn unknown_key() -> ApiError {
    ApiError::new(ErrorCode::UnknownKey, "The account has no such key; it may have been removed.")
}
