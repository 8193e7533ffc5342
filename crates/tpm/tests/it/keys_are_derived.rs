//! Known answers of the key derivations, and of the encryption of parameters.

use towline_crypto::Secret;
use towline_tpm::{
    ActivationChallenge, ObjectName,
    kdf::{Cfb, kdfa, kdfe},
};

use crate::vectors::{hex, provider, vectors};

#[test]
fn kdfa_and_kdfe_give_what_is_known() {
    let all = vectors();
    let a = &all["kdf"]["kdfa"];
    let (u, v) = (hex(&a["context_u"]), hex(&a["context_v"]));
    let out: Secret<32> =
        kdfa(&provider(), &hex(&a["key"]), a["label"].as_str().unwrap(), [&u, &v]);
    assert_eq!(out.expose()[..], hex(&a["out"]));
    let e = &all["kdf"]["kdfe"];
    let (u, v) = (hex(&e["party_u"]), hex(&e["party_v"]));
    let out: Secret<32> = kdfe(&provider(), &hex(&e["z"]), e["use"].as_str().unwrap(), [&u, &v]);
    assert_eq!(out.expose()[..], hex(&e["out"]));
}

#[test]
fn a_shorter_key_is_another_key() {
    let all = vectors();
    let it = &all["make_credential"];
    let (seed, name) = (hex(&it["seed"]), hex(&it["aik_name"]));
    let key: Secret<16> = kdfa(&provider(), &seed, "STORAGE", [&name, &[]]);
    assert_eq!(key.expose()[..], hex(&it["aes_key"]));
    let mac: Secret<32> = kdfa(&provider(), &seed, "INTEGRITY", [&[], &[]]);
    assert_eq!(mac.expose()[..], hex(&it["hmac_key"]));

    let secret = hex(&it["secret"]);
    let mut inner = [&[0, 32][..], &secret].concat();
    Cfb::new(key.clone(), [0; 16]).encrypt(&provider(), &mut inner);
    let tag = provider().hmac.key(mac.expose()).sign(&[&inner, &name]);
    assert_eq!([&[0, 32], &tag[..], &inner].concat(), hex(&it["credential_blob"]));
    let seed = Secret::from_slice(&seed).unwrap();
    let name = ObjectName::read(&name).unwrap();
    let blob = ActivationChallenge::blob(&provider(), &seed, &name, &secret);
    assert_eq!(blob, hex(&it["credential_blob"]));
    Cfb::new(key, [0; 16]).decrypt(&provider(), &mut inner);
    assert_eq!(inner[2..], secret);
}
