//! authenticatorConfig: sequences of requests that make sense.
#![no_main]

use towline_fuzz::{Script, requests::authenticator_config::AuthenticatorConfig};

libfuzzer_sys::fuzz_target!(|script: Script<AuthenticatorConfig>| {
    script.run();
});
