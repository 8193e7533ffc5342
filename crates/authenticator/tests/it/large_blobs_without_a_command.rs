//! The extension `largeBlob`: a blob that is kept with its credential.

use crate::rig::{platform::*, *};
use towline_authenticator::{
    Config, ConfigError, Event, ExtensionData, LargeBlobPlace, LargeBlobs, MemoryStore,
};
use towline_ctap::{
    CredentialId, GetAssertionRequest, GetAssertionResponse, LargeBlobsRequest,
    MakeCredentialRequest, Permissions, Request, Status, algorithm,
    extension::{LargeBlob, LargeBlobInput, LargeBlobOutput, LargeBlobSupport, LargeBlobSupported},
};

const PIN: &str = "2468-blue";
const MOST: usize = 600;

fn config() -> Config {
    let mut config = Config::security_key();
    config.extensions.large_blobs = LargeBlobs::Extension(MOST);
    config
}

fn wanting(user: &str, support: LargeBlobSupport) -> MakeCredentialRequest {
    let mut request = creation("example.org", user);
    request.options.rk = Some(true);
    request.extensions.set(&support);
    request
}

/// A credential that can have a blob.
fn with_place(rig: &mut Rig, user: &str) -> CredentialId {
    let response = rig.create(&wanting(user, LargeBlobSupport::Required)).unwrap();
    let supported = response.unsigned_extension_outputs.get().unwrap();
    assert_eq!(supported, Some(LargeBlobSupported(true)));
    assert!(data(&response.auth_data).extensions.is_empty(), "nothing of it is signed");
    made(&response).0
}

fn blob(length: usize) -> LargeBlob {
    LargeBlob { compressed: vec![0xb1; length], original_size: 70_000 }
}

fn asking(id: &CredentialId, input: LargeBlobInput) -> GetAssertionRequest {
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(id));
    request.extensions.set(&input);
    request
}

fn output(response: &GetAssertionResponse) -> Option<LargeBlobOutput> {
    assert!(data(&response.auth_data).extensions.is_empty(), "nothing of it is signed");
    response.unsigned_extension_outputs.get().unwrap()
}

fn write(rig: &mut Rig, id: &CredentialId, blob: &LargeBlob) -> Option<LargeBlobOutput> {
    let request = asking(id, LargeBlobInput::Write(blob.clone()));
    output(&rig.sign_in(&request).unwrap())
}

fn read(rig: &mut Rig, id: &CredentialId) -> Option<LargeBlob> {
    let request = asking(id, LargeBlobInput::Read);
    match output(&rig.sign_in(&request).unwrap()) {
        Some(LargeBlobOutput::Blob(blob)) => blob,
        other => panic!("{other:?}"),
    }
}

const WRITTEN: Option<LargeBlobOutput> = Some(LargeBlobOutput::Written(true));
const NOT_WRITTEN: Option<LargeBlobOutput> = Some(LargeBlobOutput::Written(false));

#[test]
fn what_is_written_is_read_until_it_is_written_again() {
    let mut rig = Rig::new(config());
    let (alice, bob) = (with_place(&mut rig, "alice"), with_place(&mut rig, "bob"));
    assert_eq!(read(&mut rig, &alice), None);
    assert_eq!(write(&mut rig, &alice, &blob(100)), WRITTEN);
    assert_eq!(read(&mut rig, &alice), Some(blob(100)));
    assert_eq!(read(&mut rig, &bob), None, "each credential has its own");
    let mut rig = Rig::over(config(), rig.store);
    assert_eq!(read(&mut rig, &alice), Some(blob(100)), "it survives a restart");
    assert_eq!(write(&mut rig, &alice, &blob(0)), WRITTEN);
    assert_eq!(read(&mut rig, &alice), Some(blob(0)));
}

#[test]
fn it_is_offered_instead_of_the_command() {
    let mut rig = Rig::new(config());
    let info = rig.info();
    assert!(info.supports_extension("largeBlob") && !info.supports_extension("largeBlobKey"));
    assert_eq!((info.options.large_blobs, info.max_serialized_large_blob_array), (None, None));
    let request = Request::from(LargeBlobsRequest::Get { count: 17, offset: 0 });
    assert_eq!(rig.call(&request), Err(Status::InvalidCommand));
    let platform = Platform::agree(&mut rig, 2);
    platform.set_pin(&mut rig, PIN).unwrap();
    let given = platform.pin_token(&mut rig, PIN, Permissions::LBW, None);
    assert_eq!(given, Err(Status::UnauthorizedPermission));

    let mut rig = Rig::new(Config::security_key());
    let info = rig.info();
    assert!(!info.supports_extension("largeBlob") && info.supports_extension("largeBlobKey"));
    assert_eq!(info.options.large_blobs, Some(true));
    let response = rig.create(&wanting("alice", LargeBlobSupport::Required)).unwrap();
    assert!(response.unsigned_extension_outputs.is_empty(), "unknown extensions are ignored");
}

#[test]
fn only_a_discoverable_credential_can_have_one() {
    let mut rig = Rig::new(config());
    let mut request = wanting("alice", LargeBlobSupport::Required);
    request.options.rk = None;
    assert_eq!(rig.create(&request).unwrap_err(), Status::LargeBlobStorageFull);
    assert!(rig.store.is_empty() && rig.questions.is_empty());
    request.extensions.set(&LargeBlobSupport::Preferred);
    let response = rig.create(&request).unwrap();
    let supported = response.unsigned_extension_outputs.get().unwrap();
    assert_eq!(supported, Some(LargeBlobSupported(false)));
    let (id, _) = made(&response);
    assert_eq!(write(&mut rig, &id, &blob(1)), NOT_WRITTEN);
    assert_eq!(read(&mut rig, &id), None);
}

#[test]
fn a_credential_made_without_it_can_not_have_one() {
    let mut rig = Rig::new(config());
    let (id, _) = rig.passkey("example.org", "alice");
    assert_eq!(write(&mut rig, &id, &blob(1)), NOT_WRITTEN);
    assert_eq!(read(&mut rig, &id), None);
    let response = rig.create(&wanting("alice", LargeBlobSupport::Preferred)).unwrap();
    let supported = response.unsigned_extension_outputs.get().unwrap();
    assert_eq!(supported, Some(LargeBlobSupported(true)));
}

#[test]
fn who_does_not_ask_is_not_answered() {
    let mut rig = Rig::new(config());
    let id = with_place(&mut rig, "alice");
    write(&mut rig, &id, &blob(10));
    let mut request = assertion("example.org");
    request.allow_list = Some(listing(&id));
    assert!(rig.sign_in(&request).unwrap().unsigned_extension_outputs.is_empty());
}

#[test]
fn inputs_of_another_form_are_refused() {
    let mut rig = Rig::new(config());
    let id = with_place(&mut rig, "alice");
    write(&mut rig, &id, &blob(10));
    rig.forget_past();
    let sign_ins: [&[u8]; 8] = [
        &[0xf5],                                              // true
        &[0xa0],                                              // {}
        &[0xa1, 0x64, b'r', b'e', b'a', b'd', 0xf4],          // {read: false}
        &[0xa1, 0x64, b'r', b'e', b'a', b'd', 0x01],          // {read: 1}
        &[0xa1, 0x65, b'w', b'r', b'i', b't', b'e', 0x41, 1], // no size
        &[0xa1, 0x6c, b'o', b'r', b'i', b'g', b'i', b'n', b'a', b'l', b'S', b'i', b'z', b'e', 1],
        // {read: true, write: h'01', originalSize: 1}
        &[
            0xa3, 0x64, b'r', b'e', b'a', b'd', 0xf5, 0x65, b'w', b'r', b'i', b't', b'e', 0x41, 1,
            0x6c, b'o', b'r', b'i', b'g', b'i', b'n', b'a', b'l', b'S', b'i', b'z', b'e', 1,
        ],
        // {write: "x", originalSize: 1}
        &[
            0xa2, 0x65, b'w', b'r', b'i', b't', b'e', 0x61, b'x', 0x6c, b'o', b'r', b'i', b'g',
            b'i', b'n', b'a', b'l', b'S', b'i', b'z', b'e', 1,
        ],
    ];
    for wrong in sign_ins {
        let mut request = assertion("example.org");
        request.extensions.set_raw("largeBlob", wrong).unwrap();
        assert_eq!(rig.sign_in(&request).unwrap_err(), Status::InvalidCbor, "{wrong:02x?}");
    }
    let creations: [&[u8]; 4] = [
        &[0xf5],
        &[0xa0],
        &[0xa1, 0x67, b's', b'u', b'p', b'p', b'o', b'r', b't', 0xf5],
        &[0xa1, 0x67, b's', b'u', b'p', b'p', b'o', b'r', b't', 0x62, b'n', b'o'],
    ];
    for wrong in creations {
        let mut request = creation("example.org", "bob");
        request.options.rk = Some(true);
        request.extensions.set_raw("largeBlob", wrong).unwrap();
        assert_eq!(rig.create(&request).unwrap_err(), Status::InvalidCbor, "{wrong:02x?}");
    }
    assert!(rig.questions.is_empty(), "nobody is bothered");
    assert_eq!(read(&mut rig, &id), Some(blob(10)));
}

#[test]
fn a_write_names_exactly_one_credential() {
    let mut rig = Rig::new(config());
    let (alice, bob) = (with_place(&mut rig, "alice"), with_place(&mut rig, "bob"));
    let mut request = asking(&alice, LargeBlobInput::Write(blob(10)));
    request.allow_list = Some([listing(&alice), listing(&bob)].concat());
    assert_eq!(output(&rig.sign_in(&request).unwrap()), NOT_WRITTEN);
    request.allow_list = None;
    assert_eq!(output(&rig.sign_in(&request).unwrap()), NOT_WRITTEN);
    assert_eq!(output(&rig.next().unwrap()), NOT_WRITTEN);
    for id in [alice, bob] {
        assert_eq!(read(&mut rig, &id), None);
    }
}

#[test]
fn a_read_answers_for_whichever_credential_is_used() {
    let mut rig = Rig::new(config());
    let (alice, bob) = (with_place(&mut rig, "alice"), with_place(&mut rig, "bob"));
    write(&mut rig, &alice, &blob(1));
    write(&mut rig, &bob, &blob(2));
    let mut request = asking(&alice, LargeBlobInput::Read);
    request.allow_list = None;
    let newest = rig.sign_in(&request).unwrap();
    assert_eq!(output(&newest), Some(LargeBlobOutput::Blob(Some(blob(2)))));
    let next = rig.next().unwrap();
    assert_eq!(output(&next), Some(LargeBlobOutput::Blob(Some(blob(1)))));
}

#[test]
fn nothing_is_read_or_written_silently() {
    let mut rig = Rig::new(config());
    let id = with_place(&mut rig, "alice");
    write(&mut rig, &id, &blob(10));
    rig.forget_past();
    let mut silent = asking(&id, LargeBlobInput::Read);
    silent.options.up = Some(false);
    assert_eq!(rig.sign_in(&silent).unwrap_err(), Status::UnsupportedOption);
    silent.extensions.set(&LargeBlobInput::Write(blob(20)));
    assert_eq!(rig.sign_in(&silent).unwrap_err(), Status::UnsupportedOption);
    assert!(rig.questions.is_empty());
    assert_eq!(read(&mut rig, &id), Some(blob(10)));
}

#[test]
fn a_refused_sign_in_writes_nothing() {
    let mut rig = Rig::new(config());
    let id = with_place(&mut rig, "alice");
    rig.person(refusing);
    let request = asking(&id, LargeBlobInput::Write(blob(10)));
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::OperationDenied);
    rig.person(agreeable);
    assert_eq!(read(&mut rig, &id), None);
}

#[test]
fn a_site_can_not_write_to_the_credential_of_another() {
    let mut rig = Rig::new(config());
    let id = with_place(&mut rig, "alice");
    let mut request = GetAssertionRequest::new(rp_id("evil.example"), CLIENT_DATA_HASH);
    request.allow_list = Some(listing(&id));
    request.extensions.set(&LargeBlobInput::Write(blob(10)));
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
    assert_eq!(read(&mut rig, &id), None);
}

#[test]
fn with_a_pin_only_the_verified_write_and_all_read() {
    let mut rig = Rig::new(config());
    let id = with_place(&mut rig, "alice");
    let platform = Platform::agree(&mut rig, 2);
    platform.set_pin(&mut rig, PIN).unwrap();
    assert_eq!(write(&mut rig, &id, &blob(10)), NOT_WRITTEN);
    let token = platform.pin_token(&mut rig, PIN, Permissions::GA, Some("example.org")).unwrap();
    let mut request = asking(&id, LargeBlobInput::Write(blob(20)));
    token.authorize_sign_in(&rig, &mut request);
    assert_eq!(output(&rig.sign_in(&request).unwrap()), WRITTEN);
    assert_eq!(read(&mut rig, &id), Some(blob(20)));
}

#[test]
fn a_blob_that_is_too_long_leaves_the_one_before() {
    let mut rig = Rig::new(config());
    let id = with_place(&mut rig, "alice");
    assert_eq!(write(&mut rig, &id, &blob(MOST)), WRITTEN);
    assert_eq!(write(&mut rig, &id, &blob(MOST + 1)), NOT_WRITTEN);
    assert_eq!(read(&mut rig, &id), Some(blob(MOST)));
}

#[test]
fn the_longest_blob_comes_back_in_one_message() {
    let mut config = Config::security_key().with_algorithms(&[algorithm::ES256]);
    let most = config.limits.max_msg_size - 1536 - 32;
    config.extensions.large_blobs = LargeBlobs::Extension(most);
    assert_eq!(config.validate(), Ok(()));
    let mut rig = Rig::new(config.clone());
    let id = with_place(&mut rig, &"a".repeat(64));
    assert_eq!(write(&mut rig, &id, &blob(most)), WRITTEN);
    rig.send(HOME, &Request::from(asking(&id, LargeBlobInput::Read)).encode());
    assert!(rig.response().len() <= config.limits.max_msg_size);
}

#[test]
fn a_full_store_says_not_written_and_a_broken_one_fails() {
    let (provider, store, fuse) =
        (towline_crypto::rustcrypto::provider(), MemoryStore::new(), Fuse::default());
    let fragile = RiggedStore::fragile(store.clone(), &fuse);
    let keys = RiggedKeys::fragile(provider.clone(), &fuse);
    let mut rig = Rig::with(config(), provider, store, fragile, keys);
    let id = with_place(&mut rig, "alice");
    assert_eq!(write(&mut rig, &id, &blob(10)), WRITTEN);
    fuse.blow_at(None);
    assert_eq!(write(&mut rig, &id, &blob(20)), WRITTEN);
    let operations = fuse.used();
    // The last operation is the write.
    fuse.blow_as_full(true);
    fuse.blow_at(Some(operations - 1));
    assert_eq!(write(&mut rig, &id, &blob(30)), NOT_WRITTEN);
    fuse.blow_as_full(false);
    for operation in 0..operations {
        fuse.blow_at(Some(operation));
        let request = asking(&id, LargeBlobInput::Write(blob(40)));
        assert_eq!(rig.sign_in(&request).unwrap_err(), Status::Other, "operation {operation}");
        fuse.blow_at(None);
        assert_eq!(read(&mut rig, &id), Some(blob(20)), "operation {operation}");
    }
}

#[test]
fn a_write_is_done_or_not_whenever_it_is_cancelled() {
    for wait in 0.. {
        let provider = towline_crypto::rustcrypto::provider();
        let (store, keys) = (MemoryStore::new(), RiggedKeys::slow(provider.clone()));
        let slow = RiggedStore::slow(store.clone());
        let mut rig = Rig::with(config(), provider, store, slow, keys);
        let id = with_place(&mut rig, "alice");
        rig.works = false;
        rig.send(HOME, &Request::from(asking(&id, LargeBlobInput::Write(blob(10)))).encode());
        for _ in 0..wait {
            if !rig.jobs.is_empty() {
                rig.work();
            }
        }
        if !rig.responses.is_empty() {
            assert!(wait >= 4, "find, count, sign, write");
            return;
        }
        rig.cancel(HOME);
        while !rig.jobs.is_empty() {
            rig.work();
        }
        let status = rig.status();
        rig.works = true;
        let expected = if status == Status::Ok { Some(blob(10)) } else { None };
        assert_eq!(read(&mut rig, &id), expected, "cancelled at wait {wait}: {status:?}");
    }
}

#[test]
fn a_blob_goes_with_its_credential() {
    let mut rig = Rig::new(config());
    let old = with_place(&mut rig, "alice");
    write(&mut rig, &old, &blob(10));
    let new = with_place(&mut rig, "alice");
    assert_eq!(read(&mut rig, &new), None);
    let request = asking(&old, LargeBlobInput::Read);
    assert_eq!(rig.sign_in(&request).unwrap_err(), Status::NoCredentials);
    rig.power_up();
    rig.call(&Request::Reset).unwrap();
    assert!(rig.store.is_empty());
}

#[test]
fn a_write_changes_nothing_else_of_the_credential() {
    let mut rig = Rig::new(config());
    let id = with_place(&mut rig, "alice");
    let before = rig.store.credential(&id).unwrap();
    rig.forget_past();
    write(&mut rig, &id, &blob(10));
    let mut after = rig.store.credential(&id).unwrap();
    assert!(matches!(rig.events[..], [Event::Used { .. }]));
    let kept: &mut ExtensionData = after.extensions.as_mut().unwrap();
    assert_eq!(kept.large_blob.as_ref().and_then(LargeBlobPlace::blob), Some(&blob(10)));
    kept.large_blob = Some(LargeBlobPlace::Empty);
    after.revision -= 1;
    assert_eq!(after, before);
}

#[test]
fn lengths_that_can_not_be_kept_are_refused_in_the_config() {
    let wrong = |change: fn(&mut Config)| {
        let mut config = config();
        change(&mut config);
        config.validate().unwrap_err()
    };
    let out =
        |error| matches!(error, ConfigError::OutOfRange { member: "extensions.large_blobs", .. });
    assert!(out(wrong(|c| c.extensions.large_blobs = LargeBlobs::Extension(0))));
    assert!(out(wrong(|c| c.extensions.large_blobs = LargeBlobs::Extension(6042))));
    assert!(out(wrong(|c| c.extensions.large_blobs = LargeBlobs::Extension(usize::MAX))));
    assert!(out(wrong(|c| c.limits.max_msg_size = 1200)));
    assert!(out(wrong(|c| c.extensions.cred_blob = Some(6000))));
    assert!(out(wrong(|c| c.extensions.large_blobs = LargeBlobs::Command(1023))));
    assert!(out(wrong(|c| {
        c.credentials.algorithms.push(algorithm::ML_DSA_65);
        c.extensions.large_blobs = LargeBlobs::Extension(3000);
    })));
    let undiscoverable = |c: &mut Config| {
        c.credentials.discoverable = false;
        (c.tokens.credential_management, c.tokens.persistent_token) = (false, false);
    };
    assert!(matches!(
        wrong(undiscoverable),
        ConfigError::Needs { feature: "extensions.large_blobs", .. }
    ));
}
