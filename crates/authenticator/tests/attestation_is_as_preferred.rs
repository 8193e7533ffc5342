//! Attestation formats: the preference of the client, and of each preset.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod rig;

use rig::*;
use towline_authenticator::{AttestationFormat, Config};

fn format(config: Config, preference: &[&str]) -> String {
    let mut rig = Rig::new(config);
    let mut request = creation("example.org", "alice");
    request.attestation_formats_preference = preference.iter().map(|f| (*f).into()).collect();
    rig.create(&request).unwrap().attestation.format().into()
}

#[test]
fn without_a_preference_each_preset_has_its_own() {
    assert_eq!(format(Config::phone(), &[]), "none");
    assert_eq!(format(Config::platform(), &[]), "packed");
    assert_eq!(format(Config::security_key(), &[]), "packed");
}

#[test]
fn the_first_supported_one_of_the_preference_is_made() {
    for config in [Config::phone(), Config::security_key()] {
        assert_eq!(format(config.clone(), &["none"]), "none");
        assert_eq!(format(config.clone(), &["packed", "none"]), "packed");
        assert_eq!(format(config.clone(), &["none", "packed"]), "none");
        assert_eq!(format(config, &["tpm", "", "packed"]), "packed");
    }
}

#[test]
fn a_preference_that_can_not_be_met_is_as_none_at_all() {
    assert_eq!(format(Config::phone(), &["tpm", "Packed"]), "none");
    assert_eq!(format(Config::security_key(), &["tpm"]), "packed");
}

#[test]
fn a_format_that_is_switched_off_is_not_made() {
    let mut config = Config::phone();
    config.attestation_formats = vec![AttestationFormat::None];
    assert_eq!(format(config.clone(), &["packed"]), "none");
    let mut rig = Rig::new(config);
    assert_eq!(rig.info().attestation_formats, Some(Vec::new()));
}
