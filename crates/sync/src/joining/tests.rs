//! Both sides against each other: what is asked, told, and taken up again.

mod wrong;

use std::{
    collections::{BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use towline_crypto::rustcrypto;

use super::*;
use crate::{MemberKind, Register, SyncOutput};

const STORE: &[u8] = b"folder:/home/anna/Sync key:zyxwv";
const SECRET: &[u8] = b"zyxwv-a-passkey";

fn crypto() -> CryptoProvider {
    rustcrypto::provider()
}

fn moment(begun: Instant, seconds: u64) -> Moment {
    Moment { instant: begun + Duration::from_secs(seconds), wall_clock: 1_790_000_000_000 }
}

/// A circle of one device and a paper key, with so many passkeys.
fn circle(passkeys: u16) -> (Circle, DeviceKeys) {
    let (keys, paper) =
        (DeviceKeys::generate(&crypto()).unwrap(), DeviceKeys::generate(&crypto()).unwrap());
    let introduced = paper.introduce(None, keys.id(), MemberKind::Paper).unwrap();
    let now = moment(Instant::now(), 0);
    let mut circle =
        Circle::begin(crypto(), CircleConfig::default(), keys, introduced, now).unwrap();
    for number in 0..passkeys {
        let mut record = [0; 16];
        record[..2].copy_from_slice(&number.to_be_bytes());
        let (fixed, names) = (Content::new(SECRET.repeat(20)), Content::new(b"Anna".to_vec()));
        circle.make(record, &fixed, &names, now).unwrap();
    }
    keep(&mut circle);
    (circle, paper)
}

/// Keeps what it wants to be kept; there is no store.
fn keep(circle: &mut Circle) {
    while let Some(output) = circle.poll_output() {
        if let SyncOutput::Save { token, .. } = output {
            circle.handle_saved(token);
        }
    }
}

/// What one side has said and done.
struct Seat {
    machine: Joining,
    inbox: VecDeque<Vec<u8>>,
    asked: Vec<JoiningQuestion>,
    withdrawn: usize,
    result: Option<Result<JoiningSummary, JoiningError>>,
}

impl Seat {
    fn new(machine: Joining) -> Self {
        let (inbox, asked) = (VecDeque::new(), Vec::new());
        Self { machine, inbox, asked, withdrawn: 0, result: None }
    }

    fn error(&self) -> JoiningError {
        self.result.clone().unwrap().unwrap_err()
    }
}

/// Two devices and what is between them.
struct Room {
    seats: [Seat; 2],
    circle: Circle,
    joined: Option<Box<JoinedCircle>>,
    begun: Instant,
    /// Every message, with who sent it.
    said: Vec<(usize, Vec<u8>)>,
    /// What the persons say: at the new device, and at the other one.
    answers: [Option<bool>; 2],
    /// Whether the new device can keep anything.
    disk: bool,
}

const NEW: usize = 0;
const OLD: usize = 1;

impl Room {
    fn new(circle: Circle, keys: &[u8; 64]) -> Self {
        let keys = DeviceKeys::from_bytes(&crypto(), keys).unwrap();
        let config = JoiningConfig::new("Anna's laptop");
        let new = Joining::newcomer(crypto(), config, CircleConfig::default(), keys);
        let old = Joining::sponsor(JoiningConfig::new("Anna's desktop"), &circle).unwrap();
        Self::of([new, old], circle)
    }

    fn of(machines: [Joining; 2], circle: Circle) -> Self {
        let begun = Instant::now();
        let mut seats = machines.map(Seat::new);
        seats.iter_mut().for_each(|seat| seat.machine.handle_opened(moment(begun, 0)));
        let answers = [Some(true); 2];
        Self { seats, circle, joined: None, begun, said: Vec::new(), answers, disk: true }
    }

    fn now(&self) -> Moment {
        moment(self.begun, 1)
    }

    /// Does what a side wants.
    fn drain(&mut self, seat: usize) {
        let now = self.now();
        while let Some(output) = self.seats[seat].machine.poll_output() {
            let this = &mut self.seats[seat];
            assert!(this.result.is_none(), "nothing follows");
            match output {
                JoiningOutput::Send(message) => {
                    self.said.push((seat, message.clone()));
                    self.seats[1 - seat].inbox.push_back(message);
                }
                JoiningOutput::Ask(question) => {
                    this.asked.push(question);
                    if let Some(yes) = self.answers[seat] {
                        this.machine.handle_answer(yes, now);
                    }
                }
                JoiningOutput::Withdraw => this.withdrawn += 1,
                JoiningOutput::Admit(newcomer) => match self.circle.add(newcomer, now) {
                    Ok(_) => {
                        keep(&mut self.circle);
                        let store = Content::new(STORE.to_vec());
                        this.machine.handle_admitted(self.circle.welcome(), &store, now);
                    }
                    Err(error) => this.machine.handle_not_admitted(Some(error)),
                },
                JoiningOutput::Keep(joined) => {
                    self.joined = Some(joined);
                    if self.disk {
                        this.machine.handle_kept();
                    } else {
                        this.machine.handle_not_kept();
                    }
                }
                JoiningOutput::Finished(result) => this.result = Some(result),
            }
        }
    }

    /// Carries so many messages. Whether there was one each time.
    fn carry(&mut self, messages: usize) -> bool {
        for _ in 0..messages {
            self.drain(NEW);
            self.drain(OLD);
            let Some(seat) = [OLD, NEW].into_iter().find(|it| !self.seats[*it].inbox.is_empty())
            else {
                return false;
            };
            let message = self.seats[seat].inbox.pop_front().unwrap();
            let now = self.now();
            self.seats[seat].machine.handle_message(message, now);
        }
        self.drain(NEW);
        self.drain(OLD);
        true
    }

    fn run(mut self) -> Self {
        assert!(!self.carry(10_000), "it does not come to rest");
        self
    }

    fn cut(&mut self) {
        for seat in [NEW, OLD] {
            self.seats[seat].machine.handle_closed();
            self.drain(seat);
        }
    }

    fn count(&self) -> usize {
        self.circle.devices().count()
    }
}

fn keys() -> Zeroizing<[u8; 64]> {
    DeviceKeys::generate(&crypto()).unwrap().to_bytes().unwrap()
}

#[test]
fn a_device_joins_and_has_everything_from_the_start() {
    let room = Room::new(circle(3).0, &keys()).run();
    let joined = room.joined.as_ref().unwrap();
    assert_eq!(joined.circle.state(), room.circle.state());
    assert_eq!(joined.circle.state().records().count(), 3);
    let names = joined.circle.state().written([0; 16], Register::Names);
    assert_eq!(names.unwrap().expose(), b"Anna");
    assert_eq!(joined.store.expose(), STORE);
    assert!(joined.circle.is_member() && room.circle.devices().count() == 2);

    let [new, old] = &room.seats;
    let summary = |device, name: &str| Some(Ok(JoiningSummary { device, name: name.to_owned() }));
    assert_eq!(new.result, summary(room.circle.device(), "Anna's desktop"));
    assert_eq!(old.result, summary(joined.circle.device(), "Anna's laptop"));
    assert_eq!(
        old.asked[0].to_string(),
        "Add \"Anna's laptop\" to your circle? It will hold all 3 passkeys, and those to come, and \
         can add and remove devices. Say yes only if it is yours and in front of you."
    );
    assert_eq!(
        new.asked[0].to_string(),
        "Join the circle of \"Anna's desktop\", which has 1 device? This device will hold all 3 \
         passkeys, and they will hold those of this one."
    );
    assert_eq!((new.asked.len(), old.asked.len(), new.withdrawn + old.withdrawn), (1, 1, 0));
}

#[test]
fn many_passkeys_come_in_pieces() {
    let room = Room::new(circle(1000).0, &keys()).run();
    assert_eq!(room.joined.unwrap().circle.state().records().count(), 1000);
    let longest = room.said.iter().map(|(_, message)| message.len()).max().unwrap();
    let pieces = room.said.iter().filter(|(_, message)| message.len() > 1000).count();
    assert!(pieces > 1 && longest < 512 << 10, "{pieces} {longest}");
}

/// Each time both are told, and the same keys take it up again; nobody is added twice.
#[test]
fn whatever_is_interrupted_is_told_and_taken_up_again() {
    let whole = Room::new(circle(400).0, &keys()).run().said.len();
    assert!(whole >= 8, "{whole}");
    let mut told = BTreeSet::new();
    for messages in 0..=whole {
        let keys = keys();
        let mut room = Room::new(circle(400).0, &keys);
        room.carry(messages);
        room.cut();
        let last = messages == whole;
        for seat in &room.seats {
            match seat.result.as_ref().unwrap() {
                Ok(_) => assert!(messages >= whole - 1, "{messages}"),
                Err(error) => drop(told.insert(error.to_string())),
            }
        }
        assert_eq!(room.seats.iter().all(|seat| seat.result.as_ref().unwrap().is_ok()), last);
        // What is said is true.
        let nothing_changed = JoiningError::Closed(JoiningStep::Agreeing);
        if room.seats[OLD].result == Some(Err(nothing_changed)) {
            assert_eq!(room.count(), 1, "{messages}");
        }
        let records = |circle: &mut Circle| circle.welcome().len();
        let mut again = Room::new(room.circle, &keys).run();
        assert!(again.seats.iter().all(|seat| seat.result.as_ref().unwrap().is_ok()));
        assert_eq!(again.count(), 2);
        let before = records(&mut again.circle);
        let mut once_more = Room::new(again.circle, &keys).run();
        assert_eq!(records(&mut once_more.circle), before, "added once");
    }
    let told: Vec<_> = told.into_iter().collect();
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told.iter().all(|said| said.starts_with("the connection to the other device ended: ")));
}

#[test]
fn a_no_on_either_side_changes_nothing() {
    for no in [NEW, OLD] {
        let mut room = Room::new(circle(1).0, &keys());
        room.answers[no] = Some(false);
        let room = room.run();
        let agreeing = JoiningStep::Agreeing;
        assert_eq!(room.seats[no].error(), JoiningError::Declined(JoiningSide::Here, agreeing));
        let there = JoiningError::Declined(JoiningSide::There, agreeing);
        assert_eq!(room.seats[1 - no].error(), there);
        assert_eq!(room.seats[no].withdrawn, 0, "it was answered");
        assert_eq!((room.count(), room.joined.is_none()), (1, true));
        // Whoever said no to the question of the second person was not asked as the second.
        assert_eq!(room.seats[NEW].asked.len(), usize::from(no == NEW));
    }
}

#[test]
fn who_does_not_answer_ends_it_and_the_other_one_is_told() {
    for silent in [NEW, OLD] {
        let mut room = Room::new(circle(1).0, &keys());
        room.answers[silent] = None;
        room.carry(100);
        let deadline = room.seats[silent].machine.poll_timeout().unwrap();
        assert_eq!(deadline, room.begun + Duration::from_secs(121));
        // The other one waits longer than the person may think.
        assert!(room.seats[1 - silent].machine.poll_timeout().unwrap() > deadline);
        room.seats[silent].machine.handle_timeout(moment(room.begun, 120));
        assert!(!room.seats[silent].machine.is_finished());
        room.seats[silent].machine.handle_timeout(moment(room.begun, 121));
        room.carry(10);
        let error = |side| JoiningError::NobodyAnswered(side, JoiningStep::Agreeing);
        assert_eq!(room.seats[silent].error(), error(JoiningSide::Here));
        assert_eq!(room.seats[1 - silent].error(), error(JoiningSide::There));
        assert_eq!(room.seats[silent].withdrawn, 1);
        // The answer comes too late.
        let now = room.now();
        room.seats[silent].machine.handle_answer(true, now);
        assert!(room.seats[silent].machine.poll_output().is_none());
        assert_eq!(room.count(), 1);
    }
}

#[test]
fn a_device_that_says_nothing_is_not_waited_for_for_ever() {
    let whole = Room::new(circle(1).0, &keys()).run().said.len();
    for messages in 0..whole {
        let mut room = Room::new(circle(1).0, &keys());
        room.carry(messages);
        for seat in [NEW, OLD] {
            let machine = &mut room.seats[seat].machine;
            machine.handle_timeout(moment(room.begun, 3600));
            assert!(machine.is_finished(), "{messages} {seat}");
            machine.handle_timeout(moment(room.begun, 7200));
            room.drain(seat);
        }
        assert_eq!(room.seats[NEW].machine.poll_timeout(), None);
    }
}

/// The tunnel refuses what was sent before; so does the machine.
#[test]
fn a_message_that_comes_twice_ends_it() {
    let whole = Room::new(circle(400).0, &keys()).run().said.len();
    for number in 0..whole {
        let mut room = Room::new(circle(400).0, &keys());
        room.carry(number);
        let twice = room.said.get(number).cloned();
        room.carry(1);
        // The one that was carried last once more.
        let Some((from, message)) = twice else { continue };
        let to = &mut room.seats[1 - from];
        if to.result.is_some() || to.machine.is_keeping() {
            continue;
        }
        to.machine.handle_message(message.clone(), moment(room.begun, 1));
        to.machine.handle_message(message, moment(room.begun, 1));
        room.drain(1 - from);
        let error = room.seats[1 - from].error();
        assert!(
            matches!(error, JoiningError::Misbehaved(JoiningSide::There, _)),
            "{number}: {error}"
        );
    }
}

#[test]
fn stopping_is_told_at_each_step_and_takes_the_question_away() {
    for stops in [NEW, OLD] {
        for messages in 0..=4 {
            let mut room = Room::new(circle(1).0, &keys());
            room.answers = [None, Some(true)];
            room.carry(messages);
            room.seats[stops].machine.handle_cancel();
            let room = room.run();
            let here = room.seats[stops].error();
            assert!(matches!(here, JoiningError::Cancelled(JoiningSide::Here, _)), "{here}");
            let there = room.seats[1 - stops].error();
            assert!(matches!(there, JoiningError::Cancelled(JoiningSide::There, _)), "{there}");
            assert_eq!(room.seats[NEW].withdrawn, room.seats[NEW].asked.len());
        }
    }
}

#[test]
fn names_deceive_nobody() {
    for (name, seen) in [
        ("Anna's laptop", "Anna's laptop"),
        ("  B\u{f8}rges b\u{e6}rbare  ", "B\u{f8}rges b\u{e6}rbare"),
        ("\u{202e}evil\u{7}\n\u{1b}[31m", "evil[31m"),
        ("a\" and \"b", "a and b"),
        ("\u{200b}\u{feff}", "a device without a name"),
        ("", "a device without a name"),
    ] {
        assert_eq!(shown(name), seen);
    }
    assert_eq!(shown(&"x".repeat(1000)).len(), SHOWN);
}

#[test]
fn debug_shows_no_secrets() {
    let mut room = Room::new(circle(2).0, &keys());
    let mut shown = Vec::new();
    loop {
        for seat in [NEW, OLD] {
            shown.push(format!("{:?}", room.seats[seat].machine));
            shown.extend(room.seats[seat].machine.outputs.iter().map(|it| format!("{it:?}")));
        }
        if !room.carry(1) {
            break;
        }
    }
    shown.push(format!("{:?}", room.joined));
    let bytes = format!("{:?}", &SECRET[..8]);
    let bytes = bytes.trim_matches(['[', ']']);
    assert!(shown.iter().all(|text| !text.contains("zyxwv") && !text.contains(bytes)), "{shown:?}");
}
