//! authenticatorClientPIN: the PIN is set, changed, tried and blocked.

use crate::rig::{platform::*, *};
use towline_authenticator::{
    Config, CredentialStore, Event, MemoryStore, PinComplexity, Record, ResetTime, SoftwareKeys,
    Work,
};
use towline_ctap::{ClientPinRequest, KeyAgreementKey, Permissions, Request, Status};

const PIN: &str = "2468-blue";

fn key() -> Rig {
    Rig::new(Config::security_key())
}

fn with_pin(protocol: u64) -> (Rig, Platform) {
    let mut rig = key();
    let platform = Platform::agree(&mut rig, protocol);
    platform.set_pin(&mut rig, PIN).unwrap();
    (rig, platform)
}

fn try_pin(rig: &mut Rig, pin: &str) -> Result<PlatformToken, Status> {
    Platform::agree(rig, 2).pin_token(rig, pin, Permissions::GA, Some("example.org"))
}

#[test]
fn a_pin_is_set_and_found_in_get_info() {
    for protocol in [1, 2] {
        let mut rig = key();
        assert_eq!(rig.info().options.client_pin, Some(false));
        let platform = Platform::agree(&mut rig, protocol);
        platform.set_pin(&mut rig, PIN).unwrap();
        assert_eq!(rig.info().options.client_pin, Some(true));
        assert_eq!(rig.events, [Event::PinChanged]);
        assert_eq!(platform.set_pin(&mut rig, "another"), Err(Status::PinAuthInvalid));
    }
}

#[test]
fn a_pin_survives_a_restart() {
    let (rig, _) = with_pin(2);
    let mut rig = Rig::over(Config::security_key(), rig.store);
    assert_eq!(rig.info().options.client_pin, Some(true));
    try_pin(&mut rig, PIN).unwrap();
    assert_eq!(try_pin(&mut rig, "wrong"), Err(Status::PinInvalid));
}

#[test]
fn the_store_never_sees_the_pin() {
    let (mut rig, _) = with_pin(2);
    let Work::Done(Ok(Some(record))) = rig.store.record(Record::Pin) else { panic!() };
    assert_eq!(record.len(), 17);
    assert_eq!(record[..16], rig.provider.sha256.hash(&[PIN.as_bytes()])[..16]);
    assert_eq!(usize::from(record[16]), PIN.chars().count());
}

#[test]
fn pins_that_are_too_short_too_long_or_not_text_break_the_policy() {
    let mut rig = key();
    let platform = Platform::agree(&mut rig, 2);
    for pin in ["", "123", "äöü", &"x".repeat(64), &"ä".repeat(32)] {
        assert_eq!(platform.set_pin(&mut rig, pin), Err(Status::PinPolicyViolation), "{pin}");
    }
    let mut latin1 = b"caf\xe9-au-lait".to_vec();
    latin1.resize(64, 0);
    let encrypted = platform.encrypt(&latin1);
    assert_eq!(platform.set_encrypted(&mut rig, encrypted), Err(Status::PinPolicyViolation));
    assert_eq!(rig.info().options.client_pin, Some(false));
    platform.set_pin(&mut rig, &"x".repeat(63)).unwrap();
}

#[test]
fn a_new_pin_that_is_not_64_bytes_long_is_an_invalid_parameter() {
    for protocol in [1, 2] {
        let mut rig = key();
        let platform = Platform::agree(&mut rig, protocol);
        for length in [0, 16, 48, 80] {
            let encrypted = platform.encrypt(&vec![b'1'; length]);
            let set = platform.set_encrypted(&mut rig, encrypted);
            assert_eq!(set, Err(Status::InvalidParameter), "{length}");
        }
        assert_eq!(platform.set_encrypted(&mut rig, vec![1; 65]), Err(Status::PinAuthInvalid));
    }
}

#[test]
fn a_mac_that_does_not_fit_sets_no_pin() {
    for protocol in [1, 2] {
        let mut rig = key();
        let platform = Platform::agree(&mut rig, protocol);
        let new_pin_enc = platform.padded(PIN);
        let good = platform.mac(&new_pin_enc);
        let mut other = good.clone();
        other[0] ^= 1;
        for param in [vec![], good[1..].to_vec(), [good.clone(), vec![0]].concat(), other] {
            let request = ClientPinRequest::SetPin {
                protocol,
                key_agreement: platform.key,
                param,
                new_pin_enc: new_pin_enc.clone(),
            };
            assert_eq!(client_pin(&mut rig, request), Err(Status::PinAuthInvalid));
        }
    }
}

#[test]
fn a_peer_that_is_no_point_of_the_curve_is_an_invalid_parameter() {
    let mut rig = key();
    let mut platform = Platform::agree(&mut rig, 2);
    platform.key = KeyAgreementKey { x: [1; 32], y: [1; 32] };
    assert_eq!(platform.set_pin(&mut rig, PIN), Err(Status::InvalidParameter));
}

#[test]
fn unknown_protocols_and_subcommands_are_told_apart() {
    let mut rig = key();
    for protocol in [0, 3, u64::MAX] {
        let request = ClientPinRequest::GetKeyAgreement { protocol };
        assert_eq!(client_pin(&mut rig, request), Err(Status::InvalidParameter));
    }
    // {2: 8}
    rig.send(HOME, &[0x06, 0xa1, 0x02, 0x08]);
    assert_eq!(rig.status(), Status::InvalidSubcommand);
    // Without built-in verification there is nothing to retry.
    let uv = client_pin(&mut rig, ClientPinRequest::GetUvRetries);
    assert_eq!(uv, Err(Status::InvalidSubcommand));
}

#[test]
fn without_tokens_the_command_is_not_there() {
    let mut rig = Rig::new(Config::phone());
    assert_eq!(rig.call(&ClientPinRequest::GetPinRetries.into()), Err(Status::InvalidCommand));
    rig.send(HOME, &[0x06]);
    assert_eq!(rig.status(), Status::InvalidCommand);
}

#[test]
fn a_wrong_pin_takes_a_retry_and_a_right_one_gives_all_back() {
    let (mut rig, _) = with_pin(2);
    assert_eq!(pin_retries(&mut rig), (8, None));
    assert_eq!(try_pin(&mut rig, "wrong"), Err(Status::PinInvalid));
    assert_eq!(try_pin(&mut rig, "wrong"), Err(Status::PinInvalid));
    assert_eq!(pin_retries(&mut rig), (6, None));
    try_pin(&mut rig, PIN).unwrap();
    assert_eq!(pin_retries(&mut rig), (8, None));
}

#[test]
fn three_wrong_pins_in_a_row_need_a_power_up() {
    let (mut rig, _) = with_pin(2);
    assert_eq!(try_pin(&mut rig, "wrong"), Err(Status::PinInvalid));
    assert_eq!(try_pin(&mut rig, "wrong"), Err(Status::PinInvalid));
    assert_eq!(try_pin(&mut rig, "wrong"), Err(Status::PinAuthBlocked));
    assert_eq!(pin_retries(&mut rig), (5, Some(true)));
    assert_eq!(try_pin(&mut rig, PIN), Err(Status::PinAuthBlocked));
    assert_eq!(pin_retries(&mut rig), (5, Some(true)));
    assert!(rig.events.contains(&Event::PinBlocked { until_power_up: true }));
    rig.power_up();
    try_pin(&mut rig, PIN).unwrap();
    assert_eq!(pin_retries(&mut rig), (8, None));
}

#[test]
fn eight_wrong_pins_block_it_until_a_reset() {
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    let mut rig = Rig::new(config);
    Platform::agree(&mut rig, 2).set_pin(&mut rig, PIN).unwrap();
    for wrong in 1..=8 {
        let status = try_pin(&mut rig, "wrong").unwrap_err();
        let expected = match wrong {
            8 => Status::PinBlocked,
            _ => Status::PinInvalid,
        };
        assert_eq!(status, expected, "{wrong}");
        rig.power_up();
    }
    assert_eq!(try_pin(&mut rig, PIN), Err(Status::PinBlocked));
    assert_eq!(pin_retries(&mut rig).0, 0);
    let platform = Platform::agree(&mut rig, 2);
    assert_eq!(platform.change_pin(&mut rig, PIN, "another"), Err(Status::PinBlocked));
    rig.call(&Request::Reset).unwrap();
    assert_eq!(rig.info().options.client_pin, Some(false));
    Platform::agree(&mut rig, 2).set_pin(&mut rig, "another").unwrap();
    assert_eq!(pin_retries(&mut rig), (8, None));
}

#[test]
fn the_retry_is_durable_before_the_comparison() {
    let provider = towline_crypto::rustcrypto::provider();
    let store = MemoryStore::new();
    let keys = RiggedKeys::slow(provider.clone());
    let slow = RiggedStore::slow(store.clone());
    let mut rig = Rig::with(Config::security_key(), provider, store.clone(), slow, keys);
    let platform = Platform::agree(&mut rig, 2);
    platform.set_pin(&mut rig, PIN).unwrap();
    let retries = |store: &MemoryStore| match store.clone().record(Record::PinRetries) {
        Work::Done(Ok(Some(record))) => record[0],
        _ => panic!(),
    };
    assert_eq!(retries(&store), 8);
    rig.works = false;
    let request = ClientPinRequest::GetPinToken {
        protocol: 2,
        key_agreement: platform.key,
        pin_hash_enc: platform.pin_hash(PIN),
    };
    rig.send(HOME, &Request::from(request).encode());
    let (token, job) = rig.jobs.pop_front().unwrap();
    let done = job.run();
    // The power fails here: nobody has learned yet whether the PIN was right.
    assert_eq!(retries(&store), 7);
    assert!(rig.responses.is_empty());
    rig.authenticator.handle_work(token, done, rig.now).unwrap();
    rig.pump();
    rig.work();
    assert_eq!(retries(&store), 8);
    assert_eq!(rig.status(), Status::Ok);
}

#[test]
fn a_store_that_fails_gives_no_free_try() {
    let provider = towline_crypto::rustcrypto::provider();
    let (fuse, memory) = (Fuse::default(), MemoryStore::new());
    let keys = SoftwareKeys::new(provider.clone());
    let store = RiggedStore::fragile(memory.clone(), &fuse);
    let mut rig = Rig::with(Config::security_key(), provider, memory, store, keys);
    let platform = Platform::agree(&mut rig, 2);
    platform.set_pin(&mut rig, PIN).unwrap();
    fuse.blow_at(Some(0));
    // Right or wrong, the answer is the same: it was not compared.
    let ga = Permissions::GA;
    let given = platform.pin_token(&mut rig, PIN, ga, Some("example.org"));
    assert_eq!(given, Err(Status::Other));
    fuse.blow_at(Some(0));
    let given = platform.pin_token(&mut rig, "wrong", ga, Some("example.org"));
    assert_eq!(given, Err(Status::Other));
    assert_eq!(pin_retries(&mut rig), (8, None));
    // The retries can't be given back: no token, and the retry stays taken.
    fuse.blow_at(Some(1));
    let given = platform.pin_token(&mut rig, PIN, ga, Some("example.org"));
    assert_eq!(given, Err(Status::Other));
    assert_eq!(pin_retries(&mut rig), (7, None));
    try_pin(&mut rig, PIN).unwrap();
}

#[test]
fn a_failed_save_of_a_pin_sets_none() {
    let provider = towline_crypto::rustcrypto::provider();
    let (fuse, memory) = (Fuse::default(), MemoryStore::new());
    let keys = SoftwareKeys::new(provider.clone());
    let store = RiggedStore::fragile(memory.clone(), &fuse);
    let mut rig = Rig::with(Config::security_key(), provider, memory, store, keys);
    let platform = Platform::agree(&mut rig, 2);
    fuse.blow_at(Some(0));
    assert_eq!(platform.set_pin(&mut rig, PIN), Err(Status::Other));
    assert_eq!(rig.info().options.client_pin, Some(false));
    platform.set_pin(&mut rig, PIN).unwrap();
}

#[test]
fn a_damaged_record_lets_nobody_in_and_is_gone_after_a_reset() {
    let mut config = Config::security_key();
    config.reset.when = ResetTime::Always;
    let (rig, _) = with_pin(2);
    let change = towline_authenticator::Change::Record {
        record: Record::Pin,
        value: Some(zeroize::Zeroizing::new(vec![1, 2, 3])),
    };
    assert!(matches!(rig.store.clone().commit(vec![change]), Work::Done(Ok(()))));
    let mut rig = Rig::over(config, rig.store);
    let mut request = creation("example.org", "alice");
    request.options.rk = Some(true);
    assert_eq!(rig.create(&request).unwrap_err(), Status::Other);
    rig.call(&Request::Reset).unwrap();
    rig.create(&request).unwrap();
}

#[test]
fn changing_the_pin_needs_the_old_one() {
    for protocol in [1, 2] {
        let (mut rig, platform) = with_pin(protocol);
        assert_eq!(platform.change_pin(&mut rig, "wrong", "another"), Err(Status::PinInvalid));
        // A mismatch ends the key agreement.
        assert_eq!(platform.change_pin(&mut rig, PIN, "another"), Err(Status::PinAuthInvalid));
        assert_eq!(pin_retries(&mut rig), (7, None));
        let platform = Platform::agree(&mut rig, protocol);
        assert_eq!(platform.change_pin(&mut rig, PIN, "123"), Err(Status::PinPolicyViolation));
        platform.change_pin(&mut rig, PIN, "another").unwrap();
        assert_eq!(try_pin(&mut rig, PIN), Err(Status::PinInvalid));
        try_pin(&mut rig, "another").unwrap();
    }
    let mut rig = key();
    let platform = Platform::agree(&mut rig, 2);
    assert_eq!(platform.change_pin(&mut rig, PIN, "another"), Err(Status::PinNotSet));
    assert_eq!(try_pin(&mut rig, PIN), Err(Status::PinNotSet));
}

#[test]
fn simple_pins_are_refused_where_the_policy_says_so() {
    let mut config = Config::security_key();
    config.pin.as_mut().unwrap().complexity = PinComplexity::Enforced;
    let mut rig = Rig::new(config);
    assert_eq!(rig.info().pin_complexity_policy, Some(true));
    let platform = Platform::agree(&mut rig, 2);
    for pin in ["1234", "0000", "zyxw"] {
        assert_eq!(platform.set_pin(&mut rig, pin), Err(Status::PinPolicyViolation));
    }
    platform.set_pin(&mut rig, "1357").unwrap();
}

#[test]
fn the_key_agreement_key_changes_with_each_power_up() {
    let mut rig = key();
    let get = |rig: &mut Rig, protocol| {
        let request = ClientPinRequest::GetKeyAgreement { protocol };
        client_pin(rig, request).unwrap().key_agreement.unwrap()
    };
    let first = get(&mut rig, 2);
    assert_eq!(get(&mut rig, 2), first);
    assert_ne!(get(&mut rig, 1), first);
    rig.power_up();
    assert_ne!(get(&mut rig, 2), first);
}

#[test]
fn protocol_two_never_encrypts_a_token_twice_alike() {
    let (mut rig, platform) = with_pin(2);
    let mut raw = || {
        let request = ClientPinRequest::GetPinToken {
            protocol: 2,
            key_agreement: platform.key,
            pin_hash_enc: platform.pin_hash(PIN),
        };
        client_pin(&mut rig, request).unwrap().pin_uv_auth_token.unwrap()
    };
    let (one, other) = (raw(), raw());
    assert_eq!(one.len(), 48);
    assert_ne!(one[..16], other[..16]);
}
