//! How the person is involved: what stands beside `publicKey`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use towline_client::{CeremonyOutput, Create, Error, Get, Mediation, PublicKeyCredentialHint};
use towline_ctap::{Flags, GetAssertionRequest, Transport};

use crate::scripted::*;

fn beside(options: Value, mediation: &str) -> String {
    json!({"publicKey": options, "mediation": mediation}).to_string()
}

fn immediate(options: Value) -> String {
    json!({"publicKey": options, "uiMode": "immediate"}).to_string()
}

fn get(options: &str) -> Result<Get, Error> {
    Get::new(&client(), &caller(), options, Instant::now())
}

fn looking(options: &str, over: &Transport) -> (Get, Option<GetAssertionRequest>) {
    let mut get = get(options).unwrap();
    get.handle_info(&phone().to_cbor(), over);
    let request = get.poll_output().map(|output| match output {
        CeremonyOutput::Request(_) => get_assertion(Some(output)),
        other => panic!("{other:?}"),
    });
    (get, request)
}

#[test]
fn optional_and_required_are_the_same_and_unknown_is_refused() {
    for mediation in ["optional", "required"] {
        let get = get(&beside(request(), mediation)).unwrap();
        assert!(!matches!(get.mediation(), Mediation::Conditional | Mediation::Immediate));
        assert!(get.poll_timeout().is_some());
    }
    assert_eq!(get(&beside(request(), "immediate")).unwrap_err().name(), "TypeError");
    let mode = json!({"publicKey": request(), "uiMode": "later"});
    assert_eq!(get(&mode.to_string()).unwrap_err().name(), "TypeError");
    // Without `publicKey` there is nothing beside it.
    assert!(get(&with(request(), "mediation", json!("silent")).to_string()).is_ok());
}

#[test]
fn nothing_can_be_had_silently() {
    assert_eq!(get(&beside(request(), "silent")).unwrap_err(), Error::Silent);
}

#[test]
fn a_conditional_sign_in_looks_first_and_never_ends_by_itself() {
    let (mut get, request) = looking(&beside(request(), "conditional"), &Transport::Internal);
    let request = request.unwrap();
    assert_eq!((request.options.up, request.allow_list), (Some(false), None));
    assert_eq!(request.client_data_hash.as_bytes(), &[0; 32]);
    assert_eq!(get.poll_timeout(), None);
    get.handle_timeout(Instant::now() + Duration::from_secs(86_400));
    get.handle_response(&[0x2e]);
    assert_eq!((get.poll_output(), get.untold()), (None, Some(&Error::NoCredentials)));
    get.handle_cancel();
    assert_eq!(get.poll_output(), None);
    get.handle_abort();
    assert_eq!(get.poll_output(), Some(CeremonyOutput::Finished(Err(Error::Aborted))));
    get.handle_abort();
    assert_eq!(get.poll_output(), None);
}

#[test]
fn what_is_found_is_signed_in_with() {
    for options in [beside(request(), "conditional"), immediate(request())] {
        let (mut get, _) = looking(&options, &Transport::Internal);
        get.handle_response(&asserted(&[5; 16], Some(user(7, None))).encode());
        let request = get_assertion(get.poll_output());
        assert_eq!((request.options.up, request.options.uv), (None, Some(true)));
        assert_ne!(request.client_data_hash.as_bytes(), &[0; 32]);
        get.handle_response(&asserted(&[5; 16], Some(user(7, None))).encode());
        let json = finished(get.poll_output()).unwrap();
        assert_eq!(json["id"], b64(&[5; 16]));
    }
}

#[test]
fn a_person_who_does_not_want_to_is_not_told_of() {
    let (mut get, _) = looking(&beside(request(), "conditional"), &Transport::Internal);
    get.handle_response(&asserted(&[5; 16], Some(user(7, None))).encode());
    get_assertion(get.poll_output());
    get.handle_response(&[0x27]); // CTAP2_ERR_OPERATION_DENIED
    assert_eq!(get.poll_output(), None);
    assert!(matches!(get.untold(), Some(Error::Refused(_))));
}

#[test]
fn an_abort_while_it_is_offered_reaches_the_authenticator() {
    let (mut get, _) = looking(&beside(request(), "conditional"), &Transport::Internal);
    get.handle_abort();
    assert_eq!(get.poll_output(), Some(CeremonyOutput::Cancel));
    assert_eq!(get.poll_output(), Some(CeremonyOutput::Finished(Err(Error::Aborted))));
}

#[test]
fn a_list_narrows_a_conditional_sign_in() {
    let listed = with(request(), "allowCredentials", json!([listed(&[5; 16])]));
    let (mut get, request) = looking(&beside(listed, "conditional"), &Transport::Internal);
    let request = request.unwrap();
    assert_eq!(request.allow_list, Some(vec![descriptor(&[5; 16])]));
    assert_eq!(request.options.up, Some(false));
    get.handle_response(&[0x2e]);
    assert_eq!(get.untold(), Some(&Error::NoCredentials));
}

#[test]
fn an_immediate_sign_in_is_refused_at_once() {
    let (mut get, _) = looking(&immediate(request()), &Transport::Internal);
    get.handle_response(&[0x2e]);
    assert_eq!(finished(get.poll_output()), Err(Error::NoCredentials));
    for over in [Transport::Usb, Transport::Hybrid] {
        let mut get = self::get(&immediate(request())).unwrap();
        get.handle_info(&phone().to_cbor(), &over);
        assert_eq!(finished(get.poll_output()).unwrap_err().name(), "NotAllowedError");
    }
    let listed = with(request(), "allowCredentials", json!([listed(&[5; 16])]));
    assert_eq!(self::get(&immediate(listed)).unwrap_err().name(), "NotAllowedError");
    let both = json!({"publicKey": request(), "mediation": "conditional", "uiMode": "immediate"});
    assert_eq!(self::get(&both.to_string()).unwrap_err().name(), "NotSupportedError");
}

#[test]
fn a_conditional_creation_needs_a_sign_in_before_and_takes_whoever_is_not_there() {
    let options = beside(creation(), "conditional");
    let new = |client| Create::new(&client, &caller(), &options, Instant::now());
    assert_eq!(new(client()).unwrap_err(), Error::NotConditional);

    let mut create = new(client().with_conditional_create(true)).unwrap();
    create.handle_info(&phone().to_cbor(), &Transport::Usb);
    assert_eq!(finished(create.poll_output()), Err(Error::NotConditional));

    for (flags, mediation) in [(Flags::empty(), "conditional"), (Flags::UP, "optional")] {
        let options = beside(creation(), mediation);
        let client = client().with_conditional_create(true);
        let mut create = Create::new(&client, &caller(), &options, Instant::now()).unwrap();
        create.handle_info(&phone().to_cbor(), &Transport::Internal);
        make_credential(create.poll_output());
        let mut data = new_credential();
        data.flags = flags;
        create.handle_response(&created(&data));
        finished(create.poll_output()).unwrap();
    }
}

#[test]
fn hints_are_passed_on_in_their_order() {
    let hints = json!(["hybrid", "teapot", "security-key", "client-device"]);
    let all = [
        PublicKeyCredentialHint::Hybrid,
        PublicKeyCredentialHint::SecurityKey,
        PublicKeyCredentialHint::ClientDevice,
    ];
    assert_eq!(start_get(&with(request(), "hints", hints.clone())).unwrap().hints(), all);
    assert_eq!(start_create(&with(creation(), "hints", hints)).unwrap().hints(), all);
}
