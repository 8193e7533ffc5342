//! Each message of a registration, meddled with in each way.

use std::{sync::Arc, time::Duration};

use towline::{
    ComputerError,
    hybrid::{self, CodeSource, Initiator, Party, ResponderSummary, Step, qr::Hint},
    radio::air::Air,
    transport::{Connector, TransportError},
};
use towline_virtual::Builder;
use towline_virtual_phone::{FakeComputer, FakePhone};

use crate::{
    meddler::{Fault, Meddler, Meddling},
    support::*,
};

/// Creation options of a site that is not there: whether the response is good is not the point
/// here.
pub const OPTIONS: &str = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"id": "example.org", "name": "Example"},
    "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
    "pubKeyCredParams": [{"type": "public-key", "alg": -7}]}"#;
pub const ORIGIN: &str = "https://example.org";

/// The air around two devices.
pub struct Room {
    pub air: Air,
}

pub type Served = Result<ResponderSummary, TransportError>;

impl Room {
    pub fn phone(&self, connector: Arc<dyn Connector>) -> FakePhone {
        FakePhone::over(Builder::phone(), phone_transport(&self.air, connector)).unwrap()
    }

    /// An impatient one, which waits for no link.
    pub fn computer(&self, connector: Arc<dyn Connector>) -> FakeComputer {
        FakeComputer::over(Arc::new(self.air.radio()), connector).configured(|config| {
            *config = impatient();
            config.linger = Duration::ZERO;
        })
    }

    /// A code that nobody will listen for.
    pub fn code_of_a_computer_that_waits(&self) -> String {
        let now = std::time::Instant::now();
        let hint = Hint::MakeCredential;
        let initiator = Initiator::new(impatient(), &provider(), hint, now, 0).unwrap();
        initiator.qr_uri().unwrap().to_owned()
    }

    /// A registration by an impatient computer. The phone's person gives up when the computer has.
    pub async fn register(
        &self,
        phone: &mut FakePhone,
        connector: Arc<dyn Connector>,
    ) -> (Result<String, ComputerError>, Served) {
        let mut screen = self.computer(connector).create(ORIGIN, OPTIONS);
        let code = in_time(screen.code()).await.unwrap();
        let over = tokio::sync::Notify::new();
        let ceremony = async {
            let made = screen.response().await;
            over.notify_one();
            made
        };
        let scanning = async {
            let stop = async {
                // What the computer closed last is still on its way.
                over.notified().await;
                tokio::time::sleep(Duration::from_millis(1500)).await;
            };
            phone.phone().answer_code_until(&code, CodeSource::Camera, stop).await
        };
        in_time(async { tokio::join!(ceremony, scanning) }).await
    }

    pub async fn released(&self, meddler: &Meddler) {
        meddler.until_empty().await;
        assert_eq!((self.air.adverts(), self.air.scans()), (0, 0), "adverts and scans");
    }
}

/// Whether a message is fit for a person.
pub fn is_sentence(error: &impl ToString) {
    let text = error.to_string();
    assert!(text.len() > 15 && text.contains(' '), "{text}");
    assert!(!text.contains("Error") && !text.contains('{'), "{text}");
}

/// How one side ended, as far as it is the same however the tasks are scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Fine,
    Misbehaved(Step),
    Closed(Step),
    TimedOut(Step),
    /// In good order, but before the request.
    Over,
}

fn end<T>(result: Result<T, &TransportError>, other: Party) -> End {
    let Err(error) = result else { return Fine };
    is_sentence(error);
    if *error == TransportError::Over {
        return Over;
    }
    match hybrid_error(error) {
        hybrid::Error::Misbehaved { by, step, .. } => {
            assert_eq!(*by, other, "{error}");
            Misbehaved(*step)
        }
        hybrid::Error::Closed { step } => Closed(*step),
        hybrid::Error::TimedOut { step, .. } => TimedOut(*step),
        other => panic!("{other:?}"),
    }
}

/// What is changed so that a receiver can see it.
const VISIBLE: [Fault; 6] =
    [Fault::Flip, Fault::Truncate, Fault::Extend, Fault::Empty, Fault::Garbage, Fault::Text];
/// What ends the receiver's connection without a message.
const ENDS: [Fault; 3] = [Fault::Huge, Fault::Break, Fault::Close];

async fn meddled(from: Party, number: usize, fault: Fault) -> (End, End) {
    let meddler = Meddler::start(Meddling::Message(from, number, fault)).await;
    let room = Room { air: Air::new() };
    let mut phone = room.phone(meddler.connector());
    let (made, on_phone) = room.register(&mut phone, meddler.connector()).await;
    let computer = match &made {
        Ok(_) => Fine,
        Err(ComputerError::Transport(error)) => end(Err::<(), _>(error), Party::Phone),
        Err(error) => panic!("{from} {number} {fault:?}: {error:?}"),
    };
    room.released(&meddler).await;
    (computer, end(on_phone.as_ref(), Party::Computer))
}

/// Meddles with one message in many ways at once, and checks how both sides end.
async fn each(
    from: Party,
    number: usize,
    faults: &[Fault],
    computer: impl Fn(End) -> bool,
    phone: impl Fn(End) -> bool,
) {
    let runs = faults
        .iter()
        .map(|fault| Box::pin(async move { (*fault, meddled(from, number, *fault).await) }));
    let mut wrong = String::new();
    for (fault, ends) in futures_util::future::join_all(runs).await {
        if !computer(ends.0) || !phone(ends.1) {
            wrong += &format!("{from} {number} {fault:?}: {ends:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

use End::{Closed, Fine, Misbehaved, Over, TimedOut};
use Party::{Computer as TheComputer, Phone as ThePhone};

/// The computer's first message is its half of the handshake.
#[tokio::test]
async fn message_1_of_the_handshake() {
    each(
        TheComputer,
        1,
        &VISIBLE,
        |it| it == Closed(Step::Message2),
        |it| it == Misbehaved(Step::Message1),
    )
    .await;
    each(
        TheComputer,
        1,
        &ENDS,
        |it| it == Closed(Step::Message2),
        |it| it == Closed(Step::Message1),
    )
    .await;
    each(
        TheComputer,
        1,
        &[Fault::Swallow, Fault::Late],
        |it| it == TimedOut(Step::Message2),
        |it| it == Closed(Step::Message1),
    )
    .await;
    // The phone takes the first for the handshake and the second for a message, which it is not.
    each(
        TheComputer,
        1,
        &[Fault::Twice],
        |it| matches!(it, Closed(_) | Over),
        |it| it == Misbehaved(Step::Request),
    )
    .await;
}

/// The phone's first message is its half.
#[tokio::test]
async fn message_2_of_the_handshake() {
    each(
        ThePhone,
        1,
        &VISIBLE,
        |it| it == Misbehaved(Step::Message2),
        |it| it == Closed(Step::Request),
    )
    .await;
    each(ThePhone, 1, &ENDS, |it| it == Closed(Step::Message2), |it| it == Closed(Step::Request))
        .await;
    each(
        ThePhone,
        1,
        &[Fault::Swallow],
        |it| it == TimedOut(Step::Message2),
        |it| it == Closed(Step::Request),
    )
    .await;
    each(
        ThePhone,
        1,
        &[Fault::Late],
        |it| it == Misbehaved(Step::Message2),
        |it| it == Closed(Step::Request),
    )
    .await;
    each(
        ThePhone,
        1,
        &[Fault::Twice],
        |it| it == Misbehaved(Step::PostHandshake),
        |it| it == Closed(Step::Request),
    )
    .await;
}

/// The phone's second message says what it can do.
#[tokio::test]
async fn the_first_message_after_the_handshake() {
    each(
        ThePhone,
        2,
        &VISIBLE,
        |it| it == Misbehaved(Step::PostHandshake),
        |it| it == Closed(Step::Request),
    )
    .await;
    each(
        ThePhone,
        2,
        &ENDS,
        |it| it == Closed(Step::PostHandshake),
        |it| it == Closed(Step::Request),
    )
    .await;
    each(
        ThePhone,
        2,
        &[Fault::Swallow],
        |it| it == TimedOut(Step::PostHandshake),
        |it| it == Closed(Step::Request),
    )
    .await;
    each(
        ThePhone,
        2,
        &[Fault::Late],
        |it| it == Misbehaved(Step::PostHandshake),
        |it| it == Closed(Step::Request),
    )
    .await;
    // A message that comes again is no longer the next.
    each(ThePhone, 2, &[Fault::Twice], is_misbehaved_or_late, |it| matches!(it, Closed(_))).await;
}

/// The phone's third is the update, which is always sent.
#[tokio::test]
async fn the_update() {
    each(ThePhone, 3, &VISIBLE, is_misbehaved_or_late, |it| matches!(it, Closed(_))).await;
    each(ThePhone, 3, &[Fault::Twice], is_misbehaved_or_late, |it| matches!(it, Closed(_))).await;
    each(ThePhone, 3, &[Fault::Late], |it| it == Misbehaved(Step::Response), |it| it == Fine).await;
    each(
        ThePhone,
        3,
        &[Fault::Swallow],
        |it| it == TimedOut(Step::Response),
        |it| matches!(it, Closed(_)),
    )
    .await;
}

/// The computer's second message is its request.
#[tokio::test]
async fn the_request() {
    each(
        TheComputer,
        2,
        &VISIBLE,
        |it| it == Closed(Step::Response),
        |it| it == Misbehaved(Step::Request),
    )
    .await;
    each(
        TheComputer,
        2,
        &ENDS,
        |it| it == Closed(Step::Response),
        |it| it == Closed(Step::Request),
    )
    .await;
    each(
        TheComputer,
        2,
        &[Fault::Swallow],
        |it| it == TimedOut(Step::Response),
        |it| it == Closed(Step::Request),
    )
    .await;
    // Held back until the shutdown message, which the phone can't read then.
    each(
        TheComputer,
        2,
        &[Fault::Late],
        |it| it == TimedOut(Step::Response),
        |it| it == Misbehaved(Step::Request),
    )
    .await;
    // A replayed request is not carried out twice.
    each(
        TheComputer,
        2,
        &[Fault::Twice],
        |it| matches!(it, Closed(Step::Response) | Fine),
        |it| it == Misbehaved(Step::Request),
    )
    .await;
}

/// The phone's fourth is the response: it may have been carried out, and the computer says that it
/// does not know.
#[tokio::test]
async fn the_response() {
    each(ThePhone, 4, &VISIBLE, |it| it == Misbehaved(Step::Response), |it| it == Fine).await;
    each(ThePhone, 4, &ENDS, |it| it == Closed(Step::Response), |it| it == Fine).await;
    each(
        ThePhone,
        4,
        &[Fault::Swallow, Fault::Late],
        |it| it == TimedOut(Step::Response),
        |it| it == Fine,
    )
    .await;
    each(ThePhone, 4, &[Fault::Twice], |it| it == Fine, |it| it == Fine).await;
}

/// The computer's third says that it is done: whatever happens to it, the passkey is made.
#[tokio::test]
async fn the_shutdown() {
    each(TheComputer, 3, &VISIBLE, |it| it == Fine, |it| it == Misbehaved(Step::Request)).await;
    each(TheComputer, 3, &ENDS, |it| it == Fine, |it| it == Fine).await;
    each(
        TheComputer,
        3,
        &[Fault::Swallow, Fault::Late, Fault::Twice],
        |it| it == Fine,
        |it| it == Fine,
    )
    .await;
}

/// Right away, or when a request is under way: which of the two depends on who is faster.
fn is_misbehaved_or_late(it: End) -> bool {
    matches!(it, Misbehaved(Step::Request | Step::Response))
}
