//! Threads for what speaks to the Bluetooth service, each with a runtime that ends with it.
//!
//! Two faults of the D-Bus connections below us are kept out this way. Over a connection that
//! several threads use, an answer can lie unread until something else happens. And a connection
//! whose owner was dropped in the middle of a call can live on, with its advert on the air.

use std::{future::Future, thread};

use tokio::{
    runtime::Builder,
    sync::{
        mpsc::{self, Receiver, Sender},
        oneshot,
    },
};

use crate::RadioError;

/// How many news wait for somebody who is busy.
const QUEUE: usize = 256;

/// The result of `question`. Nothing of it is left when this is done or dropped.
pub(super) async fn ask<T: Send + 'static>(
    question: impl Future<Output = T> + Send + 'static,
) -> Result<T, RadioError> {
    let (mut tell, told) = oneshot::channel();
    on_a_thread(async move {
        tokio::select! {
            answer = question => {
                let _ = tell.send(answer);
            }
            () = tell.closed() => {}
        }
    })?;
    told.await.map_err(|_| ended())
}

/// Begins with `start`, and once that has succeeded goes on with `work` on what it gave, until that
/// ends or the returned news of it are dropped.
pub(super) async fn begin<S, T, W>(
    start: impl Future<Output = Result<S, RadioError>> + Send + 'static,
    work: impl FnOnce(S, Sender<T>) -> W + Send + 'static,
) -> Result<Receiver<T>, RadioError>
where
    S: Send + 'static,
    T: Send + 'static,
    W: Future<Output = ()> + Send,
{
    let (news, received) = mpsc::channel(QUEUE);
    let (tell, told) = oneshot::channel();
    on_a_thread(async move {
        let started = tokio::select! {
            started = start => started,
            () = news.closed() => return,
        };
        let (result, started) = match started {
            Ok(started) => (Ok(()), Some(started)),
            Err(error) => (Err(error), None),
        };
        if let (Ok(()), Some(started)) = (tell.send(result), started) {
            work(started, news).await;
        }
    })?;
    told.await.unwrap_or_else(|_| Err(ended()))?;
    Ok(received)
}

fn on_a_thread(work: impl Future<Output = ()> + Send + 'static) -> Result<(), RadioError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(RadioError::lost)?;
    let thread = thread::Builder::new().name("towline-bluetooth".into());
    thread.spawn(move || runtime.block_on(work)).map_err(RadioError::lost)?;
    Ok(())
}

/// The thread is gone without a word.
fn ended() -> RadioError {
    RadioError::lost("what speaks to it ended")
}
