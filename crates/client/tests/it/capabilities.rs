//! What a page learns of the client (WebAuthn L3 §5.1.7).

use towline_client::Reach;

use crate::scripted::*;

#[test]
fn capabilities_follow_from_what_is_there() {
    let info = phone();
    let none = client().capabilities(&Reach::default());
    let platform = client().with_conditional_create(true).capabilities(&Reach {
        hybrid: true,
        related_origins: true,
        signals: true,
        platform: Some(&info),
    });
    assert!(platform.values().all(|able| *able), "{platform:?}");
    let can: Vec<&str> = none.iter().filter(|(_, able)| **able).map(|(name, _)| *name).collect();
    assert!(
        can.iter().all(|it| it.starts_with("extension:") || *it == "conditionalGet"),
        "{can:?}"
    );
    assert!(none.keys().eq(platform.keys()) && none.keys().is_sorted());
    assert!(!client().capabilities(&Reach::default())["conditionalCreate"]);
}

#[test]
fn a_key_without_passkeys_is_no_passkey_platform() {
    let info = simple_key();
    let capabilities = client().capabilities(&Reach { platform: Some(&info), ..Reach::default() });
    assert!(!capabilities["passkeyPlatformAuthenticator"] && !capabilities["immediateGet"]);
}
