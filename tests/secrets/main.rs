//! Runs whole journeys with everything that is logged captured, and looks for secrets in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs,
    unreachable_pub,
    dead_code
)]

mod recorder;
mod search;
mod shown;
#[path = "../support/mod.rs"]
mod support;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use towline::{
    Phone,
    hybrid::{
        internal::eid::EidKey,
        internal::secrets::{Psk, QrSecret},
        qr::QrPayload,
    },
    radio::Scanner,
};
use towline_testkit::Log;
use towline_virtual::{Builder, Parts, ScriptedPerson, person::*};
use tracing_subscriber::fmt::format::FmtSpan;

use crate::{recorder::Recorder, search::Secrets, support::*};

/// Unlikely to stand in a log for another reason.
const ACCOUNTS: [&str; 2] = ["zyxwv-alice-9471", "zyxwv-bob-9472"];
const KEY_NAME: &str = "zyxwv-phone-9473";

fn bytes(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn no_secret_is_traced() {
    // All that is logged in this process, at the finest level, with every field.
    let log = Log::default();
    let writer = log.clone();
    // All but the site's verifier, which is not ours and logs what it is given.
    tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_env_filter("trace,webauthn_rs_core=off")
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .init();
    let recorder = Recorder::new();
    let world = World::with_provider(recorder.provider()).await;
    // Not a fake phone as a whole: the recorder is under all of it.
    let parts = Builder::phone().provider(world.provider.clone()).build_parts().unwrap();
    let Parts { authenticator, person, passkeys, .. } = parts;
    let (provider, transport) = (world.provider.clone(), world.phone_transport());
    let mut phone = Phone::new(authenticator, provider, transport, person.clone());
    let mut secrets = Secrets::default();
    let mut shown = String::new();
    let rp = &world.site.rp;

    for (account, answers) in [
        (ACCOUNTS[0], vec![]),
        (ACCOUNTS[1], vec![Reply::FailTheLock, Reply::Consent]),
        // Excluded, and declined: what fails is logged, too.
        (ACCOUNTS[0], vec![]),
        ("zyxwv-carol-9474", vec![Reply::Refuse]),
    ] {
        secrets.text("an account name", account);
        secrets.text("a key name", KEY_NAME);
        person.when(verifying()).does_in_turn(answers);
        let begun = rp.begin_registration(account, KEY_NAME).await.unwrap();
        secrets.bytes("a challenge", &bytes(&begun.public_key["challenge"]));
        secrets.bytes("a user handle", &bytes(&begun.public_key["user"]["id"]));
        let options = begun.public_key.to_string();
        let made =
            one(&world, &mut phone, &mut secrets, &mut shown, |computer, display| async move {
                computer.create(&display, &rp.origin(), &options).await
            })
            .await;
        if let Ok(made) = made {
            let made: Value = serde_json::from_str(&made).unwrap();
            secrets.bytes("a credential id", &bytes(&made["rawId"]));
            secrets.bytes("client data", &bytes(&made["response"]["clientDataJSON"]));
            rp.finish_registration(&begun.ceremony, made).await.unwrap();
        }
    }
    assert_eq!(passkeys.len(), 2);
    for account in [Some(ACCOUNTS[0]), None] {
        let begun = rp.begin_sign_in(account).await.unwrap();
        secrets.bytes("a challenge", &bytes(&begun.public_key["challenge"]));
        let options = begun.public_key.to_string();
        let used =
            one(&world, &mut phone, &mut secrets, &mut shown, |computer, display| async move {
                computer.get(&display, &rp.origin(), &options).await
            })
            .await;
        let used: Value = serde_json::from_str(&used.unwrap()).unwrap();
        secrets.bytes("a signature", &bytes(&used["response"]["signature"]));
        rp.finish_sign_in(&begun.ceremony, used).await.unwrap();
    }
    world.released().await;

    // What was drawn from the random source and derived from it, whoever did it.
    let recorded = recorder.recorded();
    for kind in
        ["random bytes", "a derived secret", "an AEAD key", "a shared secret", "an HMAC key"]
    {
        let number = recorded.iter().filter(|(what, _)| *what == kind).count();
        assert!(number >= 6, "{kind}: {number}");
    }
    for (what, secret) in &recorded {
        secrets.bytes(what, secret);
    }
    // The recorder misses nothing: what this test derived on its own is among it.
    for derived in secrets.of("recomputed") {
        assert!(recorded.iter().any(|(_, secret)| *secret == derived), "not recorded");
    }

    let log = log.text();
    for expected in ["towline_hybrid", "towline_tunnel", "towline_rp", "towline_authenticator"] {
        assert!(log.contains(expected), "{expected} logs nothing:\n{log}");
    }
    let found = secrets.find(&log);
    assert!(found.is_empty(), "{found:#?}\nin\n{log}");
    // The same for what a screen shows as a log would have it.
    let found = secrets.find(&shown);
    assert!(found.is_empty(), "{found:#?}\nin\n{shown}");

    // The search can fail: each secret is found where it stands, in each form.
    for (what, planted) in secrets.planted() {
        let line = format!("2026-01-01T00:00:00Z TRACE towline: x={planted} y=1");
        assert!(!secrets.find(&line).is_empty(), "{what} is not found as {planted}");
    }
}

/// One ceremony; its code's secrets are noted.
async fn one<T, F: Future<Output = T>>(
    world: &World,
    phone: &mut Phone<ScriptedPerson>,
    secrets: &mut Secrets,
    shown: &mut String,
    ceremony: impl FnOnce(towline::Computer, Display) -> F,
) -> T {
    let (display, mut camera) = Display::new();
    let remote = display.remote();
    let mut scan = world.air.radio().scan().await.unwrap();
    let running = ceremony(world.computer(), display);
    let scanning = async {
        let code = camera.scan().await.unwrap();
        let source = towline::hybrid::CodeSource::Camera;
        let served = phone.answer_code(&code, source).await;
        (code, served)
    };
    let hearing = async { scan.next().await.unwrap() };
    let (result, (code, served), sighting) =
        in_time(async { tokio::join!(running, scanning, hearing) }).await;
    drop(scan);
    *shown += &format!("{served:?}\n{:?}\n", remote.see(|shown| shown.debug.clone()));

    let provider = provider();
    secrets.text("the code", &code);
    secrets.text("the code's digits", &code["FIDO:/".len()..]);
    secrets.text("the code's first digits", &code["FIDO:/".len()..][..34]);
    let secret: QrSecret = QrPayload::from_uri(&provider, &code).unwrap().secret;
    let eid_key = EidKey::qr(&provider, &secret).unwrap();
    let advert = eid_key.prepare(&provider).open_qr(&sighting.service_data).unwrap();
    let psk = Psk::qr(&provider, &secret, &advert.eid).unwrap();
    secrets.bytes("recomputed", eid_key.expose());
    secrets.bytes("recomputed", psk.expose());
    secrets.bytes("recomputed", secret.tunnel_id(&provider).unwrap().as_bytes());
    secrets.bytes("recomputed", secret.expose());
    secrets.bytes("the advert's plaintext", advert.eid.expose());
    result
}
