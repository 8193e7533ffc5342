//! What sites signal is carried out at a key, by its management of credentials.

use std::time::Instant;

use serde_json::{Value, json};
use towline_authenticator::Config;
use towline_client::{
    CeremonyOutput, ChannelError, Error, Misbehaviour, Pin, PinAnswer, PinQuestion, SignalDelivery,
    SignalKind, Timeouts,
};
use towline_ctap::{
    CredentialId, CredentialManagementResponse, GetInfo, Request, Status, Transport, User,
};

use crate::{
    pins::{Key, PIN},
    scripted::*,
};

use SignalKind::{AllAcceptedCredentials, CurrentUserDetails, UnknownCredential};

/// A key with a PIN, and on it two accounts of the site and one of another.
fn key(config: Config) -> (Key, [CredentialId; 2]) {
    let mut key = Key::new(config);
    let [alice, bob] = ["alice", "bob"].map(|name| key.rig.passkey("example.org", name).0);
    key.rig.passkey("another.org", "alice");
    key.set(None, PIN).unwrap();
    key.requests.clear();
    (key, [alice, bob])
}

fn begin(kind: SignalKind, options: &Value) -> SignalDelivery {
    let options = options.to_string();
    SignalDelivery::new(&client(), &caller(), kind, &options, Instant::now()).unwrap()
}

/// Carries it out at this key, with a person who types these PINs and then can't be asked any more.
fn deliver(
    key: &mut Key,
    kind: SignalKind,
    options: &Value,
    typed: &[&str],
) -> (Vec<PinQuestion>, Result<Vec<CredentialId>, Error>) {
    let mut delivery = begin(kind, options);
    delivery.handle_info(&key.info().to_cbor(), &Transport::Usb);
    let (mut typed, mut questions) = (typed.iter(), Vec::new());
    loop {
        match delivery.poll_output().unwrap() {
            CeremonyOutput::Request(request) => {
                let response = key.transact(&request);
                delivery.handle_response(&response);
            }
            CeremonyOutput::AskPin { token, question } => {
                questions.push(question);
                let pin = typed.next().map(|pin| PinAnswer::Pin(Pin::new(pin)));
                delivery.handle_pin(token, pin.unwrap_or(PinAnswer::Unavailable));
            }
            CeremonyOutput::Finished(result) => {
                assert_eq!((delivery.poll_output(), delivery.poll_timeout()), (None, None));
                return (questions, result);
            }
            CeremonyOutput::NotRecognised { .. } => {}
            output => panic!("{output:?}"),
        }
    }
}

/// What the key keeps: sites, and the names of their accounts.
fn kept(key: &mut Key) -> Vec<(String, User)> {
    let credentials = key.rig.store.credentials().into_iter();
    credentials.map(|it| (it.rp_id.as_str().to_owned(), it.user)).collect()
}

fn accounts(key: &mut Key) -> Vec<String> {
    kept(key).into_iter().map(|(site, user)| format!("{site} {}", user.name.unwrap())).collect()
}

fn unknown(id: &CredentialId) -> Value {
    json!({"rpId": "example.org", "credentialId": b64(id.as_bytes())})
}

fn accepted(user: &str, ids: &[&CredentialId]) -> Value {
    let ids: Vec<String> = ids.iter().map(|id| b64(id.as_bytes())).collect();
    json!({
        "rpId": "example.org", "userId": b64(user.as_bytes()), "allAcceptedCredentialIds": ids
    })
}

fn details(user: &str, name: &str, display_name: &str) -> Value {
    json!({
        "rpId": "example.org", "userId": b64(user.as_bytes()),
        "name": name, "displayName": display_name
    })
}

#[test]
fn a_passkey_that_the_site_does_not_know_is_deleted() {
    let (mut key, [alice, bob]) = key(Config::security_key());
    let (questions, changed) = deliver(&mut key, UnknownCredential, &unknown(&alice), &[PIN]);
    assert_eq!((questions.len(), changed), (1, Ok(vec![alice.clone()])));
    assert_eq!(accounts(&mut key), ["example.org bob", "another.org alice"]);
    // Once more, there is nothing to do.
    let (_, changed) = deliver(&mut key, UnknownCredential, &unknown(&alice), &[PIN]);
    assert_eq!(changed, Ok(vec![]));
    let (_, changed) = deliver(&mut key, UnknownCredential, &unknown(&bob), &[PIN]);
    assert_eq!(changed, Ok(vec![bob.clone()]));
    // Now it has no passkey of the site at all.
    let (_, changed) = deliver(&mut key, UnknownCredential, &unknown(&bob), &[PIN]);
    assert_eq!((changed, accounts(&mut key)), (Ok(vec![]), vec!["another.org alice".to_owned()]));
}

#[test]
fn of_an_account_what_is_not_accepted_is_deleted() {
    let (mut key, [alice, bob]) = key(Config::security_key());
    let all = accepted("alice", &[&bob, &alice]);
    assert_eq!(deliver(&mut key, AllAcceptedCredentials, &all, &[PIN]).1, Ok(vec![]));
    assert_eq!(accounts(&mut key).len(), 3);
    let none = accepted("alice", &[&bob]);
    assert_eq!(deliver(&mut key, AllAcceptedCredentials, &none, &[PIN]).1, Ok(vec![alice]));
    assert_eq!(accounts(&mut key), ["example.org bob", "another.org alice"]);
}

#[test]
fn an_account_gets_its_names_of_now() {
    let (mut key, [alice, _]) = key(Config::security_key());
    let now = details("alice", "al@example.org", "Al");
    assert_eq!(deliver(&mut key, CurrentUserDetails, &now, &[PIN]).1, Ok(vec![alice.clone()]));
    let (_, user) = &kept(&mut key)[0];
    assert_eq!(user.name.as_deref(), Some("al@example.org"));
    assert_eq!(user.display_name.as_deref(), Some("Al"));
    assert_eq!(accounts(&mut key)[1..], ["example.org bob", "another.org alice"]);
    // What is so already is not written again.
    assert_eq!(deliver(&mut key, CurrentUserDetails, &now, &[PIN]).1, Ok(vec![]));
    let nameless = details("alice", "al@example.org", "");
    assert_eq!(deliver(&mut key, CurrentUserDetails, &nameless, &[PIN]).1, Ok(vec![alice]));
    assert_eq!(kept(&mut key)[0].1.display_name, None);
}

#[test]
fn the_proof_is_a_token_for_this_and_this_site_and_nothing_is_asked_without() {
    let (mut key, [alice, _]) = key(Config::security_key());
    let (questions, changed) = deliver(&mut key, UnknownCredential, &unknown(&alice), &["1", PIN]);
    assert_eq!((questions.len(), changed), (2, Ok(vec![alice])), "the first is none");
    let mut seen = Vec::new();
    for request in &key.requests {
        match Request::decode(request, usize::MAX).unwrap() {
            Request::CredentialManagement(it) => {
                seen.push((it.subcommand().to_u8(), it.auth.is_some()))
            }
            Request::ClientPin(it) => assert!(seen.is_empty(), "{it:?}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, [(0x04, true), (0x05, false), (0x06, true)]);
}

#[test]
fn without_proof_or_management_nothing_is_sent() {
    let mut without_pin = Key::new(Config::security_key());
    let (alice, _) = without_pin.rig.passkey("example.org", "alice");
    without_pin.requests.clear();
    let (questions, refused) =
        deliver(&mut without_pin, UnknownCredential, &unknown(&alice), &[PIN]);
    assert_eq!((questions, refused), (vec![], Err(Error::ManagementUnverified)));
    assert!(without_pin.requests.is_empty());

    let (mut key, [alice, _]) = key(Config::security_key());
    let (questions, refused) = deliver(&mut key, UnknownCredential, &unknown(&alice), &[]);
    assert_eq!((questions.len(), refused), (1, Err(Error::ManagementUnverified)));

    let mut key = key.telling(|info| info.options.cred_mgmt = None);
    key.requests.clear();
    let (_, refused) = deliver(&mut key, UnknownCredential, &unknown(&alice), &[PIN]);
    assert_eq!(refused, Err(Error::ManagementUnsupported));
    assert!(key.requests.is_empty());
    assert_eq!(accounts(&mut key).len(), 3);
}

/// Runs up to the list of passkeys, and answers that and what follows with these.
fn answered(responses: &[Vec<u8>]) -> Option<CeremonyOutput<Vec<CredentialId>>> {
    let (mut key, [alice, _]) = key(Config::security_key());
    let mut delivery = begin(UnknownCredential, &unknown(&alice));
    delivery.handle_info(&key.info().to_cbor(), &Transport::Usb);
    let mut responses = responses.iter();
    loop {
        match delivery.poll_output() {
            Some(CeremonyOutput::Request(request)) if request[0] == 0x0a => {
                match responses.next() {
                    Some(response) => delivery.handle_response(response),
                    None => return None,
                }
            }
            Some(CeremonyOutput::Request(request)) => {
                let response = key.transact(&request);
                delivery.handle_response(&response);
            }
            Some(CeremonyOutput::AskPin { token, .. }) => {
                delivery.handle_pin(token, PinAnswer::Pin(Pin::new(PIN)));
            }
            output => return output,
        }
    }
}

#[test]
fn an_authenticator_that_lists_nonsense_is_refused() {
    let good = CredentialManagementResponse {
        user: Some(user(1, Some("jo"))),
        credential: Some(descriptor(&[1, 2])),
        total_credentials: Some(2),
        ..CredentialManagementResponse::default()
    };
    let bent = |bend: fn(&mut CredentialManagementResponse)| {
        let mut bent = good.clone();
        bend(&mut bent);
        bent.encode()
    };
    for (response, misbehaviour) in [
        (vec![], Misbehaviour::Empty),
        (bent(|it| it.total_credentials = None), Misbehaviour::NoCredential),
        (bent(|it| it.credential = None), Misbehaviour::NoCredential),
        (bent(|it| it.user = None), Misbehaviour::NoUserHandle),
        (bent(|it| it.total_credentials = Some(u64::MAX)), Misbehaviour::TooManyCredentials),
    ] {
        let output = answered(std::slice::from_ref(&response));
        let refused = Some(CeremonyOutput::Finished(Err(Error::Misbehaved(misbehaviour))));
        assert_eq!(output, refused, "{response:02x?}");
    }
    assert_eq!(answered(&[good.encode()]), None, "the second is asked for");
    // A list that ends early says nothing of what is missing.
    let refused = answered(&[good.encode(), vec![Status::NoCredentials.to_u8()]]);
    assert_eq!(refused, Some(CeremonyOutput::Finished(Err(Error::NoCredentials))));
    let refused = answered(&[vec![Status::PinAuthInvalid.to_u8()]]);
    let status = Error::Refused(Status::PinAuthInvalid);
    assert_eq!(refused, Some(CeremonyOutput::Finished(Err(status))));
}

#[test]
fn it_ends_by_a_broken_channel_the_person_and_the_clock() {
    let info = |it: &mut GetInfo| it.options.cred_mgmt = Some(true);
    let (key, [alice, _]) = key(Config::security_key());
    let mut key = key.telling(info);
    let started = |key: &mut Key| {
        let mut delivery = begin(UnknownCredential, &unknown(&alice));
        delivery.handle_info(&key.info().to_cbor(), &Transport::Usb);
        assert!(matches!(delivery.poll_output(), Some(CeremonyOutput::Request(_))));
        delivery
    };
    let mut delivery = started(&mut key);
    delivery.handle_channel_error(ChannelError::Closed);
    let closed = Some(CeremonyOutput::Finished(Err(ChannelError::Closed.into())));
    assert_eq!(delivery.poll_output(), closed);
    delivery.handle_response(&[0]);
    assert_eq!(delivery.poll_output(), None);

    let mut delivery = started(&mut key);
    delivery.handle_cancel();
    assert_eq!(delivery.poll_output(), Some(CeremonyOutput::Cancel));
    assert_eq!(delivery.poll_output(), Some(CeremonyOutput::Finished(Err(Error::Cancelled))));

    let mut delivery = started(&mut key);
    delivery.handle_timeout(delivery.poll_timeout().unwrap());
    assert_eq!(delivery.poll_output(), Some(CeremonyOutput::Cancel));
    let late = Error::TimedOut(Timeouts::default().default);
    assert_eq!(delivery.poll_output(), Some(CeremonyOutput::Finished(Err(late))));
}
