//! A device, the person in front of it, and several clients.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    missing_docs
)]

mod dropped;
mod no_runtime;

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{Instant, timeout};
use towline_authenticator::{
    Answer, Authenticator, ChannelId, Config, MemoryStore, Question, SoftwareKeys,
};
use towline_ctap::Transport;
use towline_device::{
    Ask, Delivery, Device, Nobody, Person, PhoneAnswer, PhoneQuestion, Simulated, Touch, person_fn,
};

const SELECTION: [u8; 1] = [0x0b];
const OK: [u8; 1] = [0x00];
const DENIED: [u8; 1] = [0x27];
const CANCELLED: [u8; 1] = [0x2d];
const TIMED_OUT: [u8; 1] = [0x2f];
const BUSY: [u8; 1] = [0x06];

const ONE: ChannelId = ChannelId(1);
const TWO: ChannelId = ChannelId(2);

fn authenticator() -> Authenticator {
    let provider = towline_crypto::rustcrypto::provider();
    let keys = SoftwareKeys::new(provider.clone());
    Authenticator::new(Config::security_key(), provider, MemoryStore::new(), keys).unwrap()
}

fn device<P: Person>(person: P) -> Device<P> {
    let mut device = Device::new(authenticator(), person);
    device.power_up();
    device
}

async fn response<P: Person>(device: &mut Device<P>) -> (ChannelId, Vec<u8>) {
    loop {
        if let Delivery::Response { channel, bytes } = device.next().await {
            return (channel, bytes);
        }
    }
}

async fn select<P: Person>(device: &mut Device<P>) -> Vec<u8> {
    device.transact(Transport::Usb, ONE, &SELECTION).await
}

/// Keeps the questions for whoever looks.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<Ask>>>);

impl Shelf {
    fn take(&self) -> Ask {
        self.0.lock().unwrap().pop().expect("a question is open")
    }
}

impl Person for Shelf {
    fn ask(&mut self, ask: Ask) {
        self.0.lock().unwrap().push(ask);
    }
}

/// Lets the device run until it has nothing more to do at this instant.
async fn let_it_run<P: Person>(device: &mut Device<P>) {
    while timeout(Duration::from_millis(1), device.next()).await.is_ok() {}
}

#[tokio::test(start_paused = true)]
async fn a_question_is_completed_from_another_thread() {
    let shelf = Shelf::default();
    let mut device = device(shelf.clone());
    device.request(Transport::Usb, ONE, &SELECTION);
    let_it_run(&mut device).await;
    let ask = shelf.take();
    assert!(matches!(ask.question(), Question::ConfirmPresence { .. }));
    std::thread::spawn(move || ask.approve()).join().unwrap();
    assert_eq!(response(&mut device).await, (ONE, OK.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_dropped_is_a_no() {
    let shelf = Shelf::default();
    let mut device = device(shelf.clone());
    device.request(Transport::Usb, ONE, &SELECTION);
    let_it_run(&mut device).await;
    drop(shelf.take());
    assert_eq!(response(&mut device).await, (ONE, DENIED.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_fit_is_a_no() {
    let shelf = Shelf::default();
    let mut device = device(shelf.clone());
    device.request(Transport::Usb, ONE, &SELECTION);
    let_it_run(&mut device).await;
    shelf.take().choose(7);
    assert_eq!(response(&mut device).await, (ONE, DENIED.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn a_yes_to_a_withdrawn_question_is_nothing() {
    let shelf = Shelf::default();
    let mut device = device(shelf.clone());
    device.request(Transport::Usb, ONE, &SELECTION);
    let_it_run(&mut device).await;
    device.cancel(ONE);
    assert_eq!(response(&mut device).await, (ONE, CANCELLED.to_vec()));
    let mut late = shelf.take();
    assert!(late.is_withdrawn());
    late.withdrawn().await;

    device.request(Transport::Usb, ONE, &SELECTION);
    let_it_run(&mut device).await;
    late.approve();
    let nothing = timeout(Duration::from_secs(1), response(&mut device)).await;
    assert!(nothing.is_err(), "the next question is not answered by it: {nothing:?}");
}

#[tokio::test(start_paused = true)]
async fn one_channel_cancels_its_own_request_only() {
    let shelf = Shelf::default();
    let mut device = device(shelf.clone());
    device.request(Transport::Usb, ONE, &SELECTION);
    let_it_run(&mut device).await;
    device.request(Transport::Usb, TWO, &SELECTION);
    assert_eq!(response(&mut device).await, (TWO, BUSY.to_vec()));
    device.cancel(TWO);
    let_it_run(&mut device).await;
    shelf.take().approve();
    assert_eq!(response(&mut device).await, (ONE, OK.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_request_whose_future_was_dropped() {
    let shelf = Shelf::default();
    let mut device = device(shelf.clone());
    assert!(timeout(Duration::from_secs(1), select(&mut device)).await.is_err());
    assert!(shelf.take().is_withdrawn(), "at once, and not when there is a second request");
    let second = select(&mut device);
    let approve = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        shelf.take().approve();
    };
    let (answered, ()) = tokio::join!(second, approve);
    assert_eq!(answered, OK);
}

#[tokio::test(start_paused = true)]
async fn time_passes_while_nobody_answers() {
    let mut device = device(person_fn(|_| pending()));
    let started = Instant::now();
    assert_eq!(select(&mut device).await, TIMED_OUT);
    assert!(started.elapsed() >= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn an_asynchronous_function_is_a_person_too() {
    let mut device = device(person_fn(|question| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(matches!(question, Question::ConfirmPresence { .. }));
        Answer::Approve
    }));
    let started = Instant::now();
    assert_eq!(select(&mut device).await, OK);
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn asynchronous_code_that_panics_is_a_no_and_the_next_request_is_answered() {
    let mut asked = 0;
    let mut device = device(person_fn(move |_| {
        asked += 1;
        async move {
            assert!(asked > 1, "told to");
            Answer::Approve
        }
    }));
    assert_eq!(select(&mut device).await, DENIED);
    assert_eq!(select(&mut device).await, OK);
}

#[tokio::test(start_paused = true)]
async fn asynchronous_code_ends_in_the_moment_its_question_is_withdrawn() {
    struct Dialog(Arc<()>);
    impl Person for Dialog {
        fn ask(&mut self, ask: Ask) {
            let on_the_screen = self.0.clone();
            ask.answer_with(async move |_| {
                let _shown = on_the_screen;
                pending().await
            });
        }
    }
    let screen = Arc::new(());
    let mut device = device(Dialog(screen.clone()));
    device.request(Transport::Usb, ONE, &SELECTION);
    let_it_run(&mut device).await;
    assert_eq!(Arc::strong_count(&screen), 3);
    assert_eq!(device.call_off(ONE).await, Some(CANCELLED.to_vec()));
    assert_eq!(Arc::strong_count(&screen), 2);
}

/// Tests that use the threads that all persons share.
static THREADS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test]
async fn dialogs_that_are_left_behind_are_not_without_end() {
    let _alone = THREADS.lock().await;
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let mut answers = Vec::new();
    for _ in 0..16 {
        let wait = wait.clone();
        let (ask, answer) = Ask::<u8, u8>::open(1);
        ask.answer_on_thread(move |question| {
            // Until the test is over.
            let _ = wait.lock().unwrap().recv();
            question
        });
        answers.push(answer);
    }
    let (ask, answer) = Ask::<u8, u8>::open(1);
    ask.answer_on_thread(|question| question);
    assert_eq!(answer.await, None);
    drop(done);
    for answer in answers {
        assert_eq!(answer.await, Some(1));
    }
}

#[tokio::test]
async fn a_dialog_that_blocks_has_a_thread_of_its_own() {
    let _alone = THREADS.lock().await;
    struct Dialog;
    impl Person for Dialog {
        fn ask(&mut self, ask: Ask) {
            ask.answer_on_thread(|question| {
                std::thread::sleep(Duration::from_millis(5));
                question.simulated_agreement()
            });
        }
    }
    assert_eq!(select(&mut device(Dialog)).await, OK);
}

#[tokio::test(start_paused = true)]
async fn what_a_phone_asks_is_answered_by_the_same_person_and_by_the_same_rule() {
    async fn answer(person: &mut dyn Person) -> Option<PhoneAnswer> {
        let (ask, answer) = Ask::open(PhoneQuestion::Remember);
        person.phone_asks(ask);
        timeout(Duration::from_secs(1), answer).await.ok().flatten()
    }
    let mut person = Simulated::new(Nobody);
    let presence = person.presence();
    assert_eq!(answer(&mut person).await, Some(PhoneAnswer::Approve));
    presence.set(Touch::Deny);
    assert_eq!(answer(&mut person).await, Some(PhoneAnswer::Deny));
    presence.set(Touch::Ignore);
    assert_eq!(answer(&mut person).await, None);
    assert_eq!(answer(&mut Nobody).await, Some(PhoneAnswer::Deny));
}

#[tokio::test(start_paused = true)]
async fn one_touch_answers_one_question() {
    let mut person = Simulated::new(Nobody);
    let presence = person.presence();
    presence.set(Touch::Ignore);
    let (first, first_answer) = Ask::open(PhoneQuestion::Remember);
    let (second, second_answer) = Ask::open(PhoneQuestion::Remember);
    person.phone_asks(first);
    person.phone_asks(second);
    presence.set(Touch::Once);
    assert_eq!(first_answer.await, Some(PhoneAnswer::Approve));
    assert!(timeout(Duration::from_secs(1), second_answer).await.is_err(), "it stays open");
}

#[tokio::test(start_paused = true)]
async fn any_person_fits_in_a_box() {
    let people: [Box<dyn Person>; 2] = [Box::new(Nobody), Box::new(Simulated::new(Nobody))];
    let mut answers = Vec::new();
    for person in people {
        answers.push(select(&mut device(person)).await);
    }
    assert_eq!(answers, [DENIED.to_vec(), OK.to_vec()]);
}

#[tokio::test(start_paused = true)]
async fn simulated_presence_is_given_at_once_after_a_while_once_or_never() {
    let person = Simulated::new(Nobody);
    let presence = person.presence();
    let mut device = device(person);
    let started = Instant::now();
    assert_eq!(select(&mut device).await, OK);
    presence.set(Touch::Deny);
    assert_eq!(select(&mut device).await, DENIED);
    presence.set(Touch::Once);
    assert_eq!(select(&mut device).await, OK);
    assert_eq!(started.elapsed(), Duration::ZERO, "no timer is waited for");
    assert_eq!(select(&mut device).await, TIMED_OUT, "once is once");

    presence.set(Touch::Delay(Duration::from_millis(250)));
    let started = Instant::now();
    assert_eq!(select(&mut device).await, OK);
    assert!(started.elapsed() >= Duration::from_millis(250));
    presence.set(Touch::Ignore);
    assert_eq!(select(&mut device).await, TIMED_OUT);
}

#[tokio::test(start_paused = true)]
async fn a_new_rule_holds_for_the_question_that_is_open() {
    let person = Simulated::new(Nobody);
    let presence = person.presence();
    presence.set(Touch::Ignore);
    let mut device = device(person);
    device.request(Transport::Usb, ONE, &SELECTION);
    let_it_run(&mut device).await;
    presence.set(Touch::Auto);
    assert_eq!(response(&mut device).await, (ONE, OK.to_vec()));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_withdrawn_does_not_use_the_touch_up() {
    let person = Simulated::new(Nobody);
    let presence = person.presence();
    presence.set(Touch::Ignore);
    let mut device = device(person);
    device.request(Transport::Usb, ONE, &SELECTION);
    let_it_run(&mut device).await;
    device.cancel(ONE);
    assert_eq!(response(&mut device).await, (ONE, CANCELLED.to_vec()));
    presence.set(Touch::Once);
    assert_eq!(select(&mut device).await, OK);
    assert_eq!(select(&mut device).await, TIMED_OUT);
}
