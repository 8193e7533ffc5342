//! `prf`: what becomes of the site's values, who is asked, and what the site gets.

use serde_json::{Value, json};
use towline_client::{Error, Misbehaviour};
use towline_crypto::Secret;
use towline_ctap::{
    Extensions, GetInfo, MakeCredentialResponse,
    extension::{
        ExtensionValue, HmacSecret, PrfCreateInput, PrfCreateOutput, PrfGetInput, PrfGetOutput,
        PrfResults, PrfSalts,
    },
};

use crate::scripted::*;

/// Values and salts of the test vectors of WebAuthn L3 §10.1.4.
const VALUES: [&[u8]; 2] = [b"WebAuthn PRF test vectors\x02", b"WebAuthn PRF test vectors\x03"];
const SALTS: [[u8; 32]; 2] = [
    [
        0x52, 0x74, 0x13, 0xeb, 0xb4, 0x82, 0x93, 0x77, 0x2d, 0xf3, 0x0f, 0x03, 0x1c, 0x5a, 0xc4,
        0x65, 0x0c, 0x7d, 0xe1, 0x4b, 0xf9, 0x49, 0x86, 0x71, 0xae, 0x16, 0x34, 0x47, 0xb6, 0xa7,
        0x72, 0xb3,
    ],
    [
        0xd6, 0x8a, 0xc0, 0x33, 0x29, 0xa1, 0x0e, 0xe5, 0xe0, 0xec, 0x83, 0x44, 0x92, 0xbb, 0x9a,
        0x96, 0xa0, 0xe5, 0x47, 0xba, 0xf5, 0x63, 0xbf, 0x78, 0xcc, 0xbe, 0x87, 0x89, 0xb2, 0x2e,
        0x77, 0x6b,
    ],
];

/// A phone that speaks `prf`.
fn speaking() -> GetInfo {
    let mut info = phone();
    info.extensions = Some(vec!["credProtect".into(), "prf".into()]);
    info
}

fn prf(options: Value, inputs: Value) -> Value {
    with(options, "extensions", json!({ "prf": inputs }))
}

fn first() -> Value {
    json!({"first": b64(VALUES[0])})
}

fn both() -> Value {
    json!({"first": b64(VALUES[0]), "second": b64(VALUES[1])})
}

fn unsigned(output: &impl ExtensionValue) -> Extensions {
    let mut extensions = Extensions::new();
    extensions.set(output);
    extensions
}

fn made(outputs: Extensions) -> Vec<u8> {
    let data = new_credential().encode();
    let mut response = MakeCredentialResponse::new(towline_ctap::AttestationStatement::None, data);
    response.unsigned_extension_outputs = outputs;
    response.encode()
}

fn used(id: &[u8], outputs: Extensions) -> Vec<u8> {
    let mut response = asserted(id, Some(user(7, None)));
    response.unsigned_extension_outputs = outputs;
    response.encode()
}

#[test]
fn a_new_passkey_says_whether_it_can_and_may_give_results_at_once() {
    let results = PrfResults { first: Secret::new([1; 32]), second: Some(Secret::new([2; 32])) };
    for (results, told) in [
        (None, json!({"enabled": true})),
        (
            Some(results),
            json!({"enabled": true, "results": {"first": b64(&[1; 32]), "second": b64(&[2; 32])}}),
        ),
    ] {
        let output = unsigned(&PrfCreateOutput { enabled: true, results });
        let options = prf(creation(), json!({"eval": both()}));
        let (asked, result) = register(&options, &speaking(), &made(output));
        let salts = PrfSalts { first: SALTS[0], second: Some(SALTS[1]) };
        assert_eq!(asked.extensions.get(), Ok(Some(PrfCreateInput { eval: Some(salts) })));
        assert_eq!(result.unwrap()["clientExtensionResults"]["prf"], told);
    }
}

#[test]
fn a_site_can_ask_without_a_value() {
    let output = unsigned(&PrfCreateOutput { enabled: true, results: None });
    let (asked, result) = register(&prf(creation(), json!({})), &speaking(), &made(output));
    assert_eq!(asked.extensions.get(), Ok(Some(PrfCreateInput { eval: None })));
    assert_eq!(result.unwrap()["clientExtensionResults"], json!({"prf": {"enabled": true}}));
}

#[test]
fn who_does_not_speak_it_is_not_asked_and_the_site_is_told() {
    let options = prf(creation(), json!({"eval": first()}));
    let (asked, result) = register(&options, &phone(), &made(Extensions::new()));
    assert!(asked.extensions.is_empty());
    assert_eq!(result.unwrap()["clientExtensionResults"], json!({"prf": {"enabled": false}}));

    let options = prf(request(), json!({"eval": first()}));
    let (asked, result) = sign_in(&options, &phone(), &used(&[5; 16], Extensions::new()));
    assert!(asked.extensions.is_empty());
    assert_eq!(result.unwrap()["clientExtensionResults"], json!({"prf": {}}));
}

#[test]
fn a_sign_in_gives_the_results_of_its_passkey() {
    let allowed = json!([listed(&[5; 16]), listed(&[6; 16])]);
    let inputs = json!({"eval": both(), "evalByCredential": {b64(&[6; 16]): first()}});
    let options = prf(with(request(), "allowCredentials", allowed), inputs);
    let results = PrfResults { first: Secret::new([3; 32]), second: None };
    let output = unsigned(&PrfGetOutput { results: Some(results) });
    let (asked, result) = sign_in(&options, &speaking(), &used(&[6; 16], output));
    let input = PrfGetInput {
        eval: Some(PrfSalts { first: SALTS[0], second: Some(SALTS[1]) }),
        eval_by_credential: vec![(
            descriptor(&[6; 16]).id,
            PrfSalts { first: SALTS[0], second: None },
        )],
    };
    assert_eq!(asked.extensions.get(), Ok(Some(input)));
    let outputs = &result.unwrap()["clientExtensionResults"];
    assert_eq!(*outputs, json!({"prf": {"results": {"first": b64(&[3; 32])}}}));
}

#[test]
fn results_are_not_shown_by_debug() {
    let results = PrfResults { first: Secret::new([0x77; 32]), second: None };
    let response = used(&[5; 16], unsigned(&PrfGetOutput { results: Some(results) }));
    let decoded = towline_ctap::GetAssertionResponse::decode(&response).unwrap();
    let mut get = start_get(&prf(request(), json!({"eval": first()}))).unwrap();
    get.handle_info(&speaking().to_cbor(), &towline_ctap::Transport::Hybrid);
    sent(get.poll_output());
    get.handle_response(&response);
    let output = get.poll_output();
    let shown = format!("{decoded:?} {get:?} {output:?}");
    assert!(!shown.contains("119, 119") && !shown.contains(&b64(&[0x77; 32])), "{shown}");
    let secret = &finished(output).unwrap()["clientExtensionResults"]["prf"]["results"]["first"];
    assert_eq!(*secret, b64(&[0x77; 32]));
}

#[test]
fn a_site_that_did_not_ask_gets_nothing() {
    let results = PrfResults { first: Secret::new([3; 32]), second: None };
    let output = unsigned(&PrfGetOutput { results: Some(results) });
    let (asked, result) = sign_in(&request(), &speaking(), &used(&[5; 16], output));
    assert!(asked.extensions.is_empty());
    assert_eq!(result.unwrap()["clientExtensionResults"], json!({}));
}

#[test]
fn inputs_that_are_not_as_they_must_be_are_refused() {
    let listing = || with(request(), "allowCredentials", json!([listed(&[5; 16])]));
    let own = |key: &str| json!({"evalByCredential": {key: first()}});
    for (options, name) in [
        (prf(request(), json!({"eval": {}})), "TypeError"),
        (prf(request(), json!({"eval": {"first": "?"}})), "EncodingError"),
        (prf(request(), json!({"eval": {"first": "AA", "second": "?"}})), "EncodingError"),
        (prf(request(), own(&b64(&[5; 16]))), "NotSupportedError"),
        (prf(listing(), own("")), "SyntaxError"),
        (prf(listing(), own("?")), "SyntaxError"),
        (prf(listing(), own(&format!("{}==", b64(&[5; 16])))), "SyntaxError"),
        (prf(listing(), own(&b64(&[6; 16]))), "SyntaxError"),
    ] {
        let error = start_get(&options).unwrap_err();
        assert_eq!(error.name(), name, "{options}: {error}");
    }
    let error = start_create(&prf(creation(), own(&b64(&[5; 16])))).unwrap_err();
    assert_eq!(error.name(), "NotSupportedError");
    start_get(&prf(listing(), own(&b64(&[5; 16])))).unwrap();
}

#[test]
fn outputs_that_are_no_outputs_are_misbehaviour() {
    /// A value under the name of `prf` that is none.
    struct Wrong;
    impl ExtensionValue for Wrong {
        const ID: &'static str = PrfGetOutput::ID;

        fn read(_: &mut towline_cbor::Reader<'_>) -> Result<Self, towline_ctap::Malformed> {
            Ok(Self)
        }

        fn write(&self, writer: &mut towline_cbor::Writer) {
            HmacSecret(true).write(writer);
        }
    }
    let inputs = || json!({"eval": first()});
    let (_, result) =
        sign_in(&prf(request(), inputs()), &speaking(), &used(&[5; 16], unsigned(&Wrong)));
    assert!(matches!(result, Err(Error::Misbehaved(Misbehaviour::Malformed(_)))), "{result:?}");
    let (_, result) = register(&prf(creation(), inputs()), &speaking(), &made(unsigned(&Wrong)));
    assert!(matches!(result, Err(Error::Misbehaved(Misbehaviour::Malformed(_)))), "{result:?}");
}
