//! Links in the store: as in memory, sealed, and there when it is opened again.

use std::fs;

use proptest::prelude::*;
use towline_crypto::Secret;
use towline_hybrid::{
    domain::TunnelDomain,
    ids::{ContactId, LinkId},
    link::{
        ComputerLinks, ContactKey, LinkSecret, LinkStoreError, LinkedComputer, LinkedPhone,
        LinkingInformation, MemoryComputerLinks, MemoryPhoneLinks, PhoneIdentity, PhoneLinks,
    },
};

use crate::support::*;

fn identities() -> Vec<towline_crypto::P256PublicKey> {
    let provider = provider();
    let key = |_| *provider.ecdh.generate(&*provider.random).unwrap().public_key();
    (0..4).map(key).collect()
}

fn phone(identity: &towline_crypto::P256PublicKey, link: u8, name: &str) -> LinkedPhone {
    LinkedPhone {
        information: LinkingInformation {
            contact_id: ContactId::new([link; 9]),
            link_id: LinkId::new([link; 8]),
            secret: LinkSecret::new(Secret::new([link; 32])),
            identity: *identity,
            name: name.to_owned(),
        },
        domain: TunnelDomain::new(0).unwrap(),
        since: (link > 0).then_some(link.into()),
    }
}

#[derive(Debug, Clone)]
enum Step {
    SavePhone(usize, u8, String),
    RemovePhone(usize, u8),
    BecomeOther,
    SaveComputer(u8, u64),
    Forget(u8),
    GivenUp(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_usize, 0..3_u8, "[a-z]{0,8}").prop_map(|(who, link, name)| Step::SavePhone(who, link, name)),
        2 => (0..4_usize, 0..3_u8).prop_map(|(who, link)| Step::RemovePhone(who, link)),
        1 => Just(Step::BecomeOther),
        4 => (0..5_u8, any::<u64>()).prop_map(|(link, since)| Step::SaveComputer(link, since)),
        2 => (0..5_u8).prop_map(Step::Forget),
        1 => (0..5_u8).prop_map(Step::GivenUp),
        2 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_changes_is_kept_as_in_memory(steps in proptest::collection::vec(step(), 1..25)) {
        let (place, identities) = (Place::new(), identities());
        let mut store = place.create();
        let (phones, computers) = (MemoryPhoneLinks::new(), MemoryComputerLinks::new());
        for step in steps {
            let links = store.links();
            match step {
                Step::SavePhone(who, link, name) => {
                    let phone = phone(&identities[who], link, &name);
                    PhoneLinks::save(&links, &phone).unwrap();
                    PhoneLinks::save(&phones, &phone).unwrap();
                }
                Step::RemovePhone(who, link) => {
                    let link = LinkId::new([link; 8]);
                    let removed = links.remove(&identities[who], &link);
                    prop_assert_eq!(removed, phones.remove(&identities[who], &link));
                }
                Step::BecomeOther => {
                    let identity = PhoneIdentity::generate(&provider()).unwrap();
                    links.become_other(&identity).unwrap();
                    computers.become_other(&identity).unwrap();
                }
                Step::SaveComputer(link, since) => {
                    // Some were linked when all shared one key.
                    let own = (link % 2 == 0).then(|| ContactKey::new(Secret::new([link; 32])));
                    let computer = LinkedComputer {
                        link_id: LinkId::new([link; 8]),
                        since,
                        contact_key: own,
                    };
                    ComputerLinks::save(&links, computer.clone()).unwrap();
                    ComputerLinks::save(&computers, computer).unwrap();
                }
                Step::Forget(link) => {
                    let link = LinkId::new([link; 8]);
                    prop_assert_eq!(links.forget(&link), computers.forget(&link));
                }
                Step::GivenUp(link) => {
                    let key = ContactKey::new(Secret::new([link; 32]));
                    links.given_up(&key).unwrap();
                    computers.given_up(&key).unwrap();
                }
                Step::Reopen => {
                    drop((links, store));
                    store = place.open().unwrap();
                }
            }
            let links = store.links();
            prop_assert_eq!(links.all(), phones.all());
            prop_assert_eq!(links.ledger(), computers.ledger());
        }
    }
}

#[test]
fn links_are_sealed_and_a_damaged_one_is_an_error_and_not_none() {
    let place = Place::new();
    let store = place.create();
    PhoneLinks::save(&store.links(), &phone(&identities()[0], 0x5a, "a phone of alice's")).unwrap();
    drop(store);
    let bytes = fs::read(place.file()).unwrap();
    for plain in [&b"a phone of alice's"[..], &[0x5a; 8]] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain));
    }
    damage(&place, "links", b"phones");
    let links = place.open().unwrap().links();
    assert_eq!(links.all(), Err(LinkStoreError::Damaged));
    let saved = PhoneLinks::save(&links, &phone(&identities()[0], 1, "another"));
    assert_eq!(saved, Err(LinkStoreError::Damaged));
}
