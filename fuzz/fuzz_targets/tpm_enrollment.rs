//! What an authority is asked and what it answers: what is read is written again with the same
//! meaning, and nothing that is read makes the authority of tests panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use towline_tpm::{CertifiedKey, Enrollment, EnrollmentAnswer};
use towline_virtual::attestation::TpmAuthority;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(kept) = CertifiedKey::decode(bytes) {
        assert_eq!(CertifiedKey::decode(&kept.encode()).as_ref(), Ok(&kept));
    }
    let Ok(json) = std::str::from_utf8(bytes) else { return };
    if let Ok(answer) = EnrollmentAnswer::from_json(json) {
        assert_eq!(EnrollmentAnswer::from_json(&answer.to_json()).as_ref(), Ok(&answer));
    }
    if let Ok(request) = Enrollment::from_json(json) {
        assert_eq!(Enrollment::from_json(&request.to_json()).as_ref(), Ok(&request));
        let authority = TpmAuthority::new(1).expect("an authority");
        let _certified = authority.answer(&request);
    }
});
