//! authenticatorConfig.

use super::*;

fn set_min_pin_length() -> SetMinPinLength {
    SetMinPinLength {
        new_min_pin_length: Some(6),
        min_pin_length_rp_ids: Some(vec!["example.org".into()]),
        force_change_pin: Some(true),
        pin_complexity_policy: Some(false),
    }
}

fn subcommands() -> Vec<(i64, ConfigSubcommand)> {
    vec![
        (1, ConfigSubcommand::EnableEnterpriseAttestation),
        (2, ConfigSubcommand::ToggleAlwaysUv),
        (3, ConfigSubcommand::SetMinPinLength(set_min_pin_length())),
        (3, ConfigSubcommand::SetMinPinLength(SetMinPinLength::default())),
        (4, ConfigSubcommand::EnableLongTouchForReset),
        (0xff, ConfigSubcommand::VendorPrototype { command: Some(7) }),
        (0xff, ConfigSubcommand::VendorPrototype { command: None }),
    ]
}

#[test]
fn every_subcommand_survives_the_round_trip_and_no_truncation() {
    for (number, subcommand) in subcommands() {
        assert_eq!(i64::from(subcommand.to_u8()), number);
        for auth in [None, Some(auth())] {
            let mut request = ConfigRequest::new(subcommand.clone());
            request.auth = auth;
            truncations_are_refused(&request.into());
        }
    }
}

#[test]
fn the_proof_covers_a_prefix_the_command_and_the_parameters_as_they_came() {
    let params = map([(int(1), int(6)), (int(0x30), text("later"))]);
    let request = [(1, int(3)), (2, params.clone()), (3, int(2)), (4, bytes(&[5; 32]))];
    let Request::Config(read) = read(CONFIG, &request) else { panic!() };
    assert_eq!(read.params(), params.encode());
    let expected = [&[0xff; 32][..], &[0x0d, 3], &params.encode()].concat();
    assert_eq!(read.authenticated_message(), expected);
    assert_eq!(Request::from(*read).encode(), message(CONFIG, &request));

    let bare = ConfigRequest::new(ConfigSubcommand::ToggleAlwaysUv);
    assert_eq!(bare.authenticated_message(), [&[0xff; 32][..], &[0x0d, 2]].concat());
}

#[test]
fn subcommands_without_parameters_keep_those_that_come() {
    let params = map([(int(1), text("x"))]);
    let Request::Config(read) = read(CONFIG, &[(1, int(2)), (2, params.clone())]) else { panic!() };
    assert_eq!(read.subcommand(), &ConfigSubcommand::ToggleAlwaysUv);
    assert_eq!(read.params(), params.encode());
}

#[test]
fn what_is_wrong_is_named() {
    assert_eq!(status(CONFIG, &[]), Status::MissingParameter);
    for subcommand in [0, 5, 0xfe, 0x100] {
        assert_eq!(status(CONFIG, &[(1, int(subcommand))]), Status::InvalidSubcommand);
    }
    let unprotocolled = [(1, int(2)), (4, bytes(&[5; 32]))];
    assert_eq!(status(CONFIG, &unprotocolled), Status::MissingParameter);
    wrong_types_are_refused(
        CONFIG,
        &[(1, int(3)), (2, map([])), (3, int(2)), (4, bytes(&[5; 32]))],
    );
    for (key, value) in [
        (1, int(-1)),
        (1, text("6")),
        (2, text("example.org")),
        (2, array([bytes(b"example.org")])),
        (3, int(1)),
        (4, int(1)),
    ] {
        let request = [(1, int(3)), (2, map([(int(key), value.clone())]))];
        assert_eq!(status(CONFIG, &request), Status::CborUnexpectedType, "{key}: {value:?}");
    }
}

#[test]
fn an_empty_list_of_rp_ids_is_not_an_absent_one() {
    let read = |params| match read(CONFIG, &[(1, int(3)), (2, params)]) {
        Request::Config(request) => match request.subcommand() {
            ConfigSubcommand::SetMinPinLength(set) => set.min_pin_length_rp_ids.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(read(map([])), None);
    assert_eq!(read(map([(int(2), array([]))])), Some(Vec::new()));
}
