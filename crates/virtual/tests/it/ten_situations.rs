//! Ten situations that every site meets, in four lines each at most.

use std::time::Duration;

use towline_virtual::{
    Fault, Passkey, VirtualAuthenticator,
    person::{anything, choosing, signing_in, verifying},
};

use crate::site::Site;

#[test]
fn ten_situations() {
    let site = Site::new();
    let phone = VirtualAuthenticator::synced_passkey();

    // 1 and 2. A passkey is registered, and signs in; the site learns whose it is.
    site.register(&phone, "alice").unwrap();
    let (account, result) = site.sign_in(&phone).unwrap();
    assert!(account == "alice" && result.user_verified() && result.backup_state());

    // 3. The person says no.
    phone.person().when(signing_in()).refuses().once();
    assert_eq!(site.sign_in(&phone).unwrap_err(), "NotAllowedError");

    // 4. The screen lock is failed until it is locked, and opens again after a while.
    let fails = phone.person().when(verifying()).fails_the_lock().times(5);
    assert!(site.sign_in(&phone).is_err() && site.sign_in(&phone).is_err() && fails.count() == 5);
    phone.clock().advance(Duration::from_secs(30));
    site.sign_in(&phone).unwrap();

    // 5. Nobody is there: time runs out, which takes no time.
    phone.person().when(anything()).ignores_it().once();
    assert_eq!(site.sign_in(&phone).unwrap_err(), "NotAllowedError");

    // 6. There is a passkey for the account already.
    assert_eq!(site.register(&phone, "alice").unwrap_err(), "InvalidStateError");

    // 7. There are several accounts, and the person picks one.
    site.register(&phone, "bob").unwrap();
    phone.person().when(choosing()).picks_the_account("alice").once().expect(1);
    assert_eq!(site.sign_in(&phone).unwrap().0, "alice");

    // 8. The passkeys are no longer backed up.
    phone.set_backed_up(false);
    assert!(!site.sign_in(&phone).unwrap().1.backup_state());

    // 9. Somebody else's page asks for the site's passkeys.
    let error = site.register_from("https://examp1e.org", &phone, "alice").unwrap_err();
    assert_eq!(error, "SecurityError");

    // 10. A security key was cloned: its counter goes back.
    let key = VirtualAuthenticator::security_key();
    site.register(&key, "carol").and_then(|()| site.sign_in(&key)).unwrap();
    key.change(key.passkeys()[0].id(), |it: &mut Passkey| it.sign_count = Some(0)).unwrap();
    assert_eq!(site.sign_in(&key).unwrap_err(), "CredentialPossibleCompromise");
}

#[test]
fn devices_that_misbehave() {
    // A chip that signs with another key, a passkey that turns out to be synced, and a page inside
    // somebody else's: each once, and the next sign-in is as it must be.
    let (site, device) = (Site::new(), VirtualAuthenticator::platform());
    site.register(&device, "alice").unwrap();
    for fault in [Fault::SignatureOfAnotherKey, Fault::FlipBe, Fault::WrongOrigin] {
        device.faults().inject(fault).once();
        site.sign_in(&device).unwrap_err();
        site.sign_in(&device).unwrap();
    }
    // A sensor that never knows the person.
    let worn = VirtualAuthenticator::fingerprint_key();
    worn.person().when(verifying()).fails_the_lock();
    assert_eq!(site.register(&worn, "bob").unwrap_err(), "NotAllowedError");
}
