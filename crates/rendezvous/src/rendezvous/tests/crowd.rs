//! Sources, the networks around them, and whose place a newcomer takes.

use super::*;
use crate::source::Width;

fn source(text: &str) -> Source {
    Source::of(text.parse().unwrap())
}

#[test]
fn addresses_of_one_ipv6_network_are_one_source() {
    assert!(source("2001:db8:0:1::1") == source("2001:db8:0:1:ffff::2"));
    assert!(source("2001:db8:0:1::1") != source("2001:db8:0:2::1"));
    assert!(source("::ffff:192.0.2.1") == source("192.0.2.1"));
    assert!(source("192.0.2.1") != source("192.0.2.2"));
    assert_eq!(format!("{:?}", source("192.0.2.1")), "Source(..)", "logs name no address");
}

#[test]
fn wider_networks_are_a_56_and_a_48_of_ipv6_and_a_24_of_ipv4() {
    let same = |width, one, other| source(one).network(width) == source(other).network(width);
    assert!(same(Width::Site, "2001:db8:1:aa00::1", "2001:db8:1:aaff::1"));
    assert!(!same(Width::Site, "2001:db8:1:aa00::1", "2001:db8:1:ab00::1"));
    assert!(same(Width::Region, "2001:db8:1::1", "2001:db8:1:ffff::1"));
    assert!(!same(Width::Region, "2001:db8:1::1", "2001:db8:2::1"));
    assert!(!same(Width::Site, "192.0.2.1", "192.0.2.2"));
    assert!(same(Width::Region, "192.0.2.1", "192.0.2.255"));
    assert!(!same(Width::Region, "192.0.2.1", "192.0.3.1"));
    assert!(!same(Width::Region, "192.0.2.1", "::"));
}

#[test]
fn a_56_has_twice_and_a_48_four_times_what_a_64_has() {
    // Each address is in a /64 of its own, and then in a /56 of its own.
    for (most, address) in
        [(4, "2001:db8:0:1::0"), (8, "2001:db8:0:00NN::"), (16, "2001:db8:0:NN00::")]
    {
        let mut shares = Shares::new();
        let each = |number: u16| source(&address.replace("NN", &format!("{number:02x}")));
        for number in 0..most {
            assert!(shares.allow(each(number), 4, None), "{address} {number}");
            shares.add(each(number));
        }
        assert!(!shares.allow(each(most), 4, None), "{address}");
        assert!(shares.allow(each(most), 4, Some(each(0))), "one for another");
        assert!(shares.allow(source("2001:db8:1::"), 4, None));
        for number in 0..most {
            shares.remove(each(number));
        }
        assert!(shares.allow(each(most), 1, None));
    }
    let mut shares = Shares::new();
    for host in 0..16 {
        let address = source(&format!("192.0.2.{host}"));
        assert!(shares.allow(address, 4, None));
        shares.add(address);
    }
    assert!(!shares.allow(source("192.0.2.99"), 4, None));
    assert!(shares.allow(source("192.0.3.99"), 4, None));
}

fn crowd(sources: &[&str]) -> Crowd {
    let mut crowd = Crowd::new();
    for (number, text) in sources.iter().enumerate() {
        crowd.add(source(text), number.try_into().unwrap());
    }
    crowd
}

#[test]
fn the_largest_network_loses_its_oldest() {
    let crowd = crowd(&["10.0.0.1", "10.0.1.1", "10.0.1.1", "10.0.2.1"]);
    for precedence in [Precedence::Newest, Precedence::Oldest] {
        assert_eq!(crowd.make_way(source("192.0.2.1"), precedence), Some(1));
        assert_eq!(crowd.make_way(source("10.0.1.9"), precedence), Some(1), "its neighbour");
    }
    // One more of the largest takes its own place, or none.
    assert_eq!(crowd.make_way(source("10.0.1.1"), Precedence::Newest), Some(1));
    assert_eq!(crowd.make_way(source("10.0.1.1"), Precedence::Oldest), None);
}

#[test]
fn inside_the_largest_48_the_largest_56_and_64_pay() {
    let crowd = crowd(&[
        "2001:db8:1:0000::1", // alone in its /56
        "2001:db8:1:aa01::1",
        "2001:db8:1:aa02::1",
        "2001:db8:1:aa02::2",
        "2001:db8:2::1",
        "2001:db8:2::1",
    ]);
    for precedence in [Precedence::Newest, Precedence::Oldest] {
        assert_eq!(crowd.make_way(source("192.0.2.1"), precedence), Some(2));
    }
    // A neighbour in the same /48 pays with what its larger neighbour has, too.
    assert_eq!(crowd.make_way(source("2001:db8:1:bb00::"), Precedence::Newest), Some(2));
}

#[test]
fn among_equals_the_oldest_goes_or_the_newcomer() {
    let mut crowd = crowd(&["203.0.113.1", "10.0.0.1", "172.16.0.1"]);
    let newcomer = source("192.0.2.1");
    assert_eq!(crowd.make_way(newcomer, Precedence::Newest), Some(0));
    assert_eq!(crowd.make_way(newcomer, Precedence::Oldest), None);
    crowd.remove(source("203.0.113.1"), 0);
    crowd.remove(source("203.0.113.1"), 0);
    crowd.remove(newcomer, 77);
    assert_eq!((crowd.len(), crowd.is_empty()), (2, false));
    assert_eq!(crowd.make_way(newcomer, Precedence::Newest), Some(1));
    assert_eq!(Crowd::new().make_way(newcomer, Precedence::Newest), None);
}

#[test]
fn behind_a_proxy_all_are_one_source() {
    let mut one = crowd(&["127.0.0.1"; 5]);
    assert!(one.is_one_network());
    assert_eq!(one.make_way(source("127.0.0.1"), Precedence::Newest), Some(0));
    assert_eq!(one.make_way(source("127.0.0.1"), Precedence::Oldest), None);
    one.add(source("10.0.0.1"), 9);
    assert!(!one.is_one_network());
    assert_eq!((one.most_held(), one.held_around(source("10.0.0.9"))), (5, 1));
}

/// Whoever has the place is always one of the largest network, whatever comes and goes.
#[test]
fn the_books_stay_straight() {
    let mut crowd = Crowd::new();
    let mut there: Vec<(Source, u64)> = Vec::new();
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for holder in 0..5000 {
        let address = [10, 0, u8::try_from(random(4)).unwrap(), u8::try_from(random(3)).unwrap()];
        let from = Source::of(address.into());
        if there.len() >= 50 {
            let victim = crowd.make_way(from, Precedence::Newest).unwrap();
            let at = there.iter().position(|(_, holder)| *holder == victim).unwrap();
            let region = |source: Source| source.network(Width::Region);
            let of = |wanted| there.iter().filter(|(source, _)| region(*source) == wanted).count();
            let (paid, own) = (of(region(there[at].0)), of(region(from)));
            let most = there.iter().map(|(source, _)| of(region(*source))).max().unwrap();
            assert!(paid == most && own <= most);
            let (source, holder) = there.remove(at);
            crowd.remove(source, holder);
        }
        crowd.add(from, holder);
        there.push((from, holder));
        if random(3) == 0 {
            let at = usize::try_from(random(there.len().try_into().unwrap())).unwrap();
            let (source, holder) = there.remove(at);
            crowd.remove(source, holder);
        }
        assert_eq!(crowd.len(), there.len());
    }
}
