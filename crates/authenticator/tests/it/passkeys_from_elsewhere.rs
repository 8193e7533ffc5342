//! What a passkey keeps of its life, and what it brings along from elsewhere.

use crate::rig::{commands::*, *};
use towline_authenticator::{
    Change, Config, Counters, CredRandom, Credential, CredentialStore, ExtensionData, KeyHandle,
    Replaces, UnixTime, Work,
};
use towline_crypto::Secret;
use towline_ctap::{CredentialId, CredentialManagementSubcommand, Permissions, User, extension::*};
use zeroize::Zeroizing;

const RP: &str = "example.org";

fn only(rig: &Rig) -> Credential {
    rig.store.credentials().remove(0)
}

/// Puts the only credential there is back, changed.
fn change(rig: &mut Rig, change: impl FnOnce(&mut Credential)) {
    let mut credential = only(rig);
    change(&mut credential);
    let change = Change::Save { credential: Box::new(credential), replaces: Replaces::Account };
    assert!(matches!(rig.store.commit(vec![change]), Work::Done(Ok(()))));
}

#[test]
fn a_passkey_knows_when_it_was_made_and_used_if_anybody_told_the_time() {
    let mut rig = Rig::new(Config::phone());
    rig.authenticator.handle_unix_time(UnixTime(1_000));
    rig.passkey(RP, "alice");
    let made = only(&rig);
    assert_eq!((made.made, made.used, made.changed), (Some(UnixTime(1_000)), None, None));

    rig.authenticator.handle_unix_time(UnixTime(2_000));
    rig.sign_in(&assertion(RP)).unwrap();
    let used = only(&rig);
    assert_eq!((used.made, used.used), (Some(UnixTime(1_000)), Some(UnixTime(2_000))));
    assert_eq!((used.changed, used.revision), (None, 0), "to use it is no change");
}

#[test]
fn a_passkey_made_without_a_clock_claims_nothing() {
    let mut rig = Rig::new(Config::phone());
    rig.passkey(RP, "alice");
    rig.sign_in(&assertion(RP)).unwrap();
    let passkey = only(&rig);
    assert_eq!((passkey.made, passkey.used, passkey.changed), (None, None, None));
}

#[test]
fn a_sign_in_that_was_refused_is_no_use() {
    let mut rig = Rig::new(Config::phone());
    rig.authenticator.handle_unix_time(UnixTime(1_000));
    rig.passkey(RP, "alice");
    rig.person(refusing);
    rig.sign_in(&assertion(RP)).unwrap_err();
    assert_eq!(only(&rig).used, None);
}

#[test]
fn a_passkey_that_never_counts_sends_zero_also_where_others_count() {
    for counters in [Counters::Global, Counters::PerCredential] {
        let mut config = storing();
        config.credentials.counters = counters;
        let mut rig = Rig::new(config);
        let mut request = creation(RP, "alice");
        request.options.rk = Some(true);
        rig.create(&request).unwrap();
        let count =
            |rig: &mut Rig| data(&rig.sign_in(&assertion(RP)).unwrap().auth_data).sign_count;
        assert_ne!(count(&mut rig), 0, "{counters:?}");
        change(&mut rig, |credential| credential.never_counts = true);
        assert_eq!((count(&mut rig), count(&mut rig)), (0, 0), "{counters:?}");
    }
}

#[test]
fn a_pair_of_seeds_gives_what_the_secret_gives_that_it_was_derived_from() {
    let mut rig = Rig::new(Config::phone());
    let mut request = creation(RP, "alice");
    request.options.rk = Some(true);
    request.extensions.set(&PrfCreateInput { eval: None });
    rig.create(&request).unwrap();
    let salts = PrfSalts { first: [1; 32], second: Some([2; 32]) };
    let values = |rig: &mut Rig| {
        let mut request = assertion(RP);
        request.extensions.set(&PrfGetInput { eval: Some(salts), eval_by_credential: Vec::new() });
        let response = rig.sign_in(&request).unwrap();
        response.unsigned_extension_outputs.get::<PrfGetOutput>().unwrap().unwrap().results.unwrap()
    };
    let before = values(&mut rig);
    let Some(CredRandom::Derived(secret)) = only(&rig).extensions.unwrap().cred_random else {
        panic!("no secret of its own")
    };
    let derive = |which: &[u8]| Secret::new(rig.provider.hmac.key(secret.expose()).sign(&[which]));
    let (with_uv, without_uv) = (derive(b"CredRandomWithUV"), derive(b"CredRandomWithoutUV"));
    change(&mut rig, |credential| {
        let mut kept = ExtensionData::default();
        kept.cred_random = Some(CredRandom::Pair { with_uv, without_uv });
        credential.extensions = Some(Box::new(kept));
    });
    assert_eq!(values(&mut rig), before);
}

#[test]
fn new_names_are_a_change() {
    let mut rig = with_pin(Config::security_key());
    let cm = token(&mut rig, Permissions::CM, None);
    let credential = Credential::new(
        CredentialId::new(&[1; 32]).unwrap(),
        rp_id(RP),
        user("alice"),
        KeyHandle::new(-7, Zeroizing::new([9; 32].into())),
    );
    let credential = Box::new(Credential { discoverable: true, ..credential });
    let save = Change::Save { credential, replaces: Replaces::Account };
    assert!(matches!(rig.store.commit(vec![save]), Work::Done(Ok(()))));
    rig.authenticator.handle_unix_time(UnixTime(3_000));
    let update = CredentialManagementSubcommand::UpdateUserInformation {
        credential: CredentialId::new(&[1; 32]).unwrap(),
        user: User { name: Some("other".into()), ..user("alice") },
    };
    manage(&mut rig, Some(&cm), update).unwrap();
    let renamed = only(&rig);
    assert_eq!(renamed.user.name.as_deref(), Some("other"));
    assert_eq!((renamed.changed, renamed.revision), (Some(UnixTime(3_000)), 1));
}
