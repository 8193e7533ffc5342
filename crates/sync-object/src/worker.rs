//! A thread on which requests run, so that the four verbs can be called from anywhere.

use std::{future::Future, io, sync::mpsc, thread};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// Ends with its last owner.
#[derive(Debug)]
pub(crate) struct Worker {
    handle: Handle,
    _ends: oneshot::Sender<()>,
}

impl Worker {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (ends, ended) = oneshot::channel();
        thread::Builder::new().name("towline-store".into()).spawn(move || {
            // An error is how it ends.
            let _ = runtime.block_on(ended);
        })?;
        Ok(Self { handle, _ends: ends })
    }

    /// Waits for what comes of it; nothing if it panics.
    pub(crate) fn wait_for<T: Send + 'static>(
        &self,
        job: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            // Nobody is gone: the receiver waits below.
            let _ = sender.send(job.await);
        });
        receiver.recv().ok()
    }
}
