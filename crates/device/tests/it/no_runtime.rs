//! The machine, run by hand: no runtime, and no time passes by itself.

use std::task::{Poll, Waker};

use towline_authenticator::{AnswerError, UnixTime};
use towline_device::{Attended, AttendedOutput};

use crate::*;

/// What comes out, with whatever work there is done at once.
fn drain<P: Person>(machine: &mut Attended<P>, now: std::time::Instant) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    while let Some(output) = machine.poll_output() {
        match output {
            AttendedOutput::Work { token, job } => {
                machine.handle_work(token, Some(job.run()), now);
            }
            AttendedOutput::Delivery(delivery) => deliveries.push(delivery),
            _ => panic!("{output:?}"),
        }
    }
    deliveries
}

fn last_response(deliveries: &[Delivery]) -> (ChannelId, &[u8]) {
    match deliveries.last() {
        Some(Delivery::Response { channel, bytes }) => (*channel, bytes),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_is_answered_and_time_runs_out_without_a_runtime() {
    let (shelf, now) = (Shelf::default(), std::time::Instant::now());
    let mut context = std::task::Context::from_waker(Waker::noop());
    let mut machine = Attended::new(authenticator(), shelf.clone());
    let ask = |machine: &mut Attended<Shelf>| {
        machine.handle_request(Transport::Usb, ONE, &SELECTION, UnixTime(0), now);
        assert!(drain(machine, now).iter().any(|one| matches!(one, Delivery::Asked)));
        shelf.take()
    };

    let open = ask(&mut machine);
    assert!(machine.poll_answer(&mut context, now).is_pending());
    open.approve();
    assert_eq!(machine.poll_answer(&mut context, now), Poll::Ready(Ok(())));
    assert_eq!(last_response(&drain(&mut machine, now)), (ONE, &OK[..]));

    ask(&mut machine).choose(7);
    let misfit = Poll::Ready(Err(AnswerError::DoesNotFit));
    assert_eq!(machine.poll_answer(&mut context, now), misfit);
    assert_eq!(last_response(&drain(&mut machine, now)), (ONE, &DENIED[..]));

    let open = ask(&mut machine);
    let due = machine.poll_timeout().expect("every request has a deadline");
    machine.handle_timeout(due);
    assert_eq!(last_response(&drain(&mut machine, due)), (ONE, &TIMED_OUT[..]));
    assert!(open.is_withdrawn());
}
