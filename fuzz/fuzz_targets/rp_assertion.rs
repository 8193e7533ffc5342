//! Sign-ins of any JSON, against a passkey that counts and one that does not: refused, or the
//! counter has risen.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use towline_fuzz::site;
use towline_webauthn_rp::{
    CredentialRecord, Procedure, Verifier as _, VerifyError, check_user_handle,
};

/// The passkey of the seeds, as it was registered.
static RECORD: LazyLock<CredentialRecord> = LazyLock::new(|| {
    let verifier = site::verifier();
    let begun = verifier.begin_registration(&site::alice(), &[]).expect("options");
    let good = include_str!("../corpus/rp_registration/none");
    let good = serde_json::from_str(good).expect("a seed");
    verifier.finish_registration(begun.state, &good).expect("a good registration").record
});

fuzz_target!(|text: &str| {
    let Ok(response) = serde_json::from_str::<Value>(text) else { return };
    for (sign_count, listed) in [(0, true), (1, false), (u32::MAX, true)] {
        let verifier = site::verifier();
        let record = CredentialRecord { sign_count, ..RECORD.clone() };
        let allow = listed.then_some(std::slice::from_ref(&record));
        let begun = verifier.begin_sign_in(allow).expect("options");
        match verifier.finish_sign_in(begun.state, &record, &response) {
            Ok(check) => {
                let now = check.record.sign_count;
                assert!(now > sign_count || (now, sign_count) == (0, 0));
                assert_eq!(check.record.id, record.id);
                assert_eq!(check.record.public_key, record.public_key);
                assert_eq!(check.record.backup_eligible, record.backup_eligible);
                assert!(check_user_handle(&response, &record.user_handle, listed).is_ok());
            }
            Err(error) => {
                assert!(!matches!(error, VerifyError::Unavailable(_)));
                assert!(!error.to_string().is_empty());
                assert!(error.step(Procedure::SignIn).is_none_or(|step| step <= 24));
            }
        }
    }
});
