//! Configs that contradict themselves, or claim what is not there, make no authenticator.

use std::time::Duration;

use crate::rig::*;

use towline_authenticator::{
    Authenticator, BuiltInVerification, Config, ConfigError, MemoryStore, SoftwareKeys,
};
use towline_crypto::CryptoProvider;
use towline_ctap::{
    Aaguid, AuthenticatorOptions, Transport, Version,
    extension::{CredentialProtectionPolicy, ExtensionValue},
};

#[track_caller]
fn refuses(mut config: Config, error: ConfigError, change: impl FnOnce(&mut Config)) {
    assert_eq!(config.validate(), Ok(()));
    change(&mut config);
    assert_eq!(config.validate(), Err(error.clone()));
    let provider = towline_crypto::rustcrypto::provider();
    let keys = SoftwareKeys::new(provider.clone());
    let made = Authenticator::new(config, provider, MemoryStore::new(), keys);
    assert_eq!(made.unwrap_err(), error);
}

fn out_of_range(config: Config, member: &str, change: impl FnOnce(&mut Config)) {
    let mut changed = config;
    change(&mut changed);
    match changed.validate() {
        Err(ConfigError::OutOfRange { member: found, .. }) => assert_eq!(found, member),
        other => panic!("{member}: {other:?}"),
    }
}

#[test]
fn the_presets_are_sound() {
    for config in
        [Config::phone(), Config::security_key(), Config::platform(), Config::fingerprint_key()]
    {
        assert_eq!(config.validate(), Ok(()));
    }
}

#[test]
fn the_neutral_config_has_as_little_as_there_can_be() {
    let config = Config::new(Aaguid::new([7; 16]));
    assert_eq!(config.validate(), Ok(()));
    let info = Rig::new(config).info();
    assert_eq!(info.aaguid, Aaguid::new([7; 16]));
    assert_eq!(info.extensions, Some(vec![CredentialProtectionPolicy::ID.into()]));
    let options = AuthenticatorOptions { rk: Some(true), ..AuthenticatorOptions::default() };
    assert_eq!(info.options, options);
    assert_eq!(info.pin_uv_auth_protocols, None);
    assert_eq!(info.transports, Some(vec![Transport::Internal]));
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
        refuses(Config::phone(), error, |config| config.identity.versions.push(version));
    }
}

#[test]
fn lists_are_neither_empty_nor_repetitive() {
    refuses(Config::phone(), ConfigError::Empty("identity.versions"), |c| {
        c.identity.versions.clear()
    });
    refuses(Config::phone(), ConfigError::Empty("identity.transports"), |c| {
        c.identity.transports.clear()
    });
    refuses(Config::phone(), ConfigError::Empty("credentials.algorithms"), |c| {
        c.credentials.algorithms.clear()
    });
    refuses(Config::phone(), ConfigError::Empty("attestation.formats"), |c| {
        c.attestation.formats.clear();
    });
    refuses(Config::security_key(), ConfigError::Repeated("identity.transports"), |c| {
        c.identity.transports.push(Transport::Usb);
    });
    refuses(Config::phone(), ConfigError::Repeated("credentials.algorithms"), |c| {
        c.credentials.algorithms.push(-7)
    });
    refuses(Config::phone(), ConfigError::Repeated("identity.versions"), |c| {
        c.identity.versions.push(Version::Fido2_0);
    });
}

#[test]
fn verification_needs_a_token_unless_it_is_a_phone() {
    refuses(Config::phone(), ConfigError::TokenRequired, |c| {
        c.verification.built_in.as_mut().unwrap().without_token = false;
    });
}

#[test]
fn always_and_not_required_exclude_each_other() {
    refuses(Config::phone(), ConfigError::AlwaysUvAndNotRequired, |c| {
        c.verification.always_uv = true;
        c.verification.make_cred_uv_not_rqd = true;
    });
}

#[test]
fn who_always_verifies_needs_means_to() {
    refuses(Config::security_key(), ConfigError::NoVerification("verification.always_uv"), |c| {
        c.verification.always_uv = true;
        c.verification.make_cred_uv_not_rqd = false;
        c.pin = None;
        c.tokens.persistent_token = false;
        c.tokens.credential_management = false;
    });
    refuses(Config::phone(), ConfigError::NoVerification("verification.unasked"), |c| {
        c.verification.built_in = None;
    });
}

#[test]
fn what_needs_tokens_needs_their_means() {
    refuses(
        Config::security_key(),
        ConfigError::Needs { feature: "pin", needs: "a PIN/UV auth protocol" },
        |c| c.tokens.pin_uv_auth_protocols.clear(),
    );
    refuses(
        Config::security_key(),
        ConfigError::Needs { feature: "tokens.credential_management", needs: "PIN/UV tokens" },
        |c| c.pin = None,
    );
    refuses(
        Config::security_key(),
        ConfigError::Needs {
            feature: "tokens.credential_management",
            needs: "discoverable credentials",
        },
        |c| c.credentials.discoverable = false,
    );
    refuses(
        Config::phone(),
        ConfigError::Needs {
            feature: "credentials.only_discoverable",
            needs: "discoverable credentials",
        },
        |c| (c.credentials.discoverable, c.credentials.only_discoverable) = (false, true),
    );
    refuses(
        Config::security_key(),
        ConfigError::Needs { feature: "tokens.persistent_token", needs: "`credential_management`" },
        |c| c.tokens.credential_management = false,
    );
    refuses(Config::security_key(), ConfigError::Repeated("tokens.pin_uv_auth_protocols"), |c| {
        let first = c.tokens.pin_uv_auth_protocols[0];
        c.tokens.pin_uv_auth_protocols.push(first);
    });
}

#[test]
fn a_pin_stays_within_the_standard() {
    type Change = fn(&mut towline_authenticator::ClientPin);
    let changes: [(Change, &str); 7] = [
        (|pin| pin.max_retries = 0, "pin.max_retries"),
        (|pin| pin.max_retries = 9, "pin.max_retries"),
        (|pin| pin.min_length = 3, "pin.min_length"),
        (|pin| pin.min_length = 64, "pin.min_length"),
        (|pin| pin.max_length = 7, "pin.max_length"),
        (|pin| pin.max_length = 64, "pin.max_length"),
        (|pin| (pin.min_length, pin.max_length) = (10, 9), "pin.max_length"),
    ];
    for (change, name) in changes {
        let mut config = Config::security_key();
        change(config.pin.as_mut().unwrap());
        let Err(ConfigError::OutOfRange { member, .. }) = config.validate() else {
            panic!("{name}")
        };
        assert_eq!(member, name);
    }
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
            c.verification.built_in = Some(lock);
        }
    };
    let retries = |max| {
        move |c: &mut Config| {
            let mut lock = BuiltInVerification::screen_lock();
            lock.max_retries = max;
            c.verification.built_in = Some(lock);
        }
    };
    out_of_range(Config::phone(), "verification.built_in.attempts", attempts(0));
    out_of_range(Config::phone(), "verification.built_in.attempts", attempts(6));
    out_of_range(Config::phone(), "verification.built_in.max_retries", retries(0));
    out_of_range(Config::phone(), "verification.built_in.max_retries", retries(26));
    out_of_range(Config::phone(), "limits.max_msg_size", |c| c.limits.max_msg_size = 1023);
    out_of_range(Config::phone(), "limits.max_credential_count_in_list", |c| {
        c.limits.max_credential_count_in_list = 0;
    });
    out_of_range(Config::phone(), "timing.user_action_timeout", |c| {
        c.timing.user_action_timeout = Duration::ZERO;
    });
    out_of_range(Config::phone(), "timing.work_timeout", |c| {
        c.timing.work_timeout = Duration::ZERO
    });
    out_of_range(Config::phone(), "timing.next_assertion_timeout", |c| {
        c.timing.next_assertion_timeout = Duration::from_secs(31);
    });
}
