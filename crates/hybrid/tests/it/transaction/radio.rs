//! The radio, as the machines see it: it works, it fails, or it is not needed any more.

use std::io;

use towline_hybrid::{
    ComputerEvent, Effect, Error, Machine, Opened, PhoneEvent, RadioFailure, tunnel::ConnectFailure,
};

use super::pair::Pair;

fn off() -> RadioFailure {
    RadioFailure::new(io::Error::other("Bluetooth is off"))
}

/// A pair whose radios are on, and do not reach each other.
fn apart() -> Pair {
    let mut pair = Pair::new();
    pair.air = |_| None;
    pair.settle();
    assert!(pair.computer_holds.radio && pair.phone_holds.radio);
    pair
}

#[test]
fn a_radio_that_fails_while_it_is_needed_ends_the_transaction() {
    let mut pair = apart();
    pair.computer.handle_radio_failed(off(), pair.now);
    pair.phone.handle_radio_failed(off(), pair.now);
    pair.settle();
    assert_eq!(*pair.computer_error(), Error::Radio(off()));
    assert_eq!(*pair.phone_error(), Error::Radio(off()));
    assert_eq!(pair.phone_error().to_string(), "Bluetooth is off");
    pair.check_released();
    let Error::Radio(failure) = pair.phone_error() else { panic!() };
    assert!(failure.downcast_ref::<io::Error>().is_some());
}

#[test]
fn a_radio_that_fails_when_it_is_not_needed_any_more_changes_nothing() {
    let mut pair = Pair::new();
    pair.shuts_down = false;
    pair.settle();
    assert_eq!(pair.responses.len(), 1);
    pair.computer.handle_radio_failed(off(), pair.now);
    pair.phone.handle_radio_failed(off(), pair.now);
    pair.computer.handle_radio_started("a late radio", pair.now);
    pair.phone.handle_radio_started("a late radio", pair.now);
    assert_eq!(pair.computer.poll_output(), None);
    assert_eq!(pair.phone.poll_output(), None);
}

#[test]
fn the_program_is_told_which_radio_is_on() {
    let mut pair = apart();
    let radio = String::from("a simulated radio");
    pair.computer.handle_radio_started(&radio, pair.now);
    pair.phone.handle_radio_started(&radio, pair.now);
    let listening = ComputerEvent::Listening { radio: radio.clone() };
    assert_eq!(pair.computer.poll_output(), Some(Effect::Tell(listening)));
    assert_eq!(pair.phone.poll_output(), Some(Effect::Tell(PhoneEvent::Advertising { radio })));
}

#[test]
fn a_new_tunnel_without_a_routing_id_is_of_no_use() {
    let mut pair = Pair::new();
    pair.phone_tunnel = Err(None);
    pair.settle();
    pair.phone.handle_opened(Opened::default(), pair.now);
    pair.settle();
    assert_eq!(*pair.phone_error(), Error::Tunnel(ConnectFailure::RoutingId));
    assert!(!pair.phone_holds.socket, "it is closed");
}
