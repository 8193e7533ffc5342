//! The thin asynchronous door: a machine run over any channel to an authenticator, on any runtime.

use std::{
    future::{Future, pending, poll_fn, ready},
    pin::{Pin, pin},
    task::Poll,
    time::Instant,
};

use towline_ctap::{CredentialId, Transport};

use crate::{
    Account, Caller, CeremonyOutput, CeremonyToken, ChannelError, Client, Create, Error, Get,
    PinAnswer, PinQuestion, SignalDelivery, SignalKind,
};

/// What the methods of traits give that can be objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A way to one authenticator: in process, over the hybrid transport, over USB.
pub trait Channel: Send {
    /// How the authenticator is reached. Over [`Transport::Hybrid`] a channel carries one
    /// operation.
    fn transport(&self) -> Transport;

    /// Connects: here a code is shown, a phone is chosen, a key waited for. It comes first, and
    /// once. Nothing, by default: a key that is plugged in is connected.
    ///
    /// # Errors
    /// [`ChannelError`] when the connection can't be made.
    fn connect(&mut self) -> BoxFuture<'_, Result<(), ChannelError>> {
        Box::pin(ready(Ok(())))
    }

    /// The authenticator's getInfo: the CBOR map, without status byte.
    ///
    /// # Errors
    /// [`ChannelError`] when the connection breaks.
    fn get_info(&mut self) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>>;

    /// Sends a CTAP request and waits for its response: the status byte, then CBOR. Keepalives are
    /// the channel's own business.
    ///
    /// The future may be dropped: then [`Channel::cancel`] follows, and nothing else.
    ///
    /// # Errors
    /// [`ChannelError`] when the connection breaks.
    fn transact(&mut self, request: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>>;

    /// Makes the authenticator give up the request whose response was not waited for.
    fn cancel(&mut self) -> BoxFuture<'_, ()>;
}

/// Both can be objects.
const _: Option<(&dyn Channel, &dyn Environment)> = None;

/// What a ceremony needs of the program around it: the time, and the person.
pub trait Environment: Sync {
    /// Sleeps until then: the runtime's own sleep. It is what ends a ceremony that takes too long.
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'_, ()>;

    /// Lets the person choose one of at least two accounts; `None` calls the ceremony off.
    fn choose<'a>(&'a self, accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>>;

    /// Asks the person for a PIN. [`PinAnswer::Unavailable`], as it is by default, means that there
    /// is no way to ask here: then authenticators that only a PIN protects are used without it, or
    /// not at all, as the site wants.
    ///
    /// What is typed is not shown, and a new PIN is asked for twice. [`crate::Pin`] is wiped; so
    /// is, please, what it is made of.
    fn pin<'a>(&'a self, question: &'a PinQuestion) -> BoxFuture<'a, PinAnswer> {
        let _ = question;
        Box::pin(ready(PinAnswer::Unavailable))
    }

    /// The authenticator did not recognise the person and tries once more; so often it may still
    /// fail, if it tells.
    fn not_recognised(&self, tries_left: Option<u64>) {
        let _ = tries_left;
    }

    /// Fetches `https://RP_ID/.well-known/webauthn`, where a site asks for the passkeys of another
    /// (WebAuthn L3 §5.11): without credentials, over `https` alone, of type `application/json`, in
    /// reasonable time and length. `None`, as it is by default, means that nobody vouches for it.
    fn related_origins<'a>(&'a self, rp_id: &'a str) -> BoxFuture<'a, Option<String>> {
        let _ = rp_id;
        Box::pin(ready(None))
    }

    /// Resolves when the person calls the ceremony off; never, by default.
    fn cancelled(&self) -> BoxFuture<'_, ()> {
        Box::pin(pending())
    }

    /// Resolves when the site calls the ceremony off, by its AbortSignal; never, by default.
    fn aborted(&self) -> BoxFuture<'_, ()> {
        Box::pin(pending())
    }
}

/// Registers: runs [`Create`] over a channel, and returns the RegistrationResponseJSON.
///
/// # Errors
/// [`Error`]; its name is that of the exception which a browser would throw.
pub async fn create<C: Channel + ?Sized, E: Environment + ?Sized>(
    client: &Client,
    channel: &mut C,
    environment: &E,
    caller: &Caller,
    options_json: &str,
) -> Result<String, Error> {
    let new = |caller: &Caller| Create::new(client, caller, options_json, Instant::now());
    let machine = begin(environment, caller, new).await?;
    run(machine, channel, environment).await
}

/// Signs in: runs [`Get`] over a channel, and returns the AuthenticationResponseJSON.
///
/// # Errors
/// [`Error`]; its name is that of the exception which a browser would throw.
pub async fn get<C: Channel + ?Sized, E: Environment + ?Sized>(
    client: &Client,
    channel: &mut C,
    environment: &E,
    caller: &Caller,
    options_json: &str,
) -> Result<String, Error> {
    let new = |caller: &Caller| Get::new(client, caller, options_json, Instant::now());
    let machine = begin(environment, caller, new).await?;
    run(machine, channel, environment).await
}

/// Carries out what a site signals (WebAuthn L3 §5.1.10): runs [`SignalDelivery`] over a channel,
/// and returns the ids of the passkeys that were changed or removed. A site is to learn neither
/// those nor the error.
///
/// # Errors
/// [`Error`]. What was changed before stays so.
pub async fn signal<C: Channel + ?Sized, E: Environment + ?Sized>(
    client: &Client,
    channel: &mut C,
    environment: &E,
    caller: &Caller,
    kind: SignalKind,
    options_json: &str,
) -> Result<Vec<CredentialId>, Error> {
    let new =
        |caller: &Caller| SignalDelivery::new(client, caller, kind, options_json, Instant::now());
    let machine = begin(environment, caller, new).await?;
    run(machine, channel, environment).await
}

/// Begins; where the RP ID is another site's, with what that says.
async fn begin<M, E: Environment + ?Sized>(
    environment: &E,
    caller: &Caller,
    new: impl Fn(&Caller) -> Result<M, Error>,
) -> Result<M, Error> {
    let error = match new(caller) {
        Err(error) => error,
        machine => return machine,
    };
    let Error::RelatedOrigin { rp_id, .. } = &error else { return Err(error) };
    let Some(document) = environment.related_origins(rp_id).await else { return Err(error) };
    // Whatever is no such document vouches for nobody.
    let Ok(caller) = caller.clone().related(rp_id, &document) else { return Err(error) };
    new(&caller)
}

/// The verbs that all machines have.
trait Machine {
    /// What it ends with.
    type Result;

    fn info(&mut self, info: &[u8], transport: &Transport);
    fn response(&mut self, response: &[u8]);
    fn choice(&mut self, token: CeremonyToken, choice: Option<usize>);
    fn pin(&mut self, token: CeremonyToken, answer: PinAnswer);
    fn channel_error(&mut self, error: ChannelError);
    fn cancel(&mut self);
    fn abort(&mut self);
    fn timeout(&mut self, now: Instant);
    fn output(&mut self) -> Option<CeremonyOutput<Self::Result>>;
    fn deadline(&self) -> Option<Instant>;
    fn untold(&self) -> Option<Error>;
}

macro_rules! machine {
    (
        $type:ty => $result:ty,
        |$of:ident| $untold:expr,
        |$aborted:ident| $abort:expr,
        |$machine:ident, $token:ident, $choice:ident| $choose:expr
    ) => {
        impl Machine for $type {
            type Result = $result;

            fn info(&mut self, info: &[u8], transport: &Transport) {
                self.handle_info(info, transport);
            }

            fn response(&mut self, response: &[u8]) {
                self.handle_response(response);
            }

            fn pin(&mut self, token: CeremonyToken, answer: PinAnswer) {
                self.handle_pin(token, answer);
            }

            fn choice(&mut self, $token: CeremonyToken, $choice: Option<usize>) {
                let $machine = self;
                $choose
            }

            fn channel_error(&mut self, error: ChannelError) {
                self.handle_channel_error(error);
            }

            fn cancel(&mut self) {
                self.handle_cancel();
            }

            fn abort(&mut self) {
                let $aborted = self;
                $abort
            }

            fn timeout(&mut self, now: Instant) {
                self.handle_timeout(now);
            }

            fn output(&mut self) -> Option<CeremonyOutput<$result>> {
                self.poll_output()
            }

            fn deadline(&self) -> Option<Instant> {
                self.poll_timeout()
            }

            fn untold(&self) -> Option<Error> {
                let $of = self;
                $untold
            }
        }
    };
}

machine!(
    Get => String,
    |machine| machine.untold().cloned(),
    |machine| machine.handle_abort(),
    |machine, token, choice| machine.handle_choice(token, choice)
);
// A creation asks for no account, and always tells; so does a signal.
machine!(
    Create => String,
    |_machine| None,
    |machine| machine.handle_abort(),
    |_machine, _token, _choice| ()
);
machine!(
    SignalDelivery => Vec<CredentialId>,
    |_machine| None,
    |machine| machine.abort(),
    |_machine, _token, _choice| ()
);

/// What ended a wait.
enum Event<T> {
    Done(T),
    Cancelled,
    Aborted,
    TimedOut,
}

async fn run<M: Machine, C: Channel + ?Sized, E: Environment + ?Sized>(
    mut machine: M,
    channel: &mut C,
    environment: &E,
) -> Result<M::Result, Error> {
    let transport = channel.transport();
    let connected = async {
        channel.connect().await?;
        channel.get_info().await
    };
    let event = wait(connected, &machine, environment).await;
    if let Some(info) = settle(event, &mut machine) {
        match info {
            Ok(info) => machine.info(&info, &transport),
            Err(error) => machine.channel_error(error),
        }
    }
    loop {
        match machine.output() {
            Some(CeremonyOutput::Request(request)) => {
                let event = wait(channel.transact(request), &machine, environment).await;
                if let Some(response) = settle(event, &mut machine) {
                    match response {
                        Ok(response) => machine.response(&response),
                        Err(error) => machine.channel_error(error),
                    }
                }
            }
            Some(CeremonyOutput::Choose { token, accounts }) => {
                let event = wait(environment.choose(&accounts), &machine, environment).await;
                if let Some(choice) = settle(event, &mut machine) {
                    machine.choice(token, choice);
                }
            }
            Some(CeremonyOutput::AskPin { token, question }) => {
                let event = wait(environment.pin(&question), &machine, environment).await;
                if let Some(answer) = settle(event, &mut machine) {
                    machine.pin(token, answer);
                }
            }
            Some(CeremonyOutput::NotRecognised { tries_left }) => {
                environment.not_recognised(tries_left)
            }
            Some(CeremonyOutput::Cancel) => channel.cancel().await,
            Some(CeremonyOutput::Finished(result)) => return result,
            None => match machine.untold() {
                // The page stays open, and learns nothing.
                Some(error) => match wait(pending::<()>(), &machine, environment).await {
                    Event::Aborted => machine.abort(),
                    _ => return Err(error),
                },
                // Every input above is followed by an output, so this is not reached; it must not
                // spin if it were.
                None => return Err(ChannelError::Closed.into()),
            },
        }
    }
}

/// Tells the machine why a wait ended early, or gives what was waited for.
fn settle<M: Machine, T>(event: Event<T>, machine: &mut M) -> Option<T> {
    match event {
        Event::Done(value) => return Some(value),
        Event::Cancelled => machine.cancel(),
        Event::Aborted => machine.abort(),
        Event::TimedOut => {
            // The sleep has said so: clocks may differ by a little.
            let now = Instant::now();
            machine.timeout(machine.deadline().map_or(now, |deadline| deadline.max(now)));
        }
    }
    None
}

/// Waits for `work`, the person's or the site's cancellation, or the deadline, whichever comes
/// first.
async fn wait<M: Machine, E: Environment + ?Sized, T>(
    work: impl Future<Output = T>,
    machine: &M,
    environment: &E,
) -> Event<T> {
    let mut work = pin!(work);
    let mut cancelled = pin!(environment.cancelled());
    let mut aborted = pin!(environment.aborted());
    // Without a deadline it lasts as long as the page.
    let mut sleep = pin!(async {
        match machine.deadline() {
            Some(deadline) => environment.sleep_until(deadline).await,
            None => pending().await,
        }
    });
    poll_fn(|context| {
        if let Poll::Ready(value) = work.as_mut().poll(context) {
            return Poll::Ready(Event::Done(value));
        }
        if cancelled.as_mut().poll(context).is_ready() {
            return Poll::Ready(Event::Cancelled);
        }
        if aborted.as_mut().poll(context).is_ready() {
            return Poll::Ready(Event::Aborted);
        }
        sleep.as_mut().poll(context).map(|()| Event::TimedOut)
    })
    .await
}
