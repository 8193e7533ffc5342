//! What security keys do for sites beside signing: `prf` from `hmac-secret`, and blobs.

use serde_json::{Value, json};
use towline_authenticator::{Config, LargeBlobs};
use towline_client::{Error, Misbehaviour};
use towline_ctap::{
    Extensions, LargeBlobArray, LargeBlobMap, LargeBlobsRequest, LargeBlobsResponse, Request,
    Transport,
    extension::{HmacSecretInput, HmacSecretOutput},
};
use towline_testkit::rig::HOME;

use crate::{
    authenticator::{Device, register, sign_in, verify},
    scripted::*,
};

fn extended(mut options: Value, extensions: Value) -> Value {
    options["extensions"] = extensions;
    options
}

fn passkey(user: u8, extensions: Value) -> Value {
    let mut options = extended(creation(), extensions);
    options["user"]["id"] = b64(&[user]).into();
    options["authenticatorSelection"] = json!({"residentKey": "required"});
    options
}

fn with_list(options: Value, registrations: &[&Value]) -> Value {
    let list: Vec<Value> =
        registrations.iter().map(|it| json!({"type": "public-key", "id": it["id"]})).collect();
    with(options, "allowCredentials", list.into())
}

fn outputs(response: &Value) -> &Value {
    &response["clientExtensionResults"]
}

fn eval(first: &[u8], second: Option<&[u8]>) -> Value {
    match second {
        Some(second) => json!({"first": b64(first), "second": b64(second)}),
        None => json!({"first": b64(first)}),
    }
}

#[tokio::test]
async fn a_key_gives_the_same_secrets_at_a_creation_and_at_sign_ins() {
    let mut key = Device::key();
    let prf = json!({"prf": {"eval": eval(b"one", Some(b"two"))}});
    let made = register(&mut key, passkey(1, prf.clone())).await.unwrap();
    assert_eq!(outputs(&made)["prf"]["enabled"], true);
    let results = &outputs(&made)["prf"]["results"];
    assert_eq!((unb64(&results["first"]).len(), unb64(&results["second"]).len()), (32, 32));
    assert_ne!(results["first"], results["second"]);

    for options in [request(), with_list(request(), &[&made])] {
        let signed = sign_in(&mut key, extended(options, prf.clone()), 0).await.unwrap();
        verify(&made, &signed);
        assert_eq!(&outputs(&signed)["prf"], &json!({ "results": results }));
    }
    let one = json!({"prf": {"eval": eval(b"two", None)}});
    let signed = sign_in(&mut key, extended(request(), one), 0).await.unwrap();
    assert_eq!(outputs(&signed)["prf"]["results"], json!({"first": results["second"]}));
}

#[tokio::test]
async fn each_passkey_has_its_own_values_and_secrets() {
    let mut key = Device::key();
    let first = register(&mut key, passkey(1, json!({"prf": {}}))).await.unwrap();
    let second = register(&mut key, passkey(2, json!({"prf": {}}))).await.unwrap();
    assert_eq!(outputs(&first)["prf"], json!({"enabled": true}));
    let ids = [&first, &second].map(|it| it["id"].as_str().unwrap().to_owned());

    let own = json!({ids[0].clone(): eval(b"1", None), ids[1].clone(): eval(b"2", None)});
    let of = |listed: &[&Value], eval_by: &Value| {
        let input = json!({"prf": {"eval": eval(b"any", None), "evalByCredential": eval_by}});
        extended(with_list(request(), listed), input)
    };
    // The key holds the second one alone of those that are listed with it.
    let elsewhere = json!({"id": b64(&[9; 40])});
    let signed = sign_in(&mut key, of(&[&first, &second], &own), 0).await.unwrap();
    let used = if signed["id"] == ids[0] { (&first, b"1") } else { (&second, b"2") };
    let by = json!({used.0["id"].as_str().unwrap(): eval(used.1, None)});
    let again = sign_in(&mut key, of(&[used.0], &by), 0).await.unwrap();
    assert_eq!(outputs(&signed), outputs(&again));

    let by = json!({b64(&[9; 40]): eval(b"9", None), ids[1].clone(): eval(b"2", None)});
    let signed = sign_in(&mut key, of(&[&elsewhere, &second], &by), 0).await.unwrap();
    assert_eq!(signed["id"], ids[1]);
    let by = json!({ids[1].clone(): eval(b"2", None)});
    let again = sign_in(&mut key, of(&[&second], &by), 0).await.unwrap();
    assert_eq!(outputs(&signed), outputs(&again));
    // What has no value of its own gets that of all.
    let by = json!({b64(&[9; 40]): eval(b"9", None)});
    let signed = sign_in(&mut key, of(&[&elsewhere, &second], &by), 0).await.unwrap();
    let all =
        extended(with_list(request(), &[&second]), json!({"prf": {"eval": eval(b"any", None)}}));
    assert_eq!(outputs(&signed), outputs(&sign_in(&mut key, all, 0).await.unwrap()));
}

#[test]
fn secrets_that_are_none_are_misbehaviour() {
    let mut info = simple_key();
    info.extensions = Some(vec!["hmac-secret".into()]);
    let options = extended(request(), json!({"prf": {"eval": eval(b"1", None)}}));
    for (length, good) in
        [(32, true), (64, true), (0, false), (16, false), (33, false), (96, false)]
    {
        let mut get = start_get(&options).unwrap();
        get.handle_info(&info.to_cbor(), &Transport::Usb);
        let Request::ClientPin(_) = Request::decode(&sent(get.poll_output()), 9999).unwrap() else {
            panic!("the key is agreed on first");
        };
        let key = towline_ctap::KeyAgreementKey::from(
            towline_crypto::rustcrypto::provider()
                .ecdh
                .generate(&*towline_crypto::rustcrypto::provider().random)
                .unwrap()
                .public_key(),
        );
        let response =
            towline_ctap::ClientPinResponse { key_agreement: Some(key), ..Default::default() };
        get.handle_response(&response.encode());
        let asked = get_assertion(get.poll_output());
        let input: HmacSecretInput = asked.extensions.get().unwrap().unwrap();
        assert_eq!((input.salt_enc.len(), input.salt_auth.len()), (32, 16));
        // Protocol one is what those mean who do not say which.
        assert_eq!(input.pin_uv_auth_protocol, None);
        let mut extensions = Extensions::new();
        extensions.set(&HmacSecretOutput(vec![7; length]));
        let mut data = auth_data(towline_ctap::Flags::UP);
        data.extensions = extensions;
        let mut response = asserted(&[5; 16], Some(user(7, None)));
        response.auth_data = data.encode();
        get.handle_response(&response.encode());
        match finished(get.poll_output()) {
            Ok(_) => assert!(good, "{length}"),
            Err(error) => {
                assert!(!good, "{length}");
                assert_eq!(error, Error::Misbehaved(Misbehaviour::Prf));
            }
        }
    }
}

fn blob(input: Value) -> Value {
    json!({ "largeBlob": input })
}

#[tokio::test]
async fn a_blob_is_written_read_and_written_anew() {
    let mut message = Config::security_key();
    message.extensions.large_blobs = LargeBlobs::Extension(1024);
    for config in [Config::security_key(), message] {
        let mut key = Device::new(config, Transport::Usb);
        let support = |support: &str| passkey(1, blob(json!({ "support": support })));
        let made = register(&mut key, support("required")).await.unwrap();
        assert_eq!(outputs(&made)["largeBlob"], json!({"supported": true}));
        let input = |input: Value| extended(with_list(request(), &[&made]), blob(input));

        let read = sign_in(&mut key, input(json!({"read": true})), 0).await.unwrap();
        assert_eq!(outputs(&read)["largeBlob"], json!({}));
        for text in [&[b'x'; 3000][..], b"short", b""] {
            let write = json!({"write": b64(text)});
            let written = sign_in(&mut key, input(write), 0).await.unwrap();
            assert_eq!(outputs(&written)["largeBlob"], json!({"written": true}));
            verify(&made, &written);
            let read = sign_in(&mut key, input(json!({"read": true})), 0).await.unwrap();
            assert_eq!(outputs(&read)["largeBlob"], json!({"blob": b64(text)}));
        }
        // What is too large is not written, and what was there stays.
        let noise: Vec<u8> = (0..9000_u32).map(|n| (n * n / 7 + n / 3).to_le_bytes()[0]).collect();
        let written = sign_in(&mut key, input(json!({"write": b64(&noise)})), 0).await.unwrap();
        assert_eq!(outputs(&written)["largeBlob"], json!({"written": false}));
        let read = sign_in(&mut key, input(json!({"read": true})), 0).await.unwrap();
        assert_eq!(outputs(&read)["largeBlob"], json!({"blob": ""}));
    }
}

#[tokio::test]
async fn blobs_of_others_stay() {
    let mut key = Device::key();
    let support = blob(json!({"support": "preferred"}));
    let first = register(&mut key, passkey(1, support.clone())).await.unwrap();
    let second = register(&mut key, passkey(2, support)).await.unwrap();
    for (of, text) in [(&first, b"one"), (&second, b"two"), (&first, b"1st")] {
        let write = blob(json!({"write": b64(text)}));
        sign_in(&mut key, extended(with_list(request(), &[of]), write), 0).await.unwrap();
    }
    for (of, text) in [(&first, b"1st"), (&second, b"two")] {
        let read = extended(with_list(request(), &[of]), blob(json!({"read": true})));
        let read = sign_in(&mut key, read, 0).await.unwrap();
        assert_eq!(outputs(&read)["largeBlob"], json!({"blob": b64(text)}));
    }
    // Without a list, the account is chosen first.
    let read = extended(request(), blob(json!({"read": true})));
    let read = sign_in(&mut key, read, 1).await.unwrap();
    assert_eq!(outputs(&read)["largeBlob"], json!({"blob": b64(b"1st")}));
}

#[tokio::test]
async fn who_keeps_no_blobs_says_so() {
    let mut config = Config::security_key();
    config.extensions.large_blobs = LargeBlobs::None;
    let mut key = Device::new(config, Transport::Usb);
    let required = passkey(1, blob(json!({"support": "required"})));
    assert_eq!(register(&mut key, required).await, Err(Error::LargeBlobUnsupported));
    let preferred = passkey(1, blob(json!({"support": "preferred"})));
    let made = register(&mut key, preferred).await.unwrap();
    assert_eq!(outputs(&made)["largeBlob"], json!({"supported": false}));
    let listed = with_list(request(), &[&made]);
    for (input, output) in
        [(json!({"read": true}), json!({})), (json!({"write": "AAAA"}), json!({"written": false}))]
    {
        let signed = sign_in(&mut key, extended(listed.clone(), blob(input)), 0).await.unwrap();
        assert_eq!(outputs(&signed)["largeBlob"], output);
    }
}

/// The array of the key, changed.
fn put(key: &mut Device, bytes: &[u8]) {
    let request = LargeBlobsRequest::Set {
        fragment: bytes.to_vec(),
        offset: 0,
        length: u64::try_from(bytes.len()).ok(),
        auth: None,
    };
    key.rig.send(HOME, &Request::from(request).encode());
    assert_eq!(key.rig.response(), [0]);
}

#[tokio::test]
async fn an_array_with_foreign_things_in_it_is_kept_and_searched() {
    let provider = towline_crypto::rustcrypto::provider();
    let mut key = Device::key();
    let made = register(&mut key, passkey(1, blob(json!({"support": "required"})))).await.unwrap();
    let mut array = LargeBlobArray::default();
    array.push(&LargeBlobMap { ciphertext: vec![1; 40], nonce: [2; 12], orig_size: 5 });
    array.push(&LargeBlobMap { ciphertext: vec![], nonce: [2; 12], orig_size: u64::MAX });
    put(&mut key, &array.encode(&provider));
    let input = |input: Value| extended(with_list(request(), &[&made]), blob(input));
    let written = sign_in(&mut key, input(json!({"write": b64(b"mine")})), 0).await.unwrap();
    assert_eq!(outputs(&written)["largeBlob"], json!({"written": true}));
    let read = sign_in(&mut key, input(json!({"read": true})), 0).await.unwrap();
    assert_eq!(outputs(&read)["largeBlob"], json!({"blob": b64(b"mine")}));

    let get = LargeBlobsRequest::Get { count: 4096, offset: 0 };
    key.rig.send(HOME, &Request::from(get).encode());
    let stored = LargeBlobsResponse::decode(&key.rig.response()).unwrap().config.unwrap();
    let stored = LargeBlobArray::decode(&stored, &provider).unwrap();
    let mut sizes = Vec::new();
    stored.find(|it| {
        sizes.push(it.orig_size);
        None::<()>
    });
    assert_eq!(sizes, [5, u64::MAX, 4]);
}

#[test]
fn an_array_whose_hash_does_not_fit_is_none() {
    let provider = towline_crypto::rustcrypto::provider();
    let whole = LargeBlobArray::default().encode(&provider);
    assert_eq!(LargeBlobArray::decode(&whole, &provider), Ok(LargeBlobArray::default()));
    for length in 0..whole.len() {
        assert!(LargeBlobArray::decode(&whole[..length], &provider).is_err(), "{length}");
    }
    for place in 0..whole.len() {
        let mut wrong = whole.clone();
        wrong[place] ^= 1;
        assert!(LargeBlobArray::decode(&wrong, &provider).is_err(), "{place}");
    }
    // Right, but no array.
    let hash = provider.sha256.hash(&[&[0xa0]]);
    let wrong = [&[0xa0], &hash[..16]].concat();
    assert!(LargeBlobArray::decode(&wrong, &provider).is_err());
}
