//! Whatever a site asks of the client: a ceremony that goes on with an authenticator, or the name
//! of an exception.
#![no_main]

use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use towline_client::{
    Caller, Client, CompiledPublicSuffixes, Create, Get, Origin, Signal, SignalKind,
};
use towline_ctap::Transport;

fuzz_target!(|text: &str| {
    let client = Client::new(towline_crypto_test::fake::provider(0));
    let caller = Caller::from(Origin::parse("https://example.org").expect("an origin"));
    let now = Instant::now();
    // getInfo of a key that can nothing but the least.
    let info = [&[0xa2, 0x01, 0x81, 0x68][..], b"FIDO_2_0", &[0x03, 0x50], &[0; 16]].concat();
    match Create::new(&client, &caller, text, now) {
        Ok(mut create) => {
            create.handle_info(&info, &Transport::Usb);
            assert!(create.poll_output().is_some());
        }
        Err(error) => assert!(error.name().ends_with("Error")),
    }
    match Get::new(&client, &caller, text, now) {
        Ok(mut get) => {
            get.handle_info(&info, &Transport::Usb);
            // Beside a form, the site is not told that there is nothing.
            assert!(get.poll_output().is_some() || get.untold().is_some());
        }
        Err(error) => assert!(error.name().ends_with("Error")),
    }
    for kind in [
        SignalKind::UnknownCredential,
        SignalKind::AllAcceptedCredentials,
        SignalKind::CurrentUserDetails,
    ] {
        if let Err(error) = Signal::new(&client, &caller, kind, text) {
            assert!(matches!(error.name(), "TypeError" | "SecurityError"));
        }
    }
    if let Ok(caller) = caller.related("example.com", text) {
        let _listed = caller.rp_id(Some("example.com"), &CompiledPublicSuffixes);
    }
});
