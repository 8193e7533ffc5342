//! Templates are those of the standards, and public areas are read strictly.

use towline_tpm::{Curve, PublicArea, template};

use crate::vectors::{hex, provider, vectors};

#[test]
fn templates_have_the_bytes_that_they_have_everywhere() {
    let all = vectors();
    let of = |name: &str| hex(&all["templates"][name]);
    let own = [
        ("storage_parent_tcg", template::parent()),
        ("credential_es256", template::credential_ecc(Curve::P256)),
        ("credential_es384", template::credential_ecc(Curve::P384)),
        ("credential_rs256", template::credential_rsa()),
        ("ek_rsa2048_l1", template::endorsement_rsa()),
        ("ek_ecc_p256_l2", template::endorsement_ecc()),
        ("sealed_noda", template::sealed(Vec::new())),
    ];
    for (name, template) in own {
        assert_eq!(template.encode(), of(name), "{name}");
        assert_eq!(PublicArea::decode(&of(name)).unwrap(), template, "{name}");
    }
}

#[test]
fn nothing_shorter_or_longer_is_a_public_area() {
    let all = vectors();
    for (name, value) in all["transcript"]["public_areas"].as_object().unwrap() {
        let bytes = hex(value);
        let area = PublicArea::decode(&bytes).unwrap();
        assert_eq!(area.encode(), bytes, "{name}");
        assert_eq!(area.name(&provider()).as_bytes(), hex(&all["transcript"]["names"][name]));
        for length in 0..bytes.len() {
            assert!(PublicArea::decode(&bytes[..length]).is_err(), "{name} cut at {length}");
        }
        assert!(PublicArea::decode(&[&bytes[..], &[0]].concat()).is_err(), "{name}");
    }
}

#[test]
fn a_key_is_for_its_own_algorithm() {
    let all = vectors();
    let area = PublicArea::decode(&hex(&all["transcript"]["public_areas"]["credential"])).unwrap();
    assert!(area.cose(-7).is_some());
    assert!([-35, -257, -8].iter().all(|other| area.cose(*other).is_none()));
    assert!(template::credential_ecc(Curve::P256).cose(-7).is_none(), "a template has no key");
}
