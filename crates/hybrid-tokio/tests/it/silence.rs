//! Peers that fall silent at each step, with the clock stopped and a pipe instead of a network.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use towline_hybrid::ids::{RoutingId, TunnelId};
use towline_hybrid::{Opened, ResponderAnswer, Step};
use towline_hybrid_tokio::{
    ConnectFailure, Connected, Connector, DataChannel, Incoming, PhoneEvent, PhoneSession, Target,
    TransportError,
};
use towline_radio::BoxFuture;
use towline_radio::air::{Air, Room};

use crate::support::*;

/// A relay without sockets, which can swallow messages.
#[derive(Clone, Default)]
struct Pipes {
    waiting: Arc<Mutex<HashMap<TunnelId, Pipe>>>,
    open: Arc<Mutex<usize>>,
    /// Connecting never ends.
    stalls: bool,
    /// After how many messages in all the network swallows everything.
    swallow_after: Option<Arc<Mutex<usize>>>,
}

struct Pipe {
    to: mpsc::UnboundedSender<Vec<u8>>,
    from: mpsc::UnboundedReceiver<Vec<u8>>,
    pipes: Pipes,
}

impl Pipes {
    fn swallowing_after(messages: usize) -> Self {
        Self { swallow_after: Some(Arc::new(Mutex::new(messages))), ..Self::default() }
    }

    fn pair(&self) -> (Pipe, Pipe) {
        let ((to_a, from_b), (to_b, from_a)) =
            (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        *self.open.lock().unwrap() += 2;
        (
            Pipe { to: to_a, from: from_a, pipes: self.clone() },
            Pipe { to: to_b, from: from_b, pipes: self.clone() },
        )
    }

    fn open(&self) -> usize {
        *self.open.lock().unwrap()
    }
}

impl Connector for Pipes {
    fn connect(&self, target: Target) -> BoxFuture<'static, Result<Connected, ConnectFailure>> {
        let pipes = self.clone();
        Box::pin(async move {
            if pipes.stalls {
                std::future::pending::<()>().await;
            }
            match target {
                Target::New { tunnel_id, .. } => {
                    let (mine, other) = pipes.pair();
                    pipes.waiting.lock().unwrap().insert(tunnel_id, other);
                    let routing_id = Some(RoutingId::new([1, 2, 3]));
                    let opened = Opened { routing_id, signal: false };
                    Ok(Connected { channel: Box::new(mine), opened })
                }
                Target::Connect { tunnel_id, .. } => {
                    let pipe = pipes.waiting.lock().unwrap().remove(&tunnel_id);
                    let channel = Box::new(pipe.ok_or(ConnectFailure::Status(404))?);
                    Ok(Connected { channel, opened: Opened::default() })
                }
                _ => panic!(),
            }
        })
    }
}

impl DataChannel for Pipe {
    fn send(&mut self, message: Vec<u8>) {
        if let Some(left) = &self.pipes.swallow_after {
            let mut left = left.lock().unwrap();
            if *left == 0 {
                return;
            }
            *left -= 1;
        }
        let _ = self.to.send(message);
    }

    fn next(&mut self) -> BoxFuture<'_, Incoming> {
        Box::pin(async { self.from.recv().await.map_or(Incoming::Closed, Incoming::Frame) })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { drop(self) })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        *self.pipes.open.lock().unwrap() -= 1;
    }
}

fn late(step: Step, seconds: u64) -> towline_hybrid::Error {
    towline_hybrid::Error::TimedOut { step, after: Duration::from_secs(seconds) }
}

fn timed_out(step: Step, seconds: u64) -> TransportError {
    TransportError::Hybrid(late(step, seconds))
}

/// Dropped pipes of the tunnels that nobody joined count, too.
fn all_released(air: &Air, pipes: &Pipes) {
    pipes.waiting.lock().unwrap().clear();
    assert_eq!((air.adverts(), air.scans(), pipes.open()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn no_phone_at_all() {
    let (air, pipes) = (Air::new(), Pipes::default());
    let (_computer, events) = computer(&air, Arc::new(pipes.clone()));
    assert_eq!(finish(events).await.0, Err(timed_out(Step::Advert, 300)));
    all_released(&air, &pipes);
}

#[tokio::test(start_paused = true)]
async fn nobody_answers_the_question() {
    let (air, pipes) = (Air::new(), Pipes::default());
    let (computer, _) = computer(&Air::new(), Arc::new(pipes.clone()));
    let (_phone, mut events) = phone(scan(&computer), &air, Arc::new(pipes.clone()));
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event);
    }
    assert_eq!(last, Some(PhoneEvent::Finished(Err(late(Step::Consent, 120)))));
    drop(computer);
    tokio::task::yield_now().await;
    all_released(&air, &pipes);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_answers_the_phone() {
    let (air, pipes) = (Air::new(), Pipes { stalls: true, ..Pipes::default() });
    let (computer, _) = computer(&Air::new(), Arc::new(pipes.clone()));
    let phone = phone(scan(&computer), &air, Arc::new(pipes.clone()));
    assert_eq!(serve(phone).await.0, Err(timed_out(Step::Tunnel, 20)));
    all_released(&air, &pipes);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_answers_the_computer() {
    let (air, pipes) = (Air::new(), Pipes::default());
    let stalling = Pipes { stalls: true, ..pipes.clone() };
    let (computer, events) = computer(&air, Arc::new(stalling));
    let serving = tokio::spawn(serve(phone(scan(&computer), &air, Arc::new(pipes.clone()))));
    // The advert is banned, and nobody else comes.
    assert_eq!(finish(events).await.0, Err(timed_out(Step::Tunnel, 20)));
    assert_eq!(serving.await.unwrap().0, Err(timed_out(Step::Message1, 120)));
    all_released(&air, &pipes);
}

#[tokio::test(start_paused = true)]
async fn a_computer_that_is_too_far_away() {
    let (air, pipes) = (Air::new(), Pipes::default());
    let (computer, events) = computer(&air, Arc::new(pipes.clone()));
    let far = air.radio();
    far.move_to(Room(1));
    let config = towline_hybrid::ResponderConfig::new(GET_INFO.to_vec(), domain());
    let source = towline_hybrid::CodeSource::Camera;
    let phone = PhoneSession::start(
        config,
        &provider(),
        scan(&computer),
        source,
        Arc::new(far),
        Arc::new(pipes.clone()),
    );
    assert_eq!(serve(phone.unwrap()).await.0, Err(timed_out(Step::Message1, 120)));
    assert_eq!(finish(events).await.0, Err(timed_out(Step::Advert, 300)));
    all_released(&air, &pipes);
}

/// The messages of a session: 1 from the computer, then message 2, the first message and the update
/// from the phone, then requests and responses.
#[tokio::test(start_paused = true)]
async fn a_network_that_swallows_everything_after_so_many_messages() {
    for (messages, computer_step, computer_seconds, phone_step, phone_seconds) in [
        (0, Step::Message2, 20, Step::Message1, 120),
        (1, Step::Message2, 20, Step::Request, 300),
        (2, Step::PostHandshake, 20, Step::Request, 300),
        (4, Step::Response, 600, Step::Request, 300),
    ] {
        let (air, pipes) = (Air::new(), Pipes::swallowing_after(messages));
        let (computer, events) = computer(&air, Arc::new(pipes.clone()));
        let serving = tokio::spawn(serve(phone(scan(&computer), &air, Arc::new(pipes.clone()))));
        let requesting = tokio::spawn(async move { (computer.transact(vec![4]).await, computer) });
        let (phone_result, _) = serving.await.unwrap();
        let (computer_result, _) = finish(events).await;
        let (transacted, _computer) = requesting.await.unwrap();
        // Whoever gives up first closes, which the other notices.
        let first = |result: &Result<(), TransportError>, step, seconds| {
            *result == Err(timed_out(step, seconds))
                || matches!(
                    result,
                    Err(TransportError::Hybrid(towline_hybrid::Error::Closed { .. }))
                )
        };
        assert!(first(&phone_result.map(|_| ()), phone_step, phone_seconds), "{messages}");
        assert!(first(&computer_result.map(|_| ()), computer_step, computer_seconds), "{messages}");
        assert!(transacted.is_err());
        all_released(&air, &pipes);
    }
}

#[tokio::test(start_paused = true)]
async fn an_authenticator_that_never_answers() {
    let (air, pipes) = (Air::new(), Pipes::default());
    let (computer, _events) = computer(&air, Arc::new(pipes.clone()));
    let (phone, mut events) = phone(scan(&computer), &air, Arc::new(pipes.clone()));
    let requesting = tokio::spawn(async move { computer.transact(vec![4]).await });
    let mut cancelled = false;
    while let Some(event) = events.next().await {
        match event {
            PhoneEvent::Ask { token, .. } => {
                phone.answer(token, ResponderAnswer::Connect { remember: false }).await.unwrap();
            }
            PhoneEvent::CancelRequest => cancelled = true,
            _ => {}
        }
    }
    assert!(cancelled, "the prompt is taken off the screen");
    assert!(requesting.await.unwrap().is_err());
    all_released(&air, &pipes);
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_is_ended_by_both() {
    let (air, pipes) = (Air::new(), Pipes::default());
    let (computer, events) = computer(&air, Arc::new(pipes.clone()));
    let serving = tokio::spawn(serve(phone(scan(&computer), &air, Arc::new(pipes.clone()))));
    assert_eq!(computer.transact(vec![4]).await.unwrap(), [4]);
    let start = tokio::time::Instant::now();
    assert_eq!(finish(events).await.0.unwrap().requests, 1);
    assert_eq!(serving.await.unwrap().0.unwrap().requests, 1);
    assert!(start.elapsed() <= Duration::from_secs(310));
    all_released(&air, &pipes);
}
