//! Registrations of any JSON: refused, or what is kept is what was said, and signs in.
#![no_main]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use towline_fuzz::site;
use towline_webauthn_rp::{Procedure, Verifier as _, VerifyError};

fuzz_target!(|text: &str| {
    let Ok(response) = serde_json::from_str(text) else { return };
    let judges: [fn() -> towline_webauthn_rp::StrictVerifier; 3] = [
        site::verifier,
        || site::verifier().with_attestation(site::anchors(true)),
        || site::verifier().without_attestation().without_user_verification(),
    ];
    for verifier in judges {
        let verifier = verifier();
        let alice = site::alice();
        let begun = verifier.begin_registration(&alice, &[]).expect("options");
        let check = match verifier.finish_registration(begun.state, &response) {
            Ok(check) => check,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert!(error.step(Procedure::Registration).is_none_or(|step| step <= 27));
                continue;
            }
        };
        let record = &check.record;
        assert_eq!(check.credential_id, URL_SAFE_NO_PAD.encode(&record.id));
        assert_eq!(record.user_handle, alice.handle);
        assert!(record.id.len() <= 1023);
        assert!(check.backup_eligible || !check.backed_up);
        // Whoever has it already, gets no second one.
        let again = site::verifier().without_attestation().without_user_verification();
        let again = again.begin_registration(&alice, std::slice::from_ref(record));
        let refused = verifier.finish_registration(again.expect("options").state, &response);
        assert_eq!(refused, Err(VerifyError::AlreadyRegistered));
    }
});
