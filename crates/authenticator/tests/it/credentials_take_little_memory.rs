//! What a stored credential takes from the heap, all indexes included.

use allocation_counter::measure;
use towline_authenticator::{
    Change, CredRandom, Credential, CredentialStore, ExtensionData, KeyHandle, MemoryStore,
    Replaces, UnixTime, Work,
};
use towline_crypto::Secret;
use towline_ctap::{CredentialId, RpId, User, UserHandle};
use zeroize::Zeroizing;

/// A credential as sites of every kind make them: the user handle has 16, 32, 40 or 64 bytes, the
/// names are as long as an e-mail address and a person's name, and there are 3.3 accounts for each
/// site.
fn realistic(number: u32, sites: u32, extensions: Option<Box<ExtensionData>>) -> Credential {
    let mut handle = number.to_be_bytes().to_vec();
    handle.resize([16, 32, 40, 64][number as usize % 4], 0x5a);
    let mut id = number.to_le_bytes().to_vec();
    id.resize(32, 0xa5);
    let id = CredentialId::new(&id).unwrap();
    let rp_id = RpId::new(&format!("site{:06}.test", number.wrapping_mul(7919) % sites)).unwrap();
    let user = User {
        id: UserHandle::new(&handle).unwrap(),
        name: Some(format!("user{number:06}@mail.test")),
        display_name: Some("Alex Johnson".into()),
    };
    let key = KeyHandle::new(-7, Zeroizing::new([7; 32].into()));
    Credential {
        rp_name: Some(format!("Site {}", number % sites)),
        discoverable: true,
        backup_eligible: true,
        extensions,
        made: Some(UnixTime(1_796_000_000)),
        ..Credential::new(id, rp_id, user, key)
    }
}

/// The bytes for each of so many credentials, saved one after the other.
fn bytes_each(count: u32, extensions: Option<&ExtensionData>) -> i64 {
    let mut kept = None;
    let info = measure(|| {
        let mut store = MemoryStore::new();
        for number in 0..count {
            let credential = realistic(number, count * 3 / 10, extensions.cloned().map(Box::new));
            let change =
                Change::Save { credential: Box::new(credential), replaces: Replaces::Account };
            assert!(matches!(store.commit(vec![change]), Work::Done(Ok(()))));
        }
        kept = Some(store);
    });
    assert_eq!(kept.unwrap().len(), count as usize);
    info.bytes_current / i64::from(count)
}

#[test]
fn a_discoverable_credential_takes_at_most_350_bytes() {
    // Lists that grow in steps have the most room to spare right after a step, which is at another
    // number for each.
    for count in [100_000, 65_600] {
        let each = bytes_each(count, None);
        assert!(each <= 350, "{each} bytes each of {count}");
    }
}

#[test]
fn so_does_one_with_the_secret_of_hmac_secret_and_prf() {
    let mut extensions = ExtensionData::default();
    extensions.cred_random = Some(CredRandom::Derived(Secret::new([9; 32])));
    let each = bytes_each(20_000, Some(&extensions));
    assert!(each <= 350, "{each} bytes");
}

#[test]
fn what_is_removed_leaves_only_its_place_behind() {
    let mut kept = None;
    let info = measure(|| {
        let mut store = MemoryStore::new();
        let changes = (0..1000).map(|number| {
            let credential = realistic(number, 300, None);
            Change::Save { credential: Box::new(credential), replaces: Replaces::Account }
        });
        assert!(matches!(store.commit(changes.collect()), Work::Done(Ok(()))));
        let ids = store.credentials().into_iter().map(|credential| credential.id);
        let changes = ids.map(Change::Remove).collect();
        assert!(matches!(store.commit(changes), Work::Done(Ok(()))));
        kept = Some(store);
    });
    assert!(kept.unwrap().is_empty());
    let each = info.bytes_current / 1000;
    assert!(each <= 120, "{each} bytes");
}
