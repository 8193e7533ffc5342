//! A phone that runs: one task, which answers codes and rings one after another.

use tokio::{
    sync::{mpsc, watch},
    task::AbortHandle,
};
use towline_virtual::SyncedSet;
use towline_virtual_phone::{
    BrokenPhone, FakePhone,
    towline::{
        Bell, BellEvent, hybrid::ResponderSummary, hybrid::link::Ring, transport::TransportError,
    },
};

use super::{Breakage, BuiltPhone, PhoneActivity, PhoneEnding, PhoneOptions, PhoneState};
use crate::{PhoneId, ServiceError, attendant::Attendant};

/// A phone, and its task. Dropping it ends whatever it does.
pub(crate) struct RunningPhone {
    id: PhoneId,
    options: PhoneOptions,
    pub(crate) attendant: Attendant,
    passkeys: SyncedSet,
    now: watch::Sender<Now>,
    jobs: mpsc::UnboundedSender<Job>,
    task: AbortHandle,
}

/// What can be told of it at any time.
#[derive(Debug, Clone, Default)]
struct Now {
    doing: PhoneActivity,
    last: Option<PhoneEnding>,
    /// The number of the job that was begun last, and of the one that was over last.
    begun: u64,
    over: u64,
    /// Whether what is under way was given up.
    given_up: bool,
    listening: bool,
    computers: usize,
    broken: Option<(Breakage, BrokenPhone)>,
}

enum Job {
    Scan(String, u64),
    Wipe(u64),
    Listen(bool),
}

/// Who is told how each connection ended.
pub(crate) type Ended = Box<dyn Fn(&PhoneEnding) + Send + Sync>;

impl Drop for RunningPhone {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RunningPhone {
    /// Starts it. Needs a runtime of tokio with its time driver.
    pub(crate) fn start(
        id: PhoneId,
        options: PhoneOptions,
        built: BuiltPhone,
        ended: Ended,
    ) -> Self {
        let BuiltPhone { device, attendant, passkeys } = built;
        let now = watch::Sender::new(Now::default());
        let (jobs, to_do) = mpsc::unbounded_channel();
        let worker = Worker { phone: device, bell: None, now: now.clone(), ended };
        let task = tokio::spawn(worker.run(to_do)).abort_handle();
        Self { id, options, attendant, passkeys, now, jobs, task }
    }

    pub(crate) fn state(&self) -> PhoneState {
        let Now { doing, last, listening, computers, broken, .. } = self.now.borrow().clone();
        PhoneState {
            phone_id: self.id.clone(),
            options: self.options.clone(),
            switches: self.attendant.switches(),
            person: self.attendant.questions(),
            doing,
            last,
            listening,
            computers,
            passkeys: self.passkeys.len(),
            broken: broken.map(|(breakage, _)| breakage),
        }
    }

    pub(crate) const fn passkeys(&self) -> &SyncedSet {
        &self.passkeys
    }

    /// Begins to answer a code; gives the number by which its end is waited for.
    ///
    /// # Errors
    /// [`ServiceError::Busy`].
    pub(crate) fn scan(&self, code: String) -> Result<u64, ServiceError> {
        self.begin(PhoneActivity::Connected, |number| Job::Scan(code, number))
    }

    /// Begins to erase it.
    ///
    /// # Errors
    /// [`ServiceError::Busy`].
    pub(crate) fn wipe(&self) -> Result<u64, ServiceError> {
        self.begin(PhoneActivity::Wiping, Job::Wipe)
    }

    fn begin(
        &self,
        doing: PhoneActivity,
        job: impl FnOnce(u64) -> Job,
    ) -> Result<u64, ServiceError> {
        let mut number = None;
        self.now.send_if_modified(|now| {
            let idle = now.doing == PhoneActivity::Idle;
            if idle {
                now.begun = now.begun.saturating_add(1);
                (now.doing, now.last, now.given_up) = (doing, None, false);
                number = Some(now.begun);
            }
            idle
        });
        let number = number.ok_or(ServiceError::Busy("phone"))?;
        let _the_task_is_there = self.jobs.send(job(number));
        Ok(number)
    }

    /// Ends the connection that it has, if there is one.
    pub(crate) fn give_up(&self) {
        self.now.send_modify(|now| now.given_up = true);
    }

    /// From the next code or ring on it is broken so, or works.
    pub(crate) fn breaks(&self, how: Option<(Breakage, BrokenPhone)>) {
        self.now.send_modify(|now| now.broken = how);
    }

    /// Lets computers that remember it ring it, or not any more.
    pub(crate) fn listen(&self, on: bool) {
        let _the_task_is_there = self.jobs.send(Job::Listen(on));
    }

    /// Waits until what has this number is over, and gives how it ended, if it was a connection.
    pub(crate) fn finished(
        &self,
        number: u64,
    ) -> impl Future<Output = Option<PhoneEnding>> + Send + use<> {
        let mut now = self.now.subscribe();
        async move {
            let over = now.wait_for(|now| now.over >= number).await;
            over.ok().and_then(|now| now.last.clone())
        }
    }

    /// The number of what was begun last.
    pub(crate) fn begun(&self) -> u64 {
        self.now.borrow().begun
    }

    /// Waits until it listens, or does not, or could not.
    pub(crate) fn listens(&self, on: bool) -> impl Future<Output = ()> + Send + use<> {
        let mut now = self.now.subscribe();
        async move {
            let _removed_meanwhile = now.wait_for(|now| now.listening == on).await;
        }
    }
}

/// What runs in the task.
struct Worker {
    phone: FakePhone,
    bell: Option<Bell>,
    now: watch::Sender<Now>,
    ended: Ended,
}

impl Worker {
    async fn run(mut self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        loop {
            tokio::select! {
                job = jobs.recv() => match job {
                    Some(Job::Scan(code, number)) => self.scan(&code, number).await,
                    Some(Job::Wipe(number)) => self.wipe(number),
                    Some(Job::Listen(on)) => self.listen(on).await,
                    None => return,
                },
                event = ring(&mut self.bell) => self.heard(event).await,
            }
        }
    }

    async fn scan(&mut self, code: &str, number: u64) {
        self.apply_flaw();
        self.now.send_modify(|now| now.doing = PhoneActivity::Connected);
        let given_up = self.given_up();
        let result = tokio::select! {
            result = self.phone.scan(code) => Some(result),
            () = given_up => None,
        };
        self.over(result, Some(number));
    }

    /// Resolves when what is under way is given up.
    fn given_up(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut now = self.now.subscribe();
        async move {
            let _removed_meanwhile = now.wait_for(|now| now.given_up).await;
        }
    }

    async fn heard(&mut self, event: Result<BellEvent, TransportError>) {
        match event {
            Ok(BellEvent::Listening) => self.now.send_modify(|now| now.listening = true),
            Ok(BellEvent::Lost { .. }) => self.now.send_modify(|now| now.listening = false),
            Ok(BellEvent::Rung(ring)) => self.answer(ring).await,
            Ok(_) => {}
            Err(error) => {
                self.bell = None;
                self.now.send_modify(|now| now.listening = false);
                self.over(Some(Err(error)), None);
            }
        }
    }

    async fn answer(&mut self, ring: Ring) {
        self.apply_flaw();
        self.now.send_modify(|now| (now.doing, now.given_up) = (PhoneActivity::Connected, false));
        let given_up = self.given_up();
        let result = self.phone.phone().answer_ring_until(ring, given_up).await;
        self.over(Some(result), None);
    }

    /// A connection is over: given up, if there is no result.
    fn over(
        &mut self,
        result: Option<Result<ResponderSummary, TransportError>>,
        number: Option<u64>,
    ) {
        let nothing =
            |error: String| PhoneEnding { requests: 0, linked: false, error: Some(error) };
        let ending = match result {
            Some(Ok(summary)) => {
                PhoneEnding { requests: summary.requests, linked: summary.linked, error: None }
            }
            Some(Err(error)) => nothing(error.to_string()),
            None => nothing("it was given up".to_owned()),
        };
        (self.ended)(&ending);
        let computers = self.phone.computers();
        self.now.send_modify(|now| {
            now.over = number.unwrap_or(now.over);
            // What was begun meanwhile comes next.
            if now.over == now.begun {
                now.doing = PhoneActivity::Idle;
            }
            now.last = Some(ending);
            now.computers = computers;
        });
    }

    fn wipe(&mut self, number: u64) {
        self.bell = None;
        let wiped = self.phone.wipe();
        let computers = self.phone.computers();
        self.now.send_modify(|now| {
            (now.doing, now.over) = (PhoneActivity::Idle, number);
            now.listening = false;
            now.computers = computers;
            now.last = wiped.err().map(|error| PhoneEnding {
                requests: 0,
                linked: false,
                error: Some(error.to_string()),
            });
        });
    }

    async fn listen(&mut self, on: bool) {
        if !on {
            self.bell = None;
            self.now.send_modify(|now| now.listening = false);
        } else if self.bell.is_none() {
            match self.phone.phone().listen().await {
                Ok(bell) => self.bell = Some(bell),
                Err(error) => self.over(Some(Err(error)), None),
            }
        }
    }

    fn apply_flaw(&self) {
        match self.now.borrow().broken {
            Some((_, flaw)) => self.phone.breaks(flaw),
            None => self.phone.mends(),
        }
    }
}

/// What a phone that listens hears next; never anything of one that does not.
async fn ring(bell: &mut Option<Bell>) -> Result<BellEvent, TransportError> {
    match bell {
        Some(bell) => bell.next().await,
        None => std::future::pending().await,
    }
}
