#![no_main]
//! What a file holds that somebody may have changed: a credential as bytes, and the root key of a
//! store.

use std::{
    io,
    sync::{Arc, RwLock},
};

use libfuzzer_sys::fuzz_target;
use redb::{Database, StorageBackend, TableDefinition};
use towline_authenticator::Credential;
use towline_crypto::{Secret, rustcrypto};
use towline_store::{Error, KeySource, Store};

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

#[derive(Debug, Clone, Default)]
struct Memory(Arc<RwLock<Vec<u8>>>);

impl StorageBackend for Memory {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.read().unwrap().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (start, bytes) = (offset as usize, self.0.read().unwrap());
        out.copy_from_slice(
            bytes.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?,
        );
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.write().unwrap().resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write().unwrap()[offset as usize..][..data.len()].copy_from_slice(data);
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(credential) = Credential::from_bytes(bytes) {
        let again = Credential::from_bytes(&credential.to_bytes());
        assert_eq!(again.as_ref(), Ok(&credential));
    }
    let (provider, memory) = (rustcrypto::provider(), Memory::default());
    let source = KeySource::Key(Secret::new([7; 32]));
    drop(Store::create_on(memory.clone(), &source, &provider).unwrap());
    let database = Database::builder().create_with_backend(memory.clone()).unwrap();
    let change = database.begin_write().unwrap();
    change.open_table(META).unwrap().insert("root", bytes).unwrap();
    change.commit().unwrap();
    drop(database);
    // Nobody can make a root key that this key opens.
    let opened = Store::open_on(memory, &source, &provider).unwrap_err();
    assert!(
        matches!(opened, Error::Damaged(_) | Error::OtherKind(_) | Error::WrongKey),
        "{opened:?}"
    );
});
