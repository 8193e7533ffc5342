//! Sign-in: what is asked of the authenticator, what the site gets, and what is refused.

use serde_json::{Value, json};
use towline_client::{CeremonyOutput, CeremonyToken, Error, Get, Misbehaviour};
use towline_ctap::{Flags, GetAssertionResponse, Malformed, Request, Status, Transport};

use crate::scripted::*;

fn allow(ids: &[&[u8]]) -> Value {
    with(request(), "allowCredentials", ids.iter().map(|id| listed(id)).collect())
}

fn misbehaved(result: Result<Value, Error>) -> Misbehaviour {
    match result {
        Err(Error::Misbehaved(misbehaviour)) => misbehaviour,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sign_in_has_every_member_of_the_standard() {
    let answer = asserted(&[5; 16], Some(user(7, None)));
    let (asked, result) = sign_in(&request(), &phone(), &answer.encode());
    assert_eq!(asked.rp_id.as_str(), "example.org");
    assert_eq!(asked.allow_list, None);
    assert_eq!((asked.options.uv, asked.options.up, asked.options.rk), (Some(true), None, None));

    let result = result.unwrap();
    assert_eq!(result["type"], "public-key");
    assert_eq!(result["id"], b64(&[5; 16]));
    assert_eq!(result["rawId"], result["id"]);
    assert_eq!(result["authenticatorAttachment"], "cross-platform");
    assert_eq!(result["clientExtensionResults"], json!({}));
    let response = &result["response"];
    assert_eq!(unb64(&response["authenticatorData"]), answer.auth_data);
    assert_eq!(unb64(&response["signature"]), answer.signature);
    assert_eq!(unb64(&response["userHandle"]), [7]);
    let client_data = unb64(&response["clientDataJSON"]);
    assert!(client_data.starts_with(br#"{"type":"webauthn.get","challenge":""#));
    let provider = towline_crypto::rustcrypto::provider();
    assert_eq!(asked.client_data_hash.as_bytes(), &provider.sha256.hash(&[&client_data]));
}

#[test]
fn without_an_rp_id_the_domain_of_the_origin_is_used() {
    let get = start_get(&json!({"challenge": "AAEC"})).unwrap();
    assert_eq!(get.rp_id().as_str(), "login.example.org");
}

#[test]
fn options_that_are_not_as_they_must_be_are_refused() {
    for (options, name) in [
        (json!({}), "TypeError"),
        (json!({"challenge": null}), "TypeError"),
        (with(request(), "challenge", json!("?")), "EncodingError"),
        (with(request(), "allowCredentials", json!({})), "TypeError"),
        (with(request(), "allowCredentials", json!([{"id": "AQ"}])), "TypeError"),
        (
            with(request(), "allowCredentials", json!([{"type": "public-key", "id": "="}])),
            "EncodingError",
        ),
        (
            with(request(), "allowCredentials", json!([{"type": "x", "id": "AQ"}])),
            "NotAllowedError",
        ),
        (with(request(), "rpId", json!("example.com")), "SecurityError"),
        (with(request(), "rpId", json!("org")), "SecurityError"),
    ] {
        let error = start_get(&options).unwrap_err();
        assert_eq!(error.name(), name, "{options}: {error}");
    }
}

#[test]
fn verification_is_asked_for_as_the_site_wants_and_the_authenticator_can() {
    for (value, uv) in [
        ("required", Some(true)),
        ("preferred", Some(true)),
        ("discouraged", None),
        ("x", Some(true)),
    ] {
        let options = with(request(), "userVerification", json!(value));
        assert_eq!(sign_in(&options, &phone(), &[0x27]).0.options.uv, uv, "{value}");
    }
    let options = with(request(), "userVerification", json!("preferred"));
    assert_eq!(sign_in(&options, &simple_key(), &[0x27]).0.options.uv, None);

    let mut get = start_get(&with(request(), "userVerification", json!("required"))).unwrap();
    get.handle_info(&simple_key().to_cbor(), &Transport::Usb);
    let error = finished(get.poll_output()).unwrap_err();
    assert_eq!((&error, error.name()), (&Error::CannotSignInVerified, "NotAllowedError"));
}

#[test]
fn the_allow_list_is_sent_without_transports_and_an_empty_one_is_none() {
    let options = with(
        request(),
        "allowCredentials",
        json!([
            {"type": "public-key", "id": b64(&[1]), "transports": ["hybrid"]},
            {"type": "other", "id": b64(&[2])},
            {"type": "public-key", "id": b64(&[3])},
        ]),
    );
    let (asked, _) = sign_in(&options, &phone(), &[0x27]);
    assert_eq!(asked.allow_list, Some(vec![descriptor(&[1]), descriptor(&[3])]));
    let (asked, _) = sign_in(&allow(&[]), &phone(), &[0x27]);
    assert_eq!(asked.allow_list, None);
}

#[test]
fn a_credential_left_out_is_the_only_one_of_the_list() {
    let mut answer = asserted(&[1], None);
    answer.credential = None;
    let result = sign_in(&allow(&[&[9]]), &phone(), &answer.encode()).1.unwrap();
    assert_eq!(result["id"], b64(&[9]));
    assert_eq!(result["response"].get("userHandle"), None);
    let several = sign_in(&allow(&[&[9], &[8]]), &phone(), &answer.encode()).1;
    assert_eq!(misbehaved(several), Misbehaviour::NoCredential);
}

#[test]
fn answers_that_break_the_standard_are_refused() {
    let with_flags = |flags| {
        let mut answer = asserted(&[1], Some(user(1, None)));
        answer.auth_data = auth_data(flags).encode();
        answer
    };
    let mut other_site = asserted(&[1], Some(user(1, None)));
    other_site.auth_data[0] ^= 1;
    let mut nameless = asserted(&[1], Some(user(1, None)));
    nameless.credential = None;
    let mut cut = asserted(&[1], Some(user(1, None)));
    cut.auth_data.truncate(36);
    let mut long = asserted(&[1], Some(user(1, None)));
    long.auth_data.push(0);
    let length = Misbehaviour::Malformed(Malformed::Length("the authenticator data"));
    let required = with(request(), "userVerification", json!("required"));
    for (answer, misbehaviour) in [
        (other_site, Misbehaviour::WrongRpId),
        (with_flags(Flags::UV), Misbehaviour::UserNotPresent),
        (with_flags(Flags::empty()), Misbehaviour::UserNotPresent),
        (with_flags(Flags::UP), Misbehaviour::UserNotVerified),
        (asserted(&[1], None), Misbehaviour::NoUserHandle),
        (nameless, Misbehaviour::NoCredential),
        (cut, length),
        (long, length),
    ] {
        let result = sign_in(&required, &phone(), &answer.encode()).1;
        assert_eq!(misbehaved(result), misbehaviour);
    }
    let answer = asserted(&[7], Some(user(1, None))).encode();
    let result = sign_in(&allow(&[&[1], &[2]]), &phone(), &answer).1;
    assert_eq!(misbehaved(result), Misbehaviour::UnexpectedCredential);
    assert_eq!(misbehaved(sign_in(&request(), &phone(), &[]).1), Misbehaviour::Empty);
}

#[test]
fn every_refusal_of_the_authenticator_is_not_allowed() {
    for code in 1..=u8::MAX {
        let error = sign_in(&request(), &phone(), &[code]).1.unwrap_err();
        match Status::from_u8(code) {
            Status::NoCredentials => assert_eq!(error, Error::NoCredentials),
            Status::CredentialExcluded => assert_eq!(error.name(), "InvalidStateError"),
            Status::UnsupportedAlgorithm => assert_eq!(error.name(), "NotSupportedError"),
            Status::PinBlocked => {
                assert_eq!(error, Error::VerificationLocked { wait: None });
                assert_eq!(error.name(), "NotAllowedError");
            }
            status => {
                assert_eq!((&error, error.name()), (&Error::Refused(status), "NotAllowedError"))
            }
        }
    }
}

/// A response of an authenticator that cut the account's name after 23 bytes, in the middle of a
/// character.
#[test]
fn a_name_that_was_cut_in_the_middle_of_a_character_does_not_end_a_sign_in() {
    let case: Value = serde_json::from_str(include_str!("scripted/name-cut-short.json")).unwrap();
    let bytes = |member: &str| -> Vec<u8> {
        let text = case[member].as_str().unwrap().as_bytes();
        text.chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    let caller = towline_client::Origin::parse(case["origin"].as_str().unwrap()).unwrap().into();
    for response in ["response", "without_name"] {
        let options = case["options"].to_string();
        let mut get = Get::new(&client(), &caller, &options, std::time::Instant::now()).unwrap();
        get.handle_info(&bytes("getInfo"), &Transport::Hybrid);
        sent(get.poll_output());
        get.handle_response(&bytes(response));
        let result = finished(get.poll_output()).unwrap();
        assert_eq!(result["response"]["userHandle"], case["expect"]["userHandle"], "{response}");
    }
    let name = "\u{e9}".repeat(11);
    let decoded =
        GetAssertionResponse::decode(&bytes("response")).unwrap().user.unwrap().name.unwrap();
    assert!(
        decoded.starts_with(&name) && decoded.trim_end_matches('\u{fffd}') == name,
        "{decoded}"
    );
}

#[test]
fn two_questions_of_one_process_never_have_one_token() {
    let tokens: Vec<CeremonyToken> = (0..10).map(|_| choosing().1).collect();
    let (mut get, token) = choosing();
    for other in &tokens {
        assert_ne!(*other, token);
        get.handle_choice(*other, Some(0));
        assert_eq!(get.poll_output(), None);
    }
    get.handle_choice(token, Some(0));
    assert!(finished(get.poll_output()).is_ok());
}

/// A sign-in up to the question which of three accounts it is.
fn choosing() -> (Get, CeremonyToken) {
    let mut get = start_get(&request()).unwrap();
    get.handle_info(&phone().to_cbor(), &Transport::Usb);
    sent(get.poll_output());
    let mut first = asserted(&[1], Some(user(1, Some("one"))));
    first.number_of_credentials = Some(3);
    get.handle_response(&first.encode());
    for id in 2..=3 {
        assert_eq!(sent(get.poll_output()), Request::GetNextAssertion.encode());
        get.handle_response(&asserted(&[id], Some(user(id, None))).encode());
    }
    match get.poll_output() {
        Some(CeremonyOutput::Choose { token, accounts }) => {
            let ids: Vec<_> =
                accounts.iter().map(|account| account.user.id.as_bytes()[0]).collect();
            assert_eq!(ids, [1, 2, 3]);
            assert_eq!(accounts[0].user.name.as_deref(), Some("one"));
            (get, token)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_person_chooses_among_several_accounts() {
    for place in 0..3_u8 {
        let (mut get, token) = choosing();
        assert!(get.poll_timeout().is_some());
        get.handle_choice(token, Some(place.into()));
        let result = finished(get.poll_output()).unwrap();
        assert_eq!(result["id"], b64(&[place + 1]));
        assert_eq!(unb64(&result["response"]["userHandle"]), [place + 1]);
    }
}

#[test]
fn a_choice_of_none_or_beyond_the_list_calls_it_off() {
    for choice in [None, Some(3), Some(usize::MAX)] {
        let (mut get, token) = choosing();
        get.handle_choice(token, choice);
        let error = finished(get.poll_output()).unwrap_err();
        assert_eq!((&error, error.name()), (&Error::Cancelled, "NotAllowedError"));
        get.handle_choice(token, Some(0));
        assert_eq!(get.poll_output(), None);
    }
}

#[test]
fn time_passes_while_the_person_chooses() {
    let (mut get, token) = choosing();
    get.handle_timeout(get.poll_timeout().unwrap());
    assert!(matches!(finished(get.poll_output()), Err(Error::TimedOut(_))));
    get.handle_choice(token, Some(0));
    assert_eq!(get.poll_output(), None);
}

fn several(count: u64) -> GetAssertionResponse {
    let mut first = asserted(&[1], Some(user(1, None)));
    first.number_of_credentials = Some(count);
    first
}

#[test]
fn several_accounts_are_only_followed_up_where_that_makes_sense() {
    let mut get = start_get(&request()).unwrap();
    get.handle_info(&phone().to_cbor(), &Transport::Hybrid);
    sent(get.poll_output());
    get.handle_response(&several(3).encode());
    assert!(finished(get.poll_output()).is_ok(), "a hybrid session is one operation");

    assert!(sign_in(&allow(&[&[1]]), &phone(), &several(3).encode()).1.is_ok(), "there was a list");
    for count in [0, 1] {
        assert!(sign_in(&request(), &phone(), &several(count).encode()).1.is_ok());
    }
    for count in [257, u64::MAX] {
        let result = sign_in(&request(), &phone(), &several(count).encode()).1;
        assert_eq!(misbehaved(result), Misbehaviour::TooManyCredentials);
    }
}

#[test]
fn a_refusal_or_a_wrong_answer_among_several_ends_it() {
    for (answer, name) in [
        (vec![0x30], "NotAllowedError"),
        (vec![], "UnknownError"),
        (asserted(&[2], None).encode(), "UnknownError"),
    ] {
        let mut get = start_get(&request()).unwrap();
        get.handle_info(&phone().to_cbor(), &Transport::Usb);
        sent(get.poll_output());
        get.handle_response(&several(2).encode());
        sent(get.poll_output());
        get.handle_response(&answer);
        assert_eq!(finished(get.poll_output()).unwrap_err().name(), name);
    }
}

/// CTAP 2.0 has icons, which authenticators keep and cut as they do names.
#[test]
fn an_icon_that_was_cut_in_the_middle_of_a_character_does_not_end_a_sign_in() {
    let whole = asserted(&[1], Some(user(7, Some("nn")))).encode();
    let name = b"\x64name\x62nn";
    let place = whole.windows(name.len()).position(|window| window == name).unwrap();
    let icon = b"\x64icon\x63a\xc3\xa9";
    let mut cut = [&whole[..place], icon, &whole[place..]].concat();
    // One member more: the id's head is what comes before it.
    let map = place - b"\xa2\x62id\x41\x07".len();
    assert_eq!(cut[map], 0xa2);
    cut[map] += 1;
    cut.splice(place + 5..place + 9, *b"\x62a\xc3");
    let (_, result) = sign_in(&request(), &phone(), &cut);
    assert_eq!(result.unwrap()["response"]["userHandle"], b64(&[7]));
}

#[test]
fn nobody_is_asked_again_for_an_account_that_was_chosen_on_the_authenticator() {
    let mut chosen = asserted(&[1], Some(user(7, None)));
    chosen.number_of_credentials = Some(3);
    chosen.user_selected = Some(true);
    let (_, result) = sign_in(&request(), &phone(), &chosen.encode());
    assert_eq!(result.unwrap()["response"]["userHandle"], b64(&[7]));
}
