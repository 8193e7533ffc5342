//! Against a device that is not the right one, or does not keep to what belongs there.

use super::*;
use crate::Introduction;

#[test]
fn two_new_devices_and_two_circles_are_told_what_to_do() {
    let new = |_| {
        let keys = DeviceKeys::generate(&crypto()).unwrap();
        let config = JoiningConfig::new("new");
        Joining::newcomer(crypto(), config, CircleConfig::default(), keys)
    };
    let room = Room::of([0, 1].map(new), circle(0).0).run();
    for seat in &room.seats {
        assert_eq!(
            seat.error().to_string(),
            "both devices are new; one of the two has to run `towline sync invite`"
        );
    }
    let (one, other) = (circle(0).0, circle(0).0);
    let old = |circle: &Circle| Joining::sponsor(JoiningConfig::new("old"), circle).unwrap();
    let room = Room::of([old(&one), old(&other)], one).run();
    for seat in &room.seats {
        assert_eq!(seat.error(), JoiningError::SamePart { both_new: false });
    }
}

#[test]
fn a_device_of_another_time_is_told_to_be_updated() {
    let later = {
        let mut writer = towline_cbor::Writer::new();
        writer.map(|map| {
            map.entry(0, |value| value.uint(0));
            map.entry(1, |value| value.array(|array| array.item(|item| item.uint(2))));
            map.entry(2, |value| value.text("later"));
            map.entry(3, |value| value.bytes(&[1; 16]));
            map.entry(4, |value| value.bool(false));
            map.entry(5, |value| value.text("and something new"));
        });
        writer.into_vec()
    };
    let mut room = Room::new(circle(0).0, &keys());
    room.seats[OLD].machine.handle_message(later, moment(room.begun, 1));
    room.drain(OLD);
    assert_eq!(room.seats[OLD].error(), JoiningError::NoCommonVersion);
    let (_, answer) = room.said.last().unwrap();
    assert!(matches!(Message::read(answer), Ok(Message::Refused(Refusal::Version))));
}

#[test]
fn what_is_no_message_ends_it() {
    for garbage in [vec![], vec![0xff], vec![0xa0], vec![0xa1, 0, 8], vec![0; 1000]] {
        for seat in [NEW, OLD] {
            let mut room = Room::new(circle(0).0, &keys());
            room.carry(1);
            room.seats[seat].machine.handle_message(garbage.clone(), moment(room.begun, 1));
            room.drain(seat);
            let error = JoiningError::Misbehaved(JoiningSide::There, JoiningStep::Agreeing);
            assert_eq!(room.seats[seat].error(), error);
        }
    }
}

#[test]
fn a_sponsor_that_is_removed_meanwhile_adds_nobody() {
    let mut room = Room::new(circle(1).0, &keys());
    room.carry(3);
    let own = room.circle.device();
    room.circle.remove(&BTreeSet::from([own]), room.now()).unwrap();
    let room = room.run();
    assert_eq!(room.seats[OLD].error(), JoiningError::NotAdmitted(CircleError::NoMember));
    assert_eq!(room.seats[NEW].error(), JoiningError::CanNotAdmit);
    assert!(room.joined.is_none() && room.count() == 0);
    let config = JoiningConfig::new("out");
    assert_eq!(Joining::sponsor(config, &room.circle).unwrap_err(), CircleError::NoMember);
}

#[test]
fn a_device_that_was_removed_needs_new_keys() {
    let old_keys = keys();
    let mut room = Room::new(circle(1).0, &old_keys).run();
    let id = room.joined.as_ref().unwrap().circle.device();
    room.circle.remove(&BTreeSet::from([id]), room.now()).unwrap();
    let room = Room::new(room.circle, &old_keys).run();
    assert_eq!(room.seats[NEW].error(), JoiningError::WasRemoved);
    assert_eq!(room.seats[OLD].error(), JoiningError::NotAdmitted(CircleError::WasRemoved));
    let room = Room::new(room.circle, &keys()).run();
    assert!(room.seats[NEW].result.as_ref().unwrap().is_ok());
}

/// Consent is to one circle and one sponsor.
#[test]
fn an_introduction_to_another_sponsor_is_worth_nothing() {
    let keys = keys();
    let first = Room::new(circle(0).0, &keys).run();
    let (_, introduction) = first
        .said
        .iter()
        .find(|(_, message)| matches!(Message::read(message), Ok(Message::Introduction(_))))
        .unwrap();
    let mut room = Room::new(circle(0).0, &keys);
    room.answers[NEW] = None;
    room.carry(100);
    room.seats[OLD].machine.handle_message(introduction.clone(), moment(room.begun, 1));
    room.drain(OLD);
    assert_eq!(room.seats[OLD].error(), JoiningError::NotAdmitted(CircleError::NoConsent));
    assert_eq!(room.count(), 1);
}

/// A member that is on paper is seen in no list of devices.
#[test]
fn nobody_is_added_but_the_device_that_the_person_agreed_to() {
    for (other_keys, kind) in [(true, MemberKind::Device), (false, MemberKind::Paper)] {
        let own = keys();
        let mut room = Room::new(circle(0).0, &own);
        room.answers[NEW] = None;
        room.carry(100);
        let introduced = if other_keys { keys() } else { own };
        let introduced = DeviceKeys::from_bytes(&crypto(), &introduced).unwrap();
        let (circle, sponsor) = (room.circle.id(), room.circle.device());
        let introduced = introduced.introduce(Some(circle), sponsor, kind).unwrap();
        let message = message::introduction(&introduced);
        room.seats[OLD].machine.handle_message(message, moment(room.begun, 1));
        room.drain(OLD);
        let error = JoiningError::Misbehaved(JoiningSide::There, JoiningStep::Agreeing);
        assert_eq!(room.seats[OLD].error(), error);
        assert_eq!(room.circle.members().count(), 2, "the first device and the paper");
    }
}

#[test]
fn a_welcome_of_another_circle_is_not_kept() {
    let keys = keys();
    let mut other = circle(1).0;
    let own = DeviceKeys::from_bytes(&crypto(), &keys).unwrap();
    let introduced: Introduction =
        own.introduce(Some(other.id()), other.device(), MemberKind::Device).unwrap();
    other.add(introduced, start()).unwrap();
    let welcome = other.welcome();
    let mut room = Room::new(circle(1).0, &keys);
    room.carry(3);
    let (store, now) = (Content::new(STORE.to_vec()), room.now());
    // In place of the circle, the test admits.
    while let Some(message) = room.seats[OLD].inbox.pop_front() {
        room.seats[OLD].machine.handle_message(message, now);
    }
    let Some(JoiningOutput::Admit(_)) = room.seats[OLD].machine.poll_output() else { panic!() };
    room.seats[OLD].machine.handle_admitted(welcome, &store, now);
    let room = room.run();
    let strange = JoiningError::NotJoined(CircleError::NoConsent);
    assert_eq!(room.seats[NEW].error(), strange);
    assert_eq!(room.seats[OLD].error(), JoiningError::NotKept(JoiningSide::There));
    assert!(room.joined.is_none());
}

#[test]
fn a_full_disk_is_told_on_both_sides() {
    let mut room = Room::new(circle(1).0, &keys());
    room.disk = false;
    let room = room.run();
    assert_eq!(room.seats[NEW].error(), JoiningError::NotKept(JoiningSide::Here));
    assert_eq!(room.seats[OLD].error(), JoiningError::NotKept(JoiningSide::There));
}

/// Its person may have a password for such a place.
#[test]
fn the_new_device_is_told_where_the_objects_are_before_anything_is_changed() {
    for (place, told) in [
        (
            "https://host.example/dav",
            "hold those of this one. They meet at https://host.example/dav",
        ),
        ("", "hold those of this one."),
        ("https://host.example\u{200b}.other.example", "hold those of this one."),
    ] {
        let mut room = Room::new(circle(0).0, &keys());
        let mut config = JoiningConfig::new("old");
        config.place = place.to_owned();
        room.seats[OLD] = Seat::new(Joining::sponsor(config, &room.circle).unwrap());
        room.seats[OLD].machine.handle_opened(moment(room.begun, 0));
        room.answers[NEW] = None;
        room.carry(100);
        let asked = room.seats[NEW].asked[0].to_string();
        assert!(asked.ends_with(told), "{asked}");
        assert_eq!(room.count(), 1);
    }
    let offer = |place| {
        let mut room = Room::new(circle(0).0, &keys());
        room.answers[OLD] = None;
        room.carry(2);
        let offer = message::offer(room.circle.id(), 1, 0, place);
        room.seats[NEW].machine.handle_message(offer, moment(room.begun, 1));
        room.drain(NEW);
        room.seats[NEW].result.clone()
    };
    assert_eq!(offer("https://host.example"), None);
    let long = "x".repeat(message::STORE + 1);
    for place in ["https://host.example\u{202e}", "a\nb", long.as_str()] {
        let misbehaved = JoiningError::Misbehaved(JoiningSide::There, JoiningStep::Agreeing);
        assert_eq!(offer(place), Some(Err(misbehaved)), "{place:?}");
    }
}
