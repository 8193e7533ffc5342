//! Configs that contradict themselves, or claim what is not there, make no authenticator.

use std::time::Duration;

use towline_authenticator::{
    Authenticator, Backup, BuiltInVerification, Config, ConfigError, MemoryStore, SoftwareKeys,
};
use towline_crypto::CryptoProvider;
use towline_ctap::{Transport, Version};

#[track_caller]
fn refuses(mut config: Config, error: ConfigError, change: impl FnOnce(&mut Config)) {
    assert_eq!(config.check(), Ok(()));
    change(&mut config);
    assert_eq!(config.check(), Err(error.clone()));
    let provider = towline_crypto::rustcrypto::provider();
    let keys = SoftwareKeys::new(provider.clone());
    let made = Authenticator::new(config, provider, MemoryStore::new(), keys);
    assert_eq!(made.unwrap_err(), error);
}

fn out_of_range(config: Config, member: &str, change: impl FnOnce(&mut Config)) {
    let mut changed = config;
    change(&mut changed);
    match changed.check() {
        Err(ConfigError::OutOfRange { member: found, .. }) => assert_eq!(found, member),
        other => panic!("{member}: {other:?}"),
    }
}

#[test]
fn the_presets_are_sound() {
    for config in
        [Config::phone(), Config::security_key(), Config::platform(), Config::fingerprint_key()]
    {
        assert_eq!(config.check(), Ok(()));
    }
}

#[test]
fn versions_that_are_not_kept_can_not_be_claimed() {
    for version in [
        Version::Fido2_1Pre,
        Version::Fido2_3,
        Version::from("FIDO_2_2"),
        Version::from("FIDO_3_0"),
    ] {
        let error = ConfigError::Version(version.as_str().into());
        refuses(Config::phone(), error, |config| config.versions.push(version));
    }
}

#[test]
fn lists_are_neither_empty_nor_repetitive() {
    refuses(Config::phone(), ConfigError::Empty("versions"), |c| c.versions.clear());
    refuses(Config::phone(), ConfigError::Empty("transports"), |c| c.transports.clear());
    refuses(Config::phone(), ConfigError::Empty("algorithms"), |c| c.algorithms.clear());
    refuses(Config::phone(), ConfigError::Empty("attestation_formats"), |c| {
        c.attestation_formats.clear();
    });
    refuses(Config::security_key(), ConfigError::Repeated("transports"), |c| {
        c.transports.push(Transport::Usb);
    });
    refuses(Config::phone(), ConfigError::Repeated("algorithms"), |c| c.algorithms.push(-7));
    refuses(Config::phone(), ConfigError::Repeated("versions"), |c| {
        c.versions.push(Version::Fido2_0);
    });
}

#[test]
fn verification_needs_a_token_unless_it_is_a_phone() {
    refuses(Config::phone(), ConfigError::TokenRequired, |c| c.verification_without_token = false);
}

#[test]
fn always_and_not_required_exclude_each_other() {
    refuses(Config::phone(), ConfigError::AlwaysUvAndNotRequired, |c| {
        c.always_uv = true;
        c.make_cred_uv_not_rqd = true;
    });
}

#[test]
fn who_always_verifies_needs_means_to() {
    refuses(Config::security_key(), ConfigError::NoVerification("always_uv"), |c| {
        c.always_uv = true;
        c.make_cred_uv_not_rqd = false;
        c.client_pin = None;
        c.persistent_token = false;
        c.credential_management = false;
    });
    refuses(Config::phone(), ConfigError::NoVerification("verify_unasked"), |c| {
        c.verification = None;
    });
}

#[test]
fn what_needs_tokens_needs_their_means() {
    refuses(
        Config::security_key(),
        ConfigError::Needs { feature: "client_pin", needs: "a PIN/UV auth protocol" },
        |c| c.pin_uv_auth_protocols.clear(),
    );
    refuses(
        Config::security_key(),
        ConfigError::Needs { feature: "credential_management", needs: "PIN/UV tokens" },
        |c| c.client_pin = None,
    );
    refuses(
        Config::security_key(),
        ConfigError::Needs { feature: "credential_management", needs: "discoverable credentials" },
        |c| c.discoverable = false,
    );
    refuses(
        Config::security_key(),
        ConfigError::Needs { feature: "persistent_token", needs: "`credential_management`" },
        |c| c.credential_management = false,
    );
    refuses(Config::security_key(), ConfigError::Repeated("pin_uv_auth_protocols"), |c| {
        let first = c.pin_uv_auth_protocols[0];
        c.pin_uv_auth_protocols.push(first);
    });
}

#[test]
fn a_pin_stays_within_the_standard() {
    type Change = fn(&mut towline_authenticator::ClientPin);
    let changes: [(Change, &str); 7] = [
        (|pin| pin.max_retries = 0, "client_pin.max_retries"),
        (|pin| pin.max_retries = 9, "client_pin.max_retries"),
        (|pin| pin.min_length = 3, "client_pin.min_length"),
        (|pin| pin.min_length = 64, "client_pin.min_length"),
        (|pin| pin.max_length = 7, "client_pin.max_length"),
        (|pin| pin.max_length = 64, "client_pin.max_length"),
        (|pin| (pin.min_length, pin.max_length) = (10, 9), "client_pin.max_length"),
    ];
    for (change, name) in changes {
        let mut config = Config::security_key();
        change(config.client_pin.as_mut().unwrap());
        let Err(ConfigError::OutOfRange { member, .. }) = config.check() else { panic!("{name}") };
        assert_eq!(member, name);
    }
}

#[test]
fn only_what_is_eligible_is_backed_up() {
    refuses(Config::phone(), ConfigError::BackedUpButNotEligible, |c| {
        c.backup = Backup { eligible: false, backed_up: true };
    });
}

#[test]
fn an_algorithm_is_needed_that_the_keys_have() {
    let provider = towline_crypto::rustcrypto::provider();
    let bare = CryptoProvider { signatures: &[], ..provider.clone() };
    let keys = SoftwareKeys::new(bare);
    let made = Authenticator::new(Config::phone(), provider, MemoryStore::new(), keys);
    assert_eq!(made.unwrap_err(), ConfigError::NoAlgorithm);
}

#[test]
fn numbers_are_in_their_range() {
    let attempts = |attempts| {
        move |c: &mut Config| {
            let mut lock = BuiltInVerification::screen_lock();
            lock.attempts = attempts;
            c.verification = Some(lock);
        }
    };
    let retries = |max| {
        move |c: &mut Config| {
            let mut lock = BuiltInVerification::screen_lock();
            lock.max_retries = max;
            c.verification = Some(lock);
        }
    };
    out_of_range(Config::phone(), "verification.attempts", attempts(0));
    out_of_range(Config::phone(), "verification.attempts", attempts(6));
    out_of_range(Config::phone(), "verification.max_retries", retries(0));
    out_of_range(Config::phone(), "verification.max_retries", retries(26));
    out_of_range(Config::phone(), "max_msg_size", |c| c.max_msg_size = 1023);
    out_of_range(Config::phone(), "max_credential_count_in_list", |c| {
        c.max_credential_count_in_list = 0;
    });
    out_of_range(Config::phone(), "user_action_timeout", |c| {
        c.user_action_timeout = Duration::ZERO;
    });
    out_of_range(Config::phone(), "work_timeout", |c| c.work_timeout = Duration::ZERO);
    out_of_range(Config::phone(), "next_assertion_timeout", |c| {
        c.next_assertion_timeout = Duration::from_secs(31);
    });
    out_of_range(Config::phone(), "keepalive", |c| c.keepalive = Some(Duration::ZERO));
}
