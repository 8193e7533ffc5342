//! Passkeys are read, added, changed, removed, and come back.

use towline_ctap::Flags;
use towline_virtual::{
    Builder, DamagedSnapshot, Error, Passkey, PasskeyError, PrivateKey, Snapshot,
    VirtualAuthenticator, person::choosing,
};

use crate::{
    options::{ORIGIN, create, get},
    sites_are_tested::auth_data,
};

#[test]
fn a_passkey_that_is_added_signs_in_and_counts_on() {
    for device in [VirtualAuthenticator::security_key(), VirtualAuthenticator::phone()] {
        let package = PrivateKey::es256(&[7; 32]).to_pkcs8().unwrap();
        let key = PrivateKey::from_pkcs8(&package).unwrap();
        let passkey = Passkey::new("example.org", b"42", key).unwrap();
        device.add(passkey.named("alice").counting(41)).unwrap();
        let response = device.get(ORIGIN, &get()).unwrap();
        assert_eq!(auth_data(&response).sign_count, 42, "{device:?}");
        assert_eq!(device.passkeys()[0].sign_count, Some(42));
    }
}

#[test]
fn a_key_that_is_none_is_refused() {
    let device = VirtualAuthenticator::platform();
    let zero = Passkey::new("example.org", b"42", PrivateKey::es256(&[0; 32])).unwrap();
    assert_eq!(device.add(zero), Err(PasskeyError::Key));
    let rsa = Passkey::new("example.org", b"42", PrivateKey::plain(-257, &[1, 2])).unwrap();
    assert_eq!(device.add(rsa), Err(PasskeyError::Key));
    let unknown = Passkey::new("example.org", b"42", PrivateKey::plain(-36, &[1, 2])).unwrap();
    assert_eq!(device.add(unknown), Err(PasskeyError::Algorithm(-36)));
    assert!(device.passkeys().is_empty());
}

#[test]
fn counters_and_flags_are_as_they_are_set() {
    let device = VirtualAuthenticator::security_key();
    device.create(ORIGIN, &create("alice")).unwrap();
    let id = device.passkeys()[0].id().clone();
    let next = || auth_data(&device.get(ORIGIN, &get()).unwrap());

    device.change(&id, |it| it.sign_count = Some(100)).unwrap();
    assert_eq!(next().sign_count, 101);
    device.change(&id, |it| it.sign_count = Some(5)).unwrap();
    assert_eq!(next().sign_count, 6, "it goes back");
    device.change(&id, |it| it.sign_count = None).unwrap();
    assert_eq!((next().sign_count, next().sign_count), (0, 0));

    for (eligible, backed_up) in [(true, true), (true, false), (false, true), (true, true)] {
        device
            .change(&id, |it| {
                it.credential.backup_eligible = eligible;
                it.backed_up = backed_up;
            })
            .unwrap();
        let flags = next().flags;
        assert_eq!(flags.contains(Flags::BE), eligible);
        assert_eq!(flags.contains(Flags::BS), eligible && backed_up);
    }
    assert_eq!(
        device.change(&towline_ctap::CredentialId::new(&[1]).unwrap(), |_| ()),
        Err(PasskeyError::Unknown)
    );
}

/// An imported key may be that of several passkeys.
#[test]
fn passkeys_with_one_key_have_flags_and_counters_of_their_own() {
    let device = VirtualAuthenticator::phone();
    for (account, backed_up) in [("alice", true), ("bob", false)] {
        let key = PrivateKey::es256(&[7; 32]);
        let passkey = Passkey::new("example.org", account.as_bytes(), key).unwrap();
        device.add(passkey.named(account).with_backup(true, backed_up).counting(7)).unwrap();
    }
    let sign_in = |account: &str| {
        device.person().when(choosing()).picks_the_account(account).once();
        let data = auth_data(&device.get(ORIGIN, &get()).unwrap());
        (data.flags.contains(Flags::BS), data.sign_count)
    };
    assert_eq!([sign_in("alice"), sign_in("bob")], [(true, 8), (false, 8)]);
    let alice = device.passkeys()[0].id().clone();
    device.change(&alice, |it| it.backed_up = false).unwrap();
    assert_eq!([sign_in("alice"), sign_in("bob")], [(false, 9), (false, 9)]);

    let bob = device.passkeys()[1].id().clone();
    device.change(&alice, |it| it.backed_up = true).unwrap();
    assert!(device.remove(&bob));
    assert!(auth_data(&device.get(ORIGIN, &get()).unwrap()).flags.contains(Flags::BS));
}

/// What is said of one passkey says nothing of the others, on whichever device they are.
#[test]
fn a_change_of_one_passkey_leaves_those_of_other_devices_to_them() {
    let phone = VirtualAuthenticator::phone();
    let tablet = Builder::phone().synced_with(&phone.synced_set()).build().unwrap();
    for name in ["alice", "bob"] {
        phone.create(ORIGIN, &create(name)).unwrap();
    }
    tablet.set_backed_up(false);
    let alice = phone.passkeys()[0].id().clone();
    phone.change(&alice, |it| it.sign_count = Some(7)).unwrap();
    let backed_up = |device: &VirtualAuthenticator| {
        device.passkeys().iter().map(|it| it.backed_up).collect::<Vec<bool>>()
    };
    assert_eq!((backed_up(&phone), backed_up(&tablet)), (vec![true; 2], vec![false; 2]));
    phone.change(&alice, |it| it.backed_up = false).unwrap();
    assert_eq!((backed_up(&phone), backed_up(&tablet)), (vec![false, true], vec![false; 2]));
}

#[test]
fn a_changed_passkey_keeps_its_place() {
    let device = VirtualAuthenticator::phone();
    for name in ["alice", "bob"] {
        device.create(ORIGIN, &create(name)).unwrap();
    }
    let id = device.passkeys()[0].id().clone();
    device.change(&id, |it| it.backed_up = false).unwrap();
    assert_eq!(*device.passkeys()[0].id(), id);
    assert!(device.passkeys()[1].backed_up, "another one's flags stay");
    device.set_backed_up(false);
    assert!(device.passkeys().iter().all(|it| !it.backed_up));
}

#[test]
fn a_snapshot_brings_back_passkeys_pin_and_counters() {
    let key = Builder::security_key().pin("2580").build().unwrap();
    key.create(ORIGIN, &create("alice")).unwrap();
    let before = key.snapshot();
    assert!(before.diff(&key.snapshot()).is_empty());

    key.get(ORIGIN, &get()).unwrap();
    key.create(ORIGIN, &create("bob")).unwrap();
    let diff = before.diff(&key.snapshot());
    assert_eq!((diff.added.len(), diff.removed.len(), diff.changed.len()), (1, 0, 1));
    let text = diff.to_string();
    assert!(text.contains("+ \"bob\" at example.org"), "{text}");
    assert!(text.contains("~ \"alice\" at example.org: counter 0 -> 1, used\n"), "{text}");

    key.replug();
    assert_eq!(key.transact(&[0x07]), [0x00], "a reset");
    assert_eq!(key.info().unwrap().options.client_pin, Some(false));
    assert_eq!(key.get(ORIGIN, &get()), Err(Error::NoCredentials));

    key.restore(&before).unwrap();
    assert_eq!(key.snapshot(), before);
    assert_eq!(key.info().unwrap().options.client_pin, Some(true));
    key.get(ORIGIN, &get()).unwrap();
}

#[test]
fn a_passkey_that_is_removed_is_gone() {
    let device = VirtualAuthenticator::platform();
    device.create(ORIGIN, &create("alice")).unwrap();
    let id = device.passkeys()[0].id().clone();
    assert!(device.remove(&id));
    assert!(!device.remove(&id));
    assert_eq!(device.get(ORIGIN, &get()), Err(Error::NoCredentials));
}

#[test]
fn what_it_signs_is_what_the_passkey_signs() {
    let device = VirtualAuthenticator::platform();
    device.create(ORIGIN, &create("alice")).unwrap();
    let passkey = &device.passkeys()[0];
    let signature = device.sign(passkey.id(), &[b"a", b"b"]).unwrap();
    let provider = towline_crypto::rustcrypto::provider();
    let algorithm = provider.signature(-7).unwrap();
    let key = algorithm.load(passkey.key().expose()).unwrap();
    algorithm.verify(key.public_key(), b"ab", &signature).unwrap();
}

#[test]
fn a_snapshot_goes_to_another_process_as_bytes_and_damage_is_never_taken_for_empty() {
    let key = Builder::security_key().pin("2580").build().unwrap();
    key.create(ORIGIN, &create("alice")).unwrap();
    key.change(key.passkeys()[0].id(), |it| it.sign_count = None).unwrap();
    key.create(ORIGIN, &create("bob")).unwrap();
    let bytes = key.snapshot().to_bytes();
    let read = Snapshot::from_bytes(&bytes).unwrap();
    assert!(key.snapshot().diff(&read).is_empty());

    let other = VirtualAuthenticator::security_key();
    other.restore(&read).unwrap();
    other.person().knows_the_pin("2580");
    assert_eq!(other.passkeys(), key.passkeys());
    other.get(ORIGIN, &get()).unwrap();

    for length in 0..bytes.len() {
        assert_eq!(Snapshot::from_bytes(&bytes[..length]), Err(DamagedSnapshot), "{length}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Snapshot::from_bytes(&longer), Err(DamagedSnapshot));
}
