//! How often who may ask the other nodes for a phone.

use super::nodes::Nodes;
use super::ringing::contact;
use super::*;

impl Nodes {
    /// How many of these are asked for; the others are too many.
    fn seek_all(&mut self, from: impl Iterator<Item = [u8; 4]>, number: u8) -> usize {
        let asked = from.filter(|from| {
            let contact = contact(number);
            let request = TunnelRequest::Contact { contact, payload: vec![0xa0], signal: true };
            match self.nodes[1].ask_at(*from, request) {
                Ok(_) => true,
                Err(refusal) => {
                    assert_eq!(refusal, Refusal::TooMany);
                    false
                }
            }
        });
        asked.count()
    }
}

#[test]
fn many_people_are_behind_one_address_and_none_takes_the_bus_from_others() {
    let mut nodes = Nodes::new(2);
    let carrier = [192, 0, 2, 1];
    assert_eq!(nodes.seek_all(std::iter::repeat_n(carrier, 40), 1), 20);
    let around = (2..=250).map(|host| [192, 0, 2, host]);
    assert_eq!(nodes.seek_all(around, 1), 60, "its network has a limit as well");
    assert_eq!(nodes.nodes[1].relay.node_counts().over_quota, 20 + 249 - 60);
    // Others pay nothing for it.
    let others = (0..20).map(|network| [198, 51, network, 1]);
    assert_eq!(nodes.seek_all(others, 1), 20);
    nodes.pass(Duration::from_secs(1));
    assert_eq!(nodes.seek_all(std::iter::repeat_n(carrier, 40), 2), 5, "in each second");
}

#[test]
fn a_flood_of_many_networks_is_held_up_before_the_bus() {
    let mut nodes = Nodes::new(2);
    let networks = (0..=255).flat_map(|high| (0..10).map(move |low| [10, high, low, 1]));
    let asked = nodes.seek_all(networks, 1);
    // As many as have a place while they wait, and no more than two thousand.
    assert_eq!(asked, 2000);
    let sent = nodes.nodes[1].relay.node_counts().asked;
    assert_eq!(sent, 2000);
}
