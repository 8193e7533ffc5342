//! The computer's role: the WebAuthn client over somebody's phone.

mod links;

use std::{
    fmt,
    future::{Future, pending},
    sync::Arc,
    time::Instant,
};

use tokio::time::sleep_until;
use towline_client::{
    Account, Caller, Channel, ChannelError, Client, Environment, Error as ClientError, Origin,
    PinAnswer, PinQuestion, create, get,
};
use towline_crypto::CryptoProvider;
use towline_ctap::Transport;
use towline_hybrid::{
    Error as HybridError, InitiatorConfig, InitiatorProgress,
    link::{LinkedPhone, PhoneLinks},
    qr::Hint,
    tunnel::ConnectFailure,
};
use towline_hybrid_tokio::{
    Connector, Error as TransportError,
    computer::{Event, Events, Session},
};
use towline_radio::Scanner;

use self::links::{farewell, keep, kept};

/// A computer that uses people's phones to register and to sign in.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::Arc;
/// # let provider = towline::crypto::rustcrypto::provider();
/// # let radio = towline::radio::air::Air::new().radio();
/// # let connector = Arc::new(towline::transport::TunnelConnector::plain_loopback("127.0.0.1:9".parse()?)?);
/// use towline::{Computer, Step};
///
/// let computer = Computer::new(provider, Arc::new(radio), connector);
/// let screen = |step: Step<'_>| match step {
///     Step::ShowCode(code) => println!("draw this as a QR code: {code}"),
///     step => println!("{step}"), // "Connecting.", "Waiting for the phone.", ..
/// };
/// // What a site hands to `navigator.credentials.get()`; this one asks for another site's passkeys.
/// let options = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rpId": "example.com"}"#;
/// let error = computer.get(&screen, "https://example.org", options).await.unwrap_err();
/// assert_eq!(error.name(), "SecurityError");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Computer {
    client: Client,
    provider: CryptoProvider,
    scanner: Arc<dyn Scanner>,
    connector: Arc<dyn Connector>,
    config: InitiatorConfig,
    links: Option<Arc<dyn PhoneLinks>>,
}

impl Computer {
    /// A computer with this radio and this way to tunnel services.
    #[must_use]
    pub fn new(
        provider: CryptoProvider,
        scanner: Arc<dyn Scanner>,
        connector: Arc<dyn Connector>,
    ) -> Self {
        let client = Client::new(provider.clone());
        let config = InitiatorConfig::default();
        Self { client, provider, scanner, connector, config, links: None }
    }

    /// The same, with a place for links to phones: a phone may let this computer remember it, and is rung without a code from
    /// then on. If several are known, [`Screen::choose_phone`] asks.
    #[must_use]
    pub fn with_links(self, links: Arc<dyn PhoneLinks>) -> Self {
        Self { links: Some(links), ..self }
    }

    /// The same with another client: other limits of time, another public suffix list.
    #[must_use]
    pub fn with_client(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// The same with other deadlines on the way to the phone.
    #[must_use]
    pub fn with_config(self, config: InitiatorConfig) -> Self {
        Self { config, ..self }
    }

    /// Registers a passkey on the phone that scans the code: PublicKeyCredentialCreationOptionsJSON in,
    /// RegistrationResponseJSON out. Dropping the future ends everything at once; [`Screen::cancelled`] ends it in order.
    ///
    /// # Errors
    /// [`ComputerError`], which prints as a sentence for the person.
    pub async fn create(
        &self,
        screen: &impl Screen,
        origin: &str,
        options_json: &str,
    ) -> Result<String, ComputerError> {
        let caller = Caller::from(Origin::parse(origin)?);
        let mut channel = self.channel(screen, Hint::MakeCredential);
        let here = Here(screen);
        let result = create(&self.client, &mut channel, &here, &caller, options_json).await;
        channel.finish(result).await
    }

    /// Signs in with the phone that scans the code: PublicKeyCredentialRequestOptionsJSON in, AuthenticationResponseJSON out.
    /// Dropping the future ends everything at once; [`Screen::cancelled`] ends it in order.
    ///
    /// # Errors
    /// [`ComputerError`], which prints as a sentence for the person.
    pub async fn get(
        &self,
        screen: &impl Screen,
        origin: &str,
        options_json: &str,
    ) -> Result<String, ComputerError> {
        let caller = Caller::from(Origin::parse(origin)?);
        let mut channel = self.channel(screen, Hint::GetAssertion);
        let here = Here(screen);
        let result = get(&self.client, &mut channel, &here, &caller, options_json).await;
        channel.finish(result).await
    }

    const fn channel<'a, S>(&'a self, screen: &'a S, hint: Hint) -> PhoneChannel<'a, S> {
        PhoneChannel {
            computer: self,
            screen,
            hint,
            session: None,
            forgotten: false,
            failure: None,
        }
    }
}

impl fmt::Debug for Computer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Computer")
            .field("radio", &self.scanner.description())
            .finish_non_exhaustive()
    }
}

/// What the person at the computer sees, and what they can do about it. A closure over [`Step`] is a screen.
pub trait Screen: Sync {
    /// The next step.
    fn show(&self, step: Step<'_>);

    /// The phone left it to the computer to choose one of at least two accounts; `None` calls it off. The newest, by
    /// default.
    fn choose(&self, accounts: &[Account]) -> impl Future<Output = Option<usize>> + Send {
        let _ = accounts;
        async { Some(0) }
    }

    /// These phones let the computer remember them; their names are the phones' words only. Which one is to be rung? `None`
    /// shows a code. The only one, by default, and a code where there are several.
    fn choose_phone(&self, names: &[String]) -> impl Future<Output = Option<usize>> + Send {
        let only = (names.len() == 1).then_some(0);
        async move { only }
    }

    /// The authenticator verifies its person by a PIN, which is typed here: what is typed is not
    /// shown, and a new one is asked for twice. The question prints as a sentence.
    /// [`PinAnswer::Unavailable`], by default: there is no way to ask.
    fn pin(&self, question: &PinQuestion) -> impl Future<Output = PinAnswer> + Send {
        let _ = question;
        async { PinAnswer::Unavailable }
    }

    /// Ready when the person wants to stop; never, by default.
    fn cancelled(&self) -> impl Future<Output = ()> + Send {
        pending()
    }
}

impl<F: Fn(Step<'_>) + Sync> Screen for F {
    fn show(&self, step: Step<'_>) {
        self(step);
    }
}

/// A step on the way to the phone. It prints as a sentence.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// Show this text as a QR code. It is a secret: whoever reads it and is near can act as the phone.
    ShowCode(&'a str),
    /// Take the code off the screen.
    HideCode,
    /// The radio listens for the phone. A simulated one says so.
    Listening(&'a str),
    /// This phone is being rung: it need not scan anything.
    Ringing(&'a str),
    /// The phone of this name was rung, and not reached; a code is shown instead.
    NotReached(&'a str, &'a TransportError),
    /// This phone lets the computer remember it.
    Remembered(&'a str),
    /// This phone does not know the computer any more. Its link was removed.
    Forgotten(&'a str),
    /// The authenticator did not recognise the person and tries once more; so often it may still
    /// fail, if it tells.
    NotRecognised(Option<u64>),
    /// Something else happened.
    Progress(&'a InitiatorProgress),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShowCode(_) => f.write_str("Scan the code with your phone."),
            Self::HideCode => f.write_str("The code is no longer needed."),
            Self::Listening(radio) => write!(f, "Listening for the phone by {radio}."),
            Self::Ringing(name) => write!(f, "Asking {name}."),
            Self::NotReached(name, error) => not_reached(f, name, error),
            Self::Remembered(name) => write!(f, "{name} can be asked without a code from now on."),
            Self::Forgotten(name) => {
                write!(f, "{name} does not know this computer any more; its link was removed.")
            }
            Self::NotRecognised(None) => f.write_str("You were not recognised; try again."),
            Self::NotRecognised(Some(tries)) => {
                write!(f, "You were not recognised; try again ({tries} tries left).")
            }
            Self::Progress(progress) => match progress {
                InitiatorProgress::Ringing => f.write_str("Waiting for the phone."),
                InitiatorProgress::PhoneComing => f.write_str("The phone is coming."),
                InitiatorProgress::WaitingForScan => f.write_str("Waiting for a phone."),
                InitiatorProgress::Near => f.write_str("A phone is near."),
                InitiatorProgress::Connecting => f.write_str("Connecting."),
                InitiatorProgress::Handshaking => f.write_str("Securing the connection."),
                InitiatorProgress::AttemptFailed(error) => {
                    write!(f, "That phone did not work: {error}.")
                }
                InitiatorProgress::Authenticated => f.write_str("Connected to the phone."),
                InitiatorProgress::WaitingForPhone => f.write_str("Continue on your phone."),
                InitiatorProgress::Closing => f.write_str("Closing the connection."),
                _ => f.write_str("Working."),
            },
        }
    }
}

impl fmt::Debug for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShowCode(_) => f.write_str("ShowCode"),
            Self::HideCode => f.write_str("HideCode"),
            Self::Listening(radio) => f.debug_tuple("Listening").field(radio).finish(),
            Self::Ringing(_) => f.write_str("Ringing"),
            Self::NotReached(_, error) => f.debug_tuple("NotReached").field(error).finish(),
            Self::Remembered(_) => f.write_str("Remembered"),
            Self::Forgotten(_) => f.write_str("Forgotten"),
            Self::NotRecognised(tries) => f.debug_tuple("NotRecognised").field(tries).finish(),
            Self::Progress(progress) => f.debug_tuple("Progress").field(progress).finish(),
        }
    }
}

/// What the tunnel service answered, in the words of whoever holds the phone.
fn not_reached(f: &mut fmt::Formatter<'_>, name: &str, error: &TransportError) -> fmt::Result {
    let status = match error {
        TransportError::Hybrid(HybridError::Tunnel(ConnectFailure::Status(status))) => *status,
        _ => 0,
    };
    match status {
        404 => write!(f, "{name} is not listening now; start it, or scan this code."),
        429 | 503 => write!(f, "{name} is busy now; scan this code, or try again."),
        _ => write!(f, "{name} was not reached: {error}. Scan this code."),
    }
}

/// Why there is no response for the site.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComputerError {
    /// The ceremony failed: the options, the origin, the person or the phone's answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The phone was not reached, or the connection broke.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl ComputerError {
    /// The name of the exception that a browser would throw.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Client(error) => error.name(),
            Self::Transport(_) => "NotAllowedError",
        }
    }
}

/// A linked phone whose name is not known.
const SOME_PHONE: &str = "The linked phone";

/// A phone as a way to an authenticator. The code is shown when the ceremony first asks for the phone.
struct PhoneChannel<'a, S> {
    computer: &'a Computer,
    screen: &'a S,
    hint: Hint,
    session: Option<Open>,
    /// Whether the person knows that the phone does not know this computer.
    forgotten: bool,
    /// What the client only knows as "the channel failed".
    failure: Option<TransportError>,
}

/// A session, and which linked phone it rings, if it does.
struct Open {
    session: Session,
    events: Events,
    phone: Option<LinkedPhone>,
}

impl<S: Screen> PhoneChannel<'_, S> {
    /// Shows a code.
    fn start(&self) -> Result<Open, TransportError> {
        let Computer { config, provider, scanner, connector, links, .. } = self.computer;
        let mut config = config.clone();
        config.linking |= links.is_some();
        let (session, events) =
            Session::start(config, provider, self.hint, scanner.clone(), connector.clone())?;
        Ok(Open { session, events, phone: None })
    }

    /// Rings the linked phone that the person chooses, if they do.
    async fn ring(&self) -> Result<Option<Open>, TransportError> {
        let Computer { config, provider, scanner, connector, links, .. } = self.computer;
        let Some(links) = links else { return Ok(None) };
        let mut phones = kept(links, |links| links.all()).await?;
        let names: Vec<String> = phones.iter().map(LinkedPhone::display_name).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let chosen = self.screen.choose_phone(&names).await.filter(|index| *index < phones.len());
        let Some(index) = chosen else { return Ok(None) };
        let phone = phones.swap_remove(index);
        self.screen.show(Step::Ringing(&phone.display_name()));
        let (scanner, connector) = (scanner.clone(), connector.clone());
        let (session, events) =
            Session::ring(config.clone(), provider, &phone, self.hint, scanner, connector)?;
        Ok(Some(Open { session, events, phone: Some(phone) }))
    }

    /// Waits for the session, showing what happens meanwhile.
    async fn watch<T>(
        &mut self,
        work: impl AsyncFnOnce(&Session) -> Result<T, TransportError>,
    ) -> Result<T, TransportError> {
        let Some(Open { session, events, phone }) = &mut self.session else {
            return Err(TransportError::Over);
        };
        let links = self.computer.links.as_ref();
        let mut work = std::pin::pin!(work(session));
        loop {
            tokio::select! {
                biased;
                Some(event) = events.next() => {
                    show(self.screen, Some(session), &event);
                    self.forgotten |=
                        keep(links, phone.as_ref(), &event, Some(self.screen)).await;
                }
                result = &mut work => return result,
            }
        }
    }

    fn failed(&mut self, error: TransportError) -> ChannelError {
        let failed = ChannelError::Failed(error.to_string());
        self.failure = Some(error);
        failed
    }

    /// Ends a ring that came to nothing, and shows the rest of what happened to it.
    async fn hang_up(&mut self) {
        let Some(Open { session, mut events, phone }) = self.session.take() else { return };
        if let Err(error) = session.cancel().await {
            tracing::debug!(%error, "the ring ended");
        }
        while let Some(event) = events.next().await {
            let links = self.computer.links.as_ref();
            self.forgotten |= keep(links, phone.as_ref(), &event, Some(self.screen)).await;
        }
    }

    /// Says goodbye to the phone, and tells why it failed, if it did.
    async fn finish(
        mut self,
        result: Result<String, ClientError>,
    ) -> Result<String, ComputerError> {
        if let Some(open) = self.session.take() {
            farewell(open, self.screen, self.computer.links.clone(), result.is_ok()).await;
        }
        result.map_err(|error| match (error, self.failure) {
            (ClientError::Channel(_), Some(failure)) => failure.into(),
            (error, _) => error.into(),
        })
    }
}

/// The code is taken from the session for as long as the screen needs it; one that is ending has none to show.
fn show(screen: &impl Screen, session: Option<&Session>, event: &Event) {
    match event {
        Event::Listening { radio } => screen.show(Step::Listening(radio)),
        Event::Progress(progress) => {
            match progress {
                InitiatorProgress::WaitingForScan => {
                    if let Some(code) = session.and_then(Session::qr_uri) {
                        screen.show(Step::ShowCode(&code));
                    }
                }
                InitiatorProgress::Near => screen.show(Step::HideCode),
                _ => {}
            }
            screen.show(Step::Progress(progress));
        }
        _ => {}
    }
}

impl<S: Screen> Channel for PhoneChannel<'_, S> {
    fn transport(&self) -> Transport {
        Transport::Hybrid
    }

    async fn get_info(&mut self) -> Result<Vec<u8>, ChannelError> {
        match self.ring().await {
            Ok(Some(ringing)) => {
                let name = ringing.phone.as_ref().map(LinkedPhone::display_name);
                self.session = Some(ringing);
                match self.watch(async |session| session.get_info().await).await {
                    Ok(info) => return Ok(info),
                    Err(error) => {
                        self.hang_up().await;
                        if !self.forgotten {
                            let name = name.as_deref().unwrap_or(SOME_PHONE);
                            self.screen.show(Step::NotReached(name, &error));
                        }
                    }
                }
            }
            Ok(None) => {}
            Err(error) => self.screen.show(Step::NotReached(SOME_PHONE, &error)),
        }
        match self.start() {
            Ok(open) => self.session = Some(open),
            Err(error) => return Err(self.failed(error)),
        }
        let info = self.watch(async |session| session.get_info().await).await;
        info.map_err(|error| self.failed(error))
    }

    async fn transact(&mut self, request: Vec<u8>) -> Result<Vec<u8>, ChannelError> {
        let response = self.watch(async move |session| session.transact(request).await).await;
        response.map_err(|error| self.failed(error))
    }

    async fn cancel(&mut self) {
        // The protocol can't call a request back; `finish` ends the session, which does.
    }
}

struct Here<'a, S>(&'a S);

impl<S: Screen> Environment for Here<'_, S> {
    fn sleep_until(&self, deadline: Instant) -> impl Future<Output = ()> + Send {
        sleep_until(deadline.into())
    }

    fn choose(&self, accounts: &[Account]) -> impl Future<Output = Option<usize>> + Send {
        self.0.choose(accounts)
    }

    fn pin(&self, question: &PinQuestion) -> impl Future<Output = PinAnswer> + Send {
        self.0.pin(question)
    }

    fn not_recognised(&self, tries_left: Option<u64>) {
        self.0.show(Step::NotRecognised(tries_left));
    }

    fn cancelled(&self) -> impl Future<Output = ()> + Send {
        self.0.cancelled()
    }
}
