//! authenticatorCredentialManagement: sequences of requests that make sense.
#![no_main]

use towline_fuzz::{Script, requests::credential_management::CredentialManagement};

libfuzzer_sys::fuzz_target!(|script: Script<CredentialManagement>| {
    script.run();
});
