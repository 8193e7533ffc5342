//! Documents that would like to cost more than they are worth, that have more than one meaning, or
//! that would spoil what is written later.

use std::sync::Arc;

use serde_json::{Value, json};
use towline_authenticator::{LargeBlobPlace, UnixTime};
use towline_crypto::Secret;
use towline_ctap::{LargeBlobArray, LargeBlobKey, LargeBlobMap, extension::LargeBlob};
use towline_exchange::{
    Defect, Import, ImportLimits, Importer, ItemOutcome, KeePassEntry, KeyPackage, Missing, NotCxf,
    Plan,
};

use crate::parts::{candidate, export, exporter, json, passkey, plan, provider, vector, words};

fn bare() -> Value {
    json(&vector("bare-passkey.json"))
}

/// A passkey of this site, with an id of its own.
fn of_site(site: &str, id: &str) -> Value {
    let mut passkey = bare();
    (passkey["rpId"], passkey["credentialId"]) = (site.into(), id.into());
    passkey
}

fn item(credentials: Vec<Value>) -> Value {
    json!({ "id": "AAAA", "title": "one", "credentials": credentials })
}

fn account(items: Vec<Value>) -> Value {
    json!({ "id": "AQ", "username": "", "email": "", "collections": [], "items": items })
}

fn document(accounts: Vec<Value>) -> Vec<u8> {
    let version = json!({ "major": 1, "minor": 0 });
    json!({ "version": version, "accounts": accounts }).to_string().into_bytes()
}

fn planned(import: Import) -> Plan {
    import.plan(|_| Ok::<_, ()>(None), &Importer::new(provider())).unwrap()
}

#[test]
fn a_long_title_is_there_once_however_many_reports_name_it() {
    let mut entry = item(vec![json!(0); 5000]);
    entry["title"] = "t".repeat(50_000).into();
    let plan = plan(account(vec![entry]).to_string().as_bytes()).unwrap();
    let titles: Vec<_> = plan.reports().iter().map(|it| it.title.as_ref().unwrap()).collect();
    assert_eq!((titles.len(), titles[0].len()), (5000, 4096));
    assert!(titles.iter().all(|title| Arc::ptr_eq(title, titles[0])));
    // A member that is there twice is named in each report of its item.
    let (name, passkeys) = ("n".repeat(5000), vec![bare(); 3]);
    let entry = item(passkeys).to_string();
    let twice = format!("{{\"{name}\":1,\"{name}\":2,{}", entry.strip_prefix('{').unwrap());
    let whole = account(vec![]).to_string().replace("[]}", &format!("[{twice}]}}"));
    for report in super::parts::plan(whole.as_bytes()).unwrap().reports() {
        let ItemOutcome::Refused(refused) = &report.outcome else { panic!("{report:?}") };
        assert_eq!(refused.reason, Defect::DuplicateMember);
        assert_eq!(refused.member.as_ref().unwrap().len(), 64);
    }
}

#[test]
fn a_document_of_nothing_but_values_is_refused() {
    let limits = ImportLimits { document: 64 << 10, ..ImportLimits::default() };
    let many = |count| account(vec![item(vec![json!(0); count])]).to_string();
    assert!(Import::read(many(4000).as_bytes(), &limits).is_ok());
    let refused = Import::read(many(5000).as_bytes(), &limits).unwrap_err();
    assert_eq!((refused, refused.as_str()), (NotCxf::TooMany, "too-many-parts"));
}

#[test]
fn of_sites_that_are_not_wanted_nothing_goes_in() {
    let note = json!({ "type": "note", "content": { "fieldType": "string", "value": "n" } });
    let both = item(vec![of_site("bank.example", "AQ"), of_site("example.org", "Ag"), note]);
    let broken = item(vec![json!(0), of_site("bank.example", "Aw")]);
    let other = item(vec![of_site("bank.example", "BA")]);
    let bytes = document(vec![account(vec![both, broken, other])]);
    let mut import = Import::read(&bytes, &ImportLimits::default()).unwrap();
    import.retain(|site| site == "example.org");
    let plan = planned(import);
    // What can't be read at all could be of any site.
    assert_eq!(words(&plan), ["imported", "not-a-passkey", "refused"]);
    assert!(plan.credentials().iter().all(|it| it.rp_id.as_str() == "example.org"));
}

/// There are readers for whom one such member is the end of the whole document.
#[test]
fn what_was_no_member_of_the_format_is_not_written_as_one() {
    let mut broken = item(vec![bare()]);
    for (name, value) in [
        ("creationAt", json!(-11_644_473_600_i64)),
        ("modifiedAt", json!("yesterday")),
        ("id", json!(5)),
        ("title", json!(null)),
        ("favorite", json!(true)),
    ] {
        broken[name] = value;
    }
    broken["credentials"][0]["fido2Extensions"] = json!({
        "payments": "yes", "credBlob": 7, "largeBlob": "x", "hmacCredentials": [], "new": { "a": 1 },
    });
    let plan = plan(&document(vec![account(vec![broken])])).unwrap();
    assert_eq!(words(&plan), ["imported-partly"]);
    let written = json(&export(plan.credentials()).document());
    let item = &written["accounts"][0]["items"][0];
    assert!(item["creationAt"].is_null() && item["modifiedAt"].is_null(), "{item}");
    assert!(item["id"].is_string() && item["title"] == "example.org", "{item}");
    assert_eq!(item["favorite"], true, "what nobody knows is kept");
    let extensions = &item["credentials"][0]["fido2Extensions"];
    assert_eq!(*extensions, json!({ "new": { "a": 1 } }));
}

#[test]
fn an_id_is_written_once() {
    let one = |id: &str| account(vec![item(vec![of_site("example.org", id)])]);
    let plan = plan(&document(vec![one("AQ"), one("Ag")])).unwrap();
    let written = json(&export(plan.credentials()).document());
    let id = |number: usize| &written["accounts"][0]["items"][number]["id"];
    assert_eq!(*id(0), "AAAA");
    assert!(id(1).is_string() && id(1) != id(0));
}

#[test]
fn a_broken_account_costs_its_neighbours_nothing() {
    let good = || account(vec![item(vec![bare()])]);
    let mut twice = good().to_string();
    twice.insert_str(1, "\"items\":[],");
    for broken in [json!({ "id": "x" }), json!(null)] {
        let plan = plan(&document(vec![good(), broken])).unwrap();
        assert_eq!(words(&plan), ["imported", "refused"]);
    }
    let whole = document(vec![good(), json!("TWICE")]);
    let whole = String::from_utf8(whole).unwrap().replace("\"TWICE\"", &twice);
    assert_eq!(words(&plan(whole.as_bytes()).unwrap()), ["imported", "refused"]);
    // Of nothing but such there is nothing to say.
    assert_eq!(plan(&document(vec![json!({ "id": "x" })])).unwrap_err(), NotCxf::Other);
}

/// Another doubled member, whose name comes first, does not hide it.
#[test]
fn two_lists_and_two_types_are_seen_beside_other_doubles() {
    let refused = |text: &str, member: &str| {
        let plan = plan(text.as_bytes()).unwrap();
        assert!(plan.credentials().is_empty(), "{text}");
        let outcomes: Vec<_> = plan.reports().iter().map(|report| &report.outcome).collect();
        assert!(
            outcomes.iter().any(|outcome| matches!(outcome, ItemOutcome::Refused(refused)
                if refused.reason == Defect::DuplicateMember
                    && refused.member.as_deref() == Some(member))),
            "{outcomes:?}"
        );
        outcomes.len()
    };
    let passkey = bare().to_string();
    let inner = passkey.strip_prefix('{').unwrap();
    let types = format!("{{\"a\":1,\"a\":2,\"type\":\"note\",{inner}");
    assert_eq!(
        refused(
            &account(vec![item(vec![json!("P")])]).to_string().replace("\"P\"", &types),
            "type"
        ),
        1
    );
    let lists = item(vec![json!("P"), json!("P")]).to_string().replace("\"P\"", &passkey);
    let lists = lists.replacen('{', &format!("{{\"credentials\":[{passkey}],"), 1);
    let lists = account(vec![json!("I")]).to_string().replace("\"I\"", &lists);
    assert_eq!(refused(&lists, "credentials"), 3, "both lists are told of");
    let accounts = account(vec![]).to_string();
    let accounts = accounts.replacen('{', "{\"email\":\"\",\"items\":[],", 1);
    assert_eq!(plan(accounts.as_bytes()).unwrap_err(), NotCxf::Other);
}

/// With very many members, too: it took time by their square.
#[test]
fn bitwardens_members_are_read_once_and_in_their_order() {
    let mut login = "{\"rpId\":0".to_owned();
    (0..60_000).for_each(|_| login.push_str(",\"rpId\":0"));
    login.push('}');
    let text = format!(
        "{{\"encrypted\":false,\"items\":[{{\"login\":{{\"fido2Credentials\":[{login}]}}}}]}}"
    );
    assert_eq!(words(&plan(text.as_bytes()).unwrap()), ["refused"]);
}

#[test]
fn what_bitwarden_says_besides_comes_along() {
    let passkey = bare();
    let login = json!({
        "username": "alice", "uris": [{ "match": null, "uri": "https://example.org" }], "totp": "otpauth://totp/x?secret=AAAA", "fido2Credentials": [{
            "credentialId": "b64.AQIDBA", "keyValue": passkey["key"], "rpId": "example.org",
            "rpName": "Example", "userHandle": passkey["userHandle"], "counter": "0",
            "discoverable": "false",
        }],
    });
    let fields = json!([{ "name": "pin", "value": "1234", "type": 1 }, { "name": "empty" }]);
    let item = json!({ "name": "mail", "notes": "a note", "fields": fields, "login": login });
    let bytes = json!({ "encrypted": false, "items": [item] }).to_string();
    let plan = plan(bytes.as_bytes()).unwrap();
    assert_eq!(words(&plan), ["imported", "not-a-passkey", "not-a-passkey"]);
    let kept = |report: &towline_exchange::ItemReport| {
        matches!(report.outcome, ItemOutcome::NotAPasskey { kept: true, .. })
    };
    assert!(plan.reports()[1..].iter().all(kept));
    let [credential] = plan.credentials() else { panic!() };
    assert!(!credential.discoverable && credential.rp_name.as_deref() == Some("Example"));
    let written = json(&export(plan.credentials()).document());
    let item = &written["accounts"][0]["items"][0];
    assert_eq!(item["title"], "mail");
    assert_eq!(item["scope"], json!({ "urls": ["https://example.org"], "androidApps": [] }));
    let note = json!({
        "type": "note", "content": { "fieldType": "string", "value": "a note" },
    });
    assert_eq!(item["credentials"][1], note);
    let field = |label: &str, value: &str| json!({ "fieldType": "concealed-string", "value": value, "label": label });
    let fields = [field("totp", "otpauth://totp/x?secret=AAAA"), field("pin", "1234")];
    assert_eq!(item["credentials"][2], json!({ "type": "custom-fields", "fields": fields }));
}

#[test]
fn what_a_keepass_entry_says_besides_comes_along() {
    let passkey = bare();
    let text = |member: &str| passkey[member].as_str().unwrap().to_owned();
    let seed = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let attributes = [
        ("KPEX_PASSKEY_CREDENTIAL_ID", text("credentialId")),
        ("KPEX_PASSKEY_PRIVATE_KEY_PEM", text("key")),
        ("KPEX_PASSKEY_RELYING_PARTY", "example.org".into()),
        ("KPEX_PASSKEY_USER_HANDLE", text("userHandle")),
        ("KPEX_PASSKEY_PRF", seed.into()),
        ("KPEX_PASSKEY_FLAG_BE", "0".into()),
        ("UserName", "alice".into()),
        ("URL", "https://example.org".into()),
        ("Password", "secret".into()),
        ("otp", "otpauth://totp/x".into()),
    ];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value.into())).to_vec();
    let entry = KeePassEntry { title: Some("mail".into()), attributes };
    let plan = planned(Import::of_keepassxc(&[entry], &ImportLimits::default()));
    assert_eq!(words(&plan), ["imported-partly", "not-a-passkey", "not-a-passkey"]);
    let partly = ItemOutcome::ImportedPartly(vec![Missing::DeviceBound]);
    assert_eq!(plan.reports()[0].outcome, partly);
    let [credential] = plan.credentials() else { panic!() };
    assert!(!credential.backup_eligible, "as its site was told");
    let secrets = credential.extensions.as_ref().unwrap().cred_random.as_ref().unwrap();
    for verified in [true, false] {
        assert_eq!(secrets.secret(&provider(), verified).expose(), &[7; 32]);
    }
    let kept = String::from_utf8(credential.foreign.clone().unwrap().expose().to_vec()).unwrap();
    for part in [
        "\"value\":\"secret\"",
        "\"value\":\"otpauth://totp/x\"",
        "\"title\":\"mail\"",
        "https://example.org",
    ] {
        assert!(kept.contains(part), "{kept}");
    }
}

/// What is in the array was written last.
#[test]
fn the_blob_of_the_array_is_newer_than_one_that_came_along() {
    let provider = provider();
    let (mut credential, key) = (passkey(&[1], 7), LargeBlobKey::new(Secret::new([9; 32])));
    let blob = |byte| LargeBlob { compressed: vec![byte; 10], original_size: 10 };
    let data = credential.extensions.insert(Box::default());
    data.large_blob = Some(LargeBlobPlace::Holds(Box::new(blob(1))));
    data.large_blob_key = Some(LargeBlobKey::new(Secret::new([9; 32])));
    let (mut array, mut ciphertext, orig_size) = (LargeBlobArray::default(), vec![2; 10], 10);
    let sealed = LargeBlobMap::associated_data(orig_size);
    provider.aead.key(key.expose()).seal(&[1; 12], &sealed, &mut ciphertext).unwrap();
    array.push(&LargeBlobMap { ciphertext, nonce: [1; 12], orig_size });
    let written = |array: Option<&[u8]>| {
        let export =
            towline_exchange::Export::new([candidate(credential.clone())], array, &exporter());
        let written = json(&export.document());
        written["accounts"][0]["items"][0]["credentials"][0]["fido2Extensions"]["largeBlob"]["data"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(written(Some(&array.encode(&provider))), "AgICAgICAgICAg");
    assert_eq!(written(None), "AQEBAQEBAQEBAQ");
}

#[test]
fn a_name_of_a_site_is_cut_and_told() {
    let mut credential = passkey(&[1], 7);
    credential.rp_name = Some("é".repeat(600));
    credential.made = Some(UnixTime(1));
    let plan = plan(&export(&[credential]).document()).unwrap();
    let partly = ItemOutcome::ImportedPartly(vec![Missing::NameTooLong]);
    assert_eq!(plan.reports()[0].outcome, partly);
    assert_eq!(plan.credentials()[0].rp_name.as_ref().unwrap().len(), 1024);
}

/// Versions of the crate `ring` before 0.17 wrote the public key with a head of its own.
#[test]
fn an_ed25519_key_is_read_in_the_older_form_of_ring() {
    let key = provider().signature(-8).unwrap().load(&[7; 32]).unwrap();
    let public = |key: &[u8]| [&[0xa1, 0x23, 0x03, 0x21, 0][..], key].concat();
    let package = |public: Vec<u8>| {
        let head = b"\x30\x53\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
        [&head[..], &[7; 32], &public].concat()
    };
    let read = KeyPackage::read(&package(public(key.public_key()))).unwrap();
    assert_eq!((read.algorithm, &read.private[..]), (-8, &[7; 32][..]));
    assert_eq!(read.public.as_deref(), Some(key.public_key()));
    // Not with both.
    let both = [&[0x81, 0x21, 0][..], &[1; 32], &public(&[1; 32])].concat();
    assert!(KeyPackage::read(&package(both)).is_err());
}
