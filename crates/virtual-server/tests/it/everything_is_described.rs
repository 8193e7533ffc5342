//! OpenAPI, from the server itself.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::Running;

#[tokio::test]
async fn the_description_names_every_path_and_leaves_no_reference_open() {
    let it = Running::start().await;
    let description = it.get("/openapi.json").await.ok();
    assert!(description["openapi"].as_str().unwrap().starts_with("3."));
    let paths = description["paths"].as_object().unwrap();
    for path in [
        "/v1/sessions",
        "/v1/{session}",
        "/v1/{session}/clock",
        "/v1/{session}/authenticators/{authenticator}/credentials/{credential}",
        "/v1/{session}/create",
        "/v1/{session}/log",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    let mut references = BTreeSet::new();
    collect(&description, &mut references);
    let schemas = description["components"]["schemas"].as_object().unwrap();
    for reference in references {
        let name = reference.rsplit('/').next().unwrap();
        assert!(schemas.contains_key(name), "{reference}");
    }
    // Each operation says what it is, and what a refusal looks like.
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            assert!(operation["summary"].is_string(), "{method} {path}");
            let refusal = &operation["responses"]["4XX"]["content"]["application/json"]["schema"];
            assert_eq!(refusal["$ref"], "#/components/schemas/Refused", "{method} {path}");
        }
        let named = item["parameters"].as_array().into_iter().flatten();
        let named: Vec<&str> = named.map(|it| it["name"].as_str().unwrap()).collect();
        let inside = path.split('{').skip(1).map(|it| it.split_once('}').unwrap().0);
        assert_eq!(named, inside.collect::<Vec<_>>(), "{path}");
    }
}

fn collect(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value.as_str()) {
                    ("$ref", Some(reference)) => {
                        into.insert(reference.to_owned());
                    }
                    _ => collect(value, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}
