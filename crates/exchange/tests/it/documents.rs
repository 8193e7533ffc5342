//! Each document of the vectors has the result that the index says.

use serde_json::{Map, Value};
use towline_authenticator::{CredRandom, Credential, LargeBlobPlace};
use towline_exchange::{ItemReport, Outcome};

use crate::parts::{export, hex, index, json, plan, provider, vector};

#[test]
fn each_document_of_the_vectors_has_its_result() {
    let index = index();
    let documents = index["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 27);
    for document in documents {
        let file = document["file"].as_str().unwrap();
        let bytes = vector(file);
        let planned = plan(&bytes);
        let expected = document["document"].as_str().unwrap();
        let Ok(planned) = planned else {
            let error = planned.unwrap_err();
            assert_eq!(format!("refused: {}", error.as_str()), expected, "{file}");
            continue;
        };
        assert_eq!(expected, "ok", "{file}");
        let items = document["items"].as_array().unwrap();
        assert_eq!(planned.reports().len(), items.len(), "{file}: {:?}", planned.reports());
        let mut credentials = planned.credentials().iter();
        for (number, (report, item)) in planned.reports().iter().zip(items).enumerate() {
            let item = item.as_object().unwrap();
            let at = format!("{file}, number {number}: {report:?}");
            let credential = report.outcome.goes_in().then(|| credentials.next().unwrap());
            compare(report, credential, item, &at);
        }
        assert_eq!(credentials.next(), None, "{file}");
        if document["roundtrip"].as_str().is_some_and(|how| how.starts_with("equal")) {
            assert_eq!(first_item(&export(planned.credentials()).document()), {
                first_item(&bytes)
            });
        }
    }
}

/// The first item, without the extension that is ours.
fn first_item(document: &[u8]) -> Value {
    let mut item = json(document)["accounts"][0]["items"][0].take();
    let object = item.as_object_mut().unwrap();
    if let Some(extensions) = object.get_mut("extensions").and_then(Value::as_array_mut) {
        extensions.retain(|extension| extension["name"] != "org.towline.passkey");
        if extensions.is_empty() {
            object.remove("extensions");
        }
    }
    item
}

fn compare(
    report: &ItemReport,
    credential: Option<&Credential>,
    expected: &Map<String, Value>,
    at: &str,
) {
    let provider = provider();
    let mut missing = Vec::new();
    if let Outcome::ImportedPartly(parts) = &report.outcome {
        missing.extend(parts.iter().map(|part| part.as_str()));
    }
    let listed: Vec<&str> = expected
        .get("missing")
        .and_then(Value::as_array)
        .map(|words| words.iter().map(|word| word.as_str().unwrap()).collect())
        .unwrap_or_default();
    assert_eq!(missing, listed, "{at}");
    for (name, value) in expected {
        let text = value.as_str().unwrap_or_default();
        let data = || credential.unwrap().extensions.as_deref().cloned().unwrap_or_default();
        match name.as_str() {
            "outcome" => assert_eq!(report.outcome.as_str(), text, "{at}"),
            "reason" => match &report.outcome {
                Outcome::Conflict(conflict) => assert_eq!(conflict.as_str(), text, "{at}"),
                Outcome::Refused(refusal) => assert_eq!(refusal.reason.as_str(), text, "{at}"),
                _ => panic!("{at}"),
            },
            "member" => match &report.outcome {
                Outcome::Refused(refusal) => {
                    assert_eq!(refusal.member.as_deref(), Some(text), "{at}");
                }
                _ => panic!("{at}"),
            },
            "type" => match &report.outcome {
                Outcome::NotAPasskey { kind, .. } => assert_eq!(kind, text, "{at}"),
                _ => panic!("{at}"),
            },
            "algorithm" => {
                assert_eq!(credential.unwrap().key.algorithm(), value.as_i64().unwrap(), "{at}");
            }
            "publicKey" => {
                let key = &credential.unwrap().key;
                let loaded = provider.signature(key.algorithm()).unwrap();
                let loaded = loaded.load(key.expose()).unwrap();
                assert_eq!(hex(loaded.public_key()), text, "{at}");
            }
            "prf" if value.is_null() => assert_eq!(data().cred_random, None, "{at}"),
            "prf" => {
                let random: CredRandom = data().cred_random.unwrap();
                let input = value["input"].as_str().unwrap().as_bytes();
                let salt = provider.sha256.hash(&[b"WebAuthn PRF\0", input]);
                for (verified, name) in [(true, "withUV"), (false, "withoutUV")] {
                    let secret = random.secret(&provider, verified);
                    let result = provider.hmac.key(secret.expose()).sign(&[&salt]);
                    assert_eq!(hex(&result), value[name], "{at}");
                }
            }
            "credBlob" => assert_eq!(hex(data().cred_blob.unwrap().expose()), text, "{at}"),
            "largeBlob" => {
                let place = data().large_blob.unwrap();
                let blob = place.blob().unwrap();
                let plain = miniz_oxide::inflate::decompress_to_vec(&blob.compressed).unwrap();
                assert_eq!(plain, text.as_bytes(), "{at}");
                assert_eq!(usize::try_from(blob.original_size).unwrap(), plain.len(), "{at}");
            }
            "payments" => assert_eq!(Value::from(data().third_party_payment), *value, "{at}"),
            "name" => assert_eq!(credential.unwrap().user.name.as_deref(), value.as_str(), "{at}"),
            "displayName" => {
                let name = credential.unwrap().user.display_name.as_deref();
                assert_eq!(name, value.as_str(), "{at}");
            }
            "nameBytes" => {
                let length = credential.unwrap().user.name.as_deref().map(str::len);
                assert_eq!(Value::from(length), *value, "{at}");
            }
            "title" => assert_eq!(report.title.as_deref().unwrap_or_default(), text, "{at}"),
            "created" => {
                let made = credential.unwrap().made.map(|time| time.0);
                assert_eq!(Value::from(made), *value, "{at}");
                assert_eq!(report.made, made, "{at}");
            }
            "userHandle" => {
                assert_eq!(hex(credential.unwrap().user.id.as_bytes()), text, "{at}");
            }
            "rpId" => assert_eq!(credential.unwrap().rp_id.as_str(), text, "{at}"),
            // The list of what is missing is compared above; how a text is shown is the program's.
            "missing" | "note" | "shown" => {}
            other => panic!("{other} is not compared"),
        }
    }
    let Some(credential) = credential else { return };
    assert!(credential.never_counts && credential.backup_eligible, "{at}");
    // Nothing is inflated, and no place is made for a blob that could not be kept.
    if listed.contains(&"large-blob-too-large") {
        let data = credential.extensions.as_deref().cloned().unwrap_or_default();
        assert_eq!(data.large_blob.as_ref().and_then(LargeBlobPlace::blob), None, "{at}");
    }
}
