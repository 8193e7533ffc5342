//! Passkeys out of a virtual authenticator and into it, in the form in which managers exchange
//! them.

use towline_authenticator::{CredentialStore as _, Custody, Record, StoreError, Work};
use towline_exchange::{
    Candidate, Export, Exporter, Import, ImportLimits, Importer, ItemReport, NotCxf,
};

use super::VirtualAuthenticator;
use crate::Passkey;

/// Who exports, as documents have it.
const NAME: &str = "towline virtual authenticator";

/// The account of every virtual authenticator, so that a test has the same document each time.
const ACCOUNT: [u8; 16] = *b"towline virtual!";

impl VirtualAuthenticator {
    /// The passkeys that may leave, oldest first, as a document of the Credential Exchange Format,
    /// with a report for each that there is: those that count their signatures, or were made for
    /// this device alone (BE 0), stay, as the standard has it.
    ///
    /// ```
    /// use towline_virtual::{Passkey, PrivateKey, VirtualAuthenticator};
    ///
    /// let (old, new) = (VirtualAuthenticator::synced_passkey(), VirtualAuthenticator::platform());
    /// let passkey = Passkey::new("example.org", b"42", PrivateKey::es256(&[7; 32]))?;
    /// old.add(passkey.with_backup(true, true))?;
    /// let reports = new.import(&old.export().document())?;
    /// assert!(reports[0].outcome.goes_in());
    /// assert_eq!(new.passkeys()[0].id(), old.passkeys()[0].id());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn export(&self) -> Export {
        let shelf = &self.0.shelf;
        let candidates = shelf.passkeys().into_iter().map(|passkey| {
            let Passkey { credential, sign_count, .. } = passkey;
            let counter = sign_count.unwrap_or_default();
            Candidate { credential, counter, custody: Custody::Handle }
        });
        let records = shelf.records();
        let large_blobs = records.iter().find(|(record, _)| *record == Record::LargeBlobs);
        let exporter = Exporter {
            rp_id: NAME.to_owned(),
            display_name: NAME.to_owned(),
            account_id: ACCOUNT,
            at: self.clock().unix_time(),
            provider: self.0.provider.clone(),
        };
        Export::new(candidates, large_blobs.map(|(_, array)| array.as_slice()), &exporter)
    }

    /// Takes in the passkeys of such a document, or of Bitwarden's own JSON: all that can be used,
    /// as the newest and in its order, or none. What is there already stays as it is. One report
    /// for each credential of the document.
    ///
    /// # Errors
    /// [`ImportError`] where it is no document, or there is no room; nothing has changed then.
    pub fn import(&self, document: &[u8]) -> Result<Vec<ItemReport>, ImportError> {
        let document = Import::read(document, &ImportLimits::default())?;
        let mut shelf = self.0.shelf.clone();
        let there = |id: &_| Ok(shelf.passkey(id).map(|passkey| passkey.credential));
        let plan = document.plan(there, &Importer::new(self.0.provider.clone()));
        let plan = plan.map_err(ImportError::Store)?;
        let reports = plan.reports().to_vec();
        match shelf.commit(plan.changes()) {
            Work::Done(done) => done?,
            Work::Later(run) => run()?,
        }
        Ok(reports)
    }
}

/// Why nothing was imported.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is no document of passkeys.
    #[error(transparent)]
    Document(#[from] NotCxf),
    /// There is no room.
    #[error(transparent)]
    Store(#[from] StoreError),
}
