//! Two devices of which one joins, on the fake provider, and what an input makes of their talk.
//!
//! An input is a row of pieces: a kind, two bytes of length, and the piece.

use std::collections::VecDeque;

use towline_crypto_test::fake;
use towline_sync::{
    Circle, CircleConfig, Content, DeviceKeys, Joining, JoiningConfig, JoiningOutput, PaperKey,
};

use crate::circle::{Objects, Rows, begin, drain, moment};

/// How long a message may be that is sent, with its type byte: what the tunnel takes.
const LONGEST: usize = (1 << 20) - 48;

/// A side, and what waits for it.
struct Seat {
    machine: Joining,
    inbox: VecDeque<Vec<u8>>,
    finished: bool,
}

/// Both sides: the new device first.
pub struct Pair {
    seats: [Seat; 2],
    circle: Circle,
    objects: Objects,
    minutes: u32,
    /// All that was said, with the place of who is to hear it.
    pub said: Vec<(usize, Vec<u8>)>,
    /// How many circles were joined.
    pub joined: usize,
}

impl Pair {
    /// A new device, and one with a passkey.
    pub fn begin() -> Self {
        let (mut circle, mut objects, mut kept) = begin();
        let content = Content::new(b"content".to_vec());
        circle.make([1; 16], &content, &content, moment(0)).expect("there is randomness");
        drain(&mut circle, &mut objects, &mut kept, moment(0));
        let keys = DeviceKeys::generate(&fake::provider(2)).expect("the fake provider makes keys");
        let config = CircleConfig::default();
        let new = Joining::newcomer(fake::provider(2), JoiningConfig::new("new"), config, keys);
        let old = Joining::sponsor(JoiningConfig::new("old"), &circle).expect("it is a member");
        let seats =
            [new, old].map(|machine| Seat { machine, inbox: VecDeque::new(), finished: false });
        let mut this = Self { seats, circle, objects, minutes: 0, said: Vec::new(), joined: 0 };
        for seat in [0, 1] {
            this.seats[seat].machine.handle_opened(moment(0));
            this.drain(seat);
        }
        this
    }

    /// Takes one piece.
    pub fn take(&mut self, kind: u8, piece: &[u8]) {
        let now = moment(self.minutes);
        let seat = usize::from(kind % 2);
        let this = &mut self.seats[seat];
        match kind {
            0 | 1 => this.machine.handle_message(piece.to_vec(), now),
            2 | 3 => {
                if let Some(message) = this.inbox.pop_front() {
                    this.machine.handle_message(message, now);
                }
            }
            4 | 5 => this.machine.handle_answer(piece != [0], now),
            6 | 7 => {
                let minutes = piece.first().copied().unwrap_or(1);
                self.minutes = self.minutes.saturating_add(u32::from(minutes));
                this.machine.handle_timeout(moment(self.minutes));
            }
            8 | 9 => this.machine.handle_closed(),
            10 | 11 => this.machine.handle_cancel(),
            _ => return paper(piece),
        }
        self.drain(seat);
    }

    fn drain(&mut self, seat: usize) {
        let now = moment(self.minutes);
        while let Some(output) = self.seats[seat].machine.poll_output() {
            assert!(!self.seats[seat].finished, "nothing follows the end");
            let machine = &mut self.seats[seat].machine;
            match output {
                JoiningOutput::Send(message) => {
                    assert!(message.len() < LONGEST);
                    self.said.push((1 - seat, message.clone()));
                    self.seats[1 - seat].inbox.push_back(message);
                }
                JoiningOutput::Admit(newcomer) => match self.circle.add(newcomer, now) {
                    Ok(_) => {
                        drain(&mut self.circle, &mut self.objects, &mut Rows::new(), now);
                        let store = Content::new(b"folder".to_vec());
                        machine.handle_admitted(self.circle.welcome(), &store, now);
                    }
                    Err(error) => machine.handle_not_admitted(Some(error)),
                },
                JoiningOutput::Keep(joined) => {
                    assert!(joined.circle.is_member());
                    self.joined += 1;
                    machine.handle_kept();
                }
                JoiningOutput::Finished(result) => {
                    self.seats[seat].finished = true;
                    drop(result.map_err(|error| error.to_string()));
                }
                JoiningOutput::Ask(question) => drop(question.to_string()),
                JoiningOutput::Withdraw => {}
            }
        }
    }
}

/// What is read as a paper key is read again by its words and by its code.
fn paper(piece: &[u8]) {
    let Ok(text) = str::from_utf8(piece) else { return };
    match PaperKey::read(text) {
        Ok(key) => {
            for text in [key.words(), key.code()] {
                let again = PaperKey::read(&text).expect("its own text");
                assert_eq!(*again.words(), *key.words());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Takes a whole input.
pub fn run(input: &[u8]) -> Pair {
    let mut pair = Pair::begin();
    let mut rest = input;
    while let Some((&[kind, high, low], after)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([high, low])).min(after.len());
        let (piece, after) = after.split_at(length);
        rest = after;
        pair.take(kind, piece);
    }
    assert!(pair.joined <= 1);
    pair
}
