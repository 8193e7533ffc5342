//! One thread has the TPM: jobs come in turn, and who has asked waits only so long.

use std::{
    fmt,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use towline_crypto::CryptoProvider;

use crate::{
    error::Error,
    tpm::Tpm,
    transport::{TpmOpenError, TpmPlace, TpmTransport},
};

/// How long a TPM may take for anything but the making of an RSA key.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How long it may take to make an RSA key, which is a matter of chance.
pub const RSA_PATIENCE: Duration = Duration::from_secs(300);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// What has the TPM, and does with it what it is asked in turn. A clone is the same one; the TPM is
/// closed when the last is gone.
#[derive(Clone)]
pub struct Worker {
    jobs: mpsc::Sender<Job>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worker")
    }
}

/// Opens a TPM when it is needed.
type Open = Box<dyn FnMut() -> Result<Box<dyn TpmTransport>, TpmOpenError> + Send>;

struct Connection {
    provider: CryptoProvider,
    open: Open,
    tpm: Option<Tpm>,
}

impl Connection {
    /// Does something with the TPM, opened if it is not yet.
    fn with<T>(&mut self, job: &mut impl FnMut(&mut Tpm) -> Result<T, Error>) -> Result<T, Error> {
        let tpm = match &mut self.tpm {
            Some(tpm) => tpm,
            none => none.insert(Tpm::new(self.provider.clone(), (self.open)()?)?),
        };
        let done = job(tpm);
        if let Err(Error::Connection(_) | Error::Malformed(_) | Error::Tampered) = &done {
            // Nobody knows what is loaded by now: the next connection starts afresh.
            self.tpm = None;
        }
        done
    }
}

impl Worker {
    /// A worker for the TPM at this place, which is opened by the first job.
    #[must_use]
    pub fn at(provider: CryptoProvider, place: TpmPlace) -> Self {
        Self::new(provider, move || place.open(RSA_PATIENCE))
    }

    /// A worker for whatever this opens.
    #[must_use]
    pub fn new(
        provider: CryptoProvider,
        open: impl FnMut() -> Result<Box<dyn TpmTransport>, TpmOpenError> + Send + 'static,
    ) -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        thread::spawn(move || {
            let mut connection = Connection { provider, open: Box::new(open), tpm: None };
            for job in queue {
                job(&mut connection);
                if let Some(tpm) = &mut connection.tpm {
                    tpm.tidy();
                    if !tpm.is_clean() {
                        connection.tpm = None;
                    }
                }
            }
        });
        Self { jobs }
    }

    /// Has this done, once more where the connection turns out to be broken; blocks for at most so
    /// long. What was loaded is flushed after the result has been handed over.
    ///
    /// # Errors
    /// [`Error::Late`] where it takes longer: the TPM works on, and its answer is dropped. What the
    /// job fails with, and [`Error::Ended`].
    pub fn run<T: Send + 'static>(
        &self,
        patience: Duration,
        mut job: impl FnMut(&mut Tpm) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.have(patience, move |connection| match connection.with(&mut job) {
            Err(Error::Connection(_)) => connection.with(&mut job),
            done => done,
        })
    }

    /// As [`run`](Self::run), for what must not be done twice.
    ///
    /// # Errors
    /// As there.
    pub fn run_once<T: Send + 'static>(
        &self,
        patience: Duration,
        job: impl FnOnce(&mut Tpm) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let mut job = Some(job);
        self.have(patience, move |connection| {
            // A connection that broke meanwhile is noticed by what may be done twice.
            let ready = |tpm: &mut Tpm| tpm.run(crate::TpmCommand::properties(0x100, 1)).map(drop);
            if let Err(Error::Connection(_)) = connection.with(&mut { ready }) {
                connection.with(&mut { ready })?;
            }
            connection.with(&mut |tpm: &mut Tpm| job.take().ok_or(Error::Ended)?(tpm))
        })
    }

    fn have<T: Send + 'static>(
        &self,
        patience: Duration,
        job: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, result) = mpsc::sync_channel(1);
        let job: Job = Box::new(move |connection| {
            let _nobody_waits = answer.send(job(connection));
        });
        self.jobs.send(job).map_err(|_| Error::Ended)?;
        match result.recv_timeout(patience) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(Error::Late(patience)),
            Err(RecvTimeoutError::Disconnected) => Err(Error::Ended),
        }
    }
}
