//! The names of faults, and when they come.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use towline_ctap::Status;
use towline_virtual::{Builder, Error, Fault, FaultPlace, VirtualAuthenticator};

use crate::options::{ORIGIN, create, get, get_with};

#[test]
fn every_fault_has_one_name_and_a_sentence() {
    let names: BTreeSet<String> = Fault::ALL.iter().map(Fault::to_string).collect();
    assert_eq!(names.len(), Fault::ALL.len());
    assert!(names.len() >= 60);
    for fault in Fault::ALL {
        let name = fault.to_string();
        assert_eq!(name.parse(), Ok(*fault));
        assert!(name.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{name}");
        let sentence = fault.describe();
        assert!(sentence.starts_with(char::is_lowercase) && !sentence.ends_with('.'), "{sentence}");
    }
    for code in 0..=u8::MAX {
        let fault: Fault = format!("status-0x{code:02x}").parse().unwrap();
        assert_eq!(fault, Fault::Status(Status::from_u8(code)));
        assert_eq!(fault.place(), FaultPlace::Request);
    }
}

#[test]
fn a_name_that_is_wrong_is_answered_with_those_that_are_near() {
    let unknown = |name: &str| name.parse::<Fault>().unwrap_err().to_string();
    assert_eq!(
        unknown("counter-back"),
        "there is no fault of the name \"counter-back\"; there is `counter-goes-back`"
    );
    assert_eq!(
        unknown("status-0x"),
        "there is no fault of the name \"status-0x\"; there is `status-0x7f`"
    );
    assert_eq!(unknown(""), "there is no fault of the name \"\"");
    assert!("status-0x+f".parse::<Fault>().is_err());
}

#[test]
fn a_fault_comes_when_it_is_said_and_no_more() {
    let device = VirtualAuthenticator::platform();
    let broken = |response: Result<String, Error>| response.unwrap().contains("password");
    let fault = device.faults().inject(Fault::WrongCredentialType).while_signing_in().after(1);
    let fault = fault.times(2);
    assert!(!broken(device.create(ORIGIN, &create("alice"))));
    let came = [(); 4].map(|()| broken(device.get(ORIGIN, &get())));
    assert_eq!(came, [false, true, true, false]);
    assert_eq!(fault.count(), 2);

    device.faults().clear();
    let fault = device.faults().inject(Fault::WrongCredentialType).while_registering();
    assert!(!broken(device.get(ORIGIN, &get())));
    assert!(broken(device.create(ORIGIN, &create("bob"))));
    fault.stop();
    assert!(!broken(device.create(ORIGIN, &create("carol"))));
}

/// A registration and two sign-ins with what it made, whatever comes of them.
fn visit(device: &VirtualAuthenticator) -> Result<(), Error> {
    let made = device.create(ORIGIN, &create("alice"))?;
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let list =
        format!(r#", "allowCredentials": [{{"type": "public-key", "id": {}}}]"#, made["rawId"]);
    for _ in 0..2 {
        device.get(ORIGIN, &get_with(&list))?;
    }
    Ok(())
}

#[test]
fn every_fault_is_held_back_by_a_condition_and_by_a_count() {
    let faults = Fault::ALL.iter().filter(|fault| fault.place() != FaultPlace::Report);
    for fault in faults {
        let preset = match fault.place() {
            FaultPlace::Message => Builder::u2f_key,
            _ => Builder::fingerprint_key,
        };
        let device = preset().build().unwrap();
        let place = fault.place();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let never = device.faults().inject(*fault).when(move |call| {
            assert_eq!(call.place(), place);
            count.fetch_add(1, Ordering::Relaxed);
            false
        });
        let held_back = device.faults().inject(*fault).times(0);
        visit(&device).unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!((never.count(), held_back.count()), (0, 0), "{fault}");
        assert!(asked.load(Ordering::Relaxed) > 0, "{fault}: the condition was asked");

        device.faults().clear();
        let once = device.faults().inject(*fault).when(|_| true).once();
        for _ in 0..3 {
            let _whatever = visit(&device);
        }
        assert!(once.count() <= 1, "{fault}");
    }
}

#[test]
fn a_condition_chooses_the_request() {
    let device = Builder::security_key().pin("2580").build().unwrap();
    let fault = device.faults().inject(Fault::NoAnswer).when(|call| call.bytes()[0] == 0x06);
    assert_eq!(device.transact(&[0x04])[0], 0x00);
    let patience = device.clock().elapsed();
    let error = device.create(ORIGIN, &create("alice")).unwrap_err();
    assert_eq!(error.name(), "NotAllowedError");
    assert!(device.clock().elapsed() - patience > Duration::from_secs(29));
    assert_eq!(fault.count(), 1);
}

#[test]
fn a_client_notices_the_answer_to_another_request() {
    let device = Builder::security_key().pin("2580").build().unwrap();
    let twice = device.faults().inject(Fault::AnswersTwice).when(|call| call.bytes()[0] == 0x06);
    let error = device.create(ORIGIN, &create("alice")).unwrap_err();
    assert!(matches!(error, Error::Misbehaved(_)), "{error}");
    assert!(twice.count() > 0 && device.passkeys().is_empty());
    device.faults().clear();
    device.create(ORIGIN, &create("alice")).unwrap();
}

#[test]
fn faults_of_one_authenticator_are_not_those_of_another() {
    let (good, bad) = (VirtualAuthenticator::platform(), VirtualAuthenticator::platform());
    bad.faults().inject(Fault::Status(Status::KeyStoreFull));
    good.create(ORIGIN, &create("alice")).unwrap();
    let refused = bad.create(ORIGIN, &create("alice")).unwrap_err();
    assert_eq!(refused.name(), "NotAllowedError");
    assert_eq!(format!("{:?}", bad.clone().faults()), "Faults([Status(KeyStoreFull)])");
}
