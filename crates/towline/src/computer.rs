//! The computer's role: the WebAuthn client over somebody's phone.

mod links;
mod screen;

use std::{fmt, future::ready, sync::Arc, time::Instant};

use tokio::time::sleep_until;
use towline_client::{
    Account, BoxFuture, Caller, Channel, ChannelError, Client, Environment, Error as ClientError,
    Origin, PinAnswer, PinQuestion, create, get,
};
use towline_crypto::CryptoProvider;
use towline_ctap::Transport;
use towline_hybrid::{
    InitiatorConfig, InitiatorProgress,
    link::{LinkedPhone, PhoneLinks},
    qr::Hint,
};
use towline_hybrid_tokio::{
    ComputerEvent, ComputerEvents, ComputerSession, Connector, TransportError,
};
use towline_radio::Scanner;

use self::links::{farewell, keep, kept};
pub use self::screen::{ComputerStep, Screen};

/// A computer that uses people's phones to register and to sign in.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::Arc;
/// # let provider = towline::fastest::provider();
/// # let radio = towline::radio::air::Air::new().radio();
/// # let connector = Arc::new(towline::transport::TunnelConnector::plain_loopback("127.0.0.1:9".parse()?)?);
/// use towline::{Computer, ComputerStep};
///
/// let computer = Computer::new(provider, Arc::new(radio), connector);
/// let screen = |step: ComputerStep<'_>| match step {
///     ComputerStep::ShowCode(code) => println!("draw this as a QR code: {code}"),
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

    /// The same, with a place for links to phones: a phone may let this computer remember it, and
    /// is rung without a code from then on. If several are known, [`Screen::choose_phone`] asks.
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

    /// Registers a passkey on the phone that scans the code: PublicKeyCredentialCreationOptionsJSON
    /// in, RegistrationResponseJSON out. Dropping the future ends everything at once;
    /// [`Screen::cancelled`] ends it in order.
    ///
    /// # Errors
    /// [`ComputerError`], which prints as a sentence for the person.
    pub async fn create(
        &self,
        screen: &dyn Screen,
        origin: &str,
        options_json: &str,
    ) -> Result<String, ComputerError> {
        let caller = Caller::from(Origin::parse(origin)?);
        let mut channel = self.channel(screen, Hint::MakeCredential);
        let result = create(&self.client, &mut channel, &Here(screen), &caller, options_json).await;
        channel.finish(result).await
    }

    /// Signs in with the phone that scans the code: PublicKeyCredentialRequestOptionsJSON in,
    /// AuthenticationResponseJSON out. Dropping the future ends everything at once;
    /// [`Screen::cancelled`] ends it in order.
    ///
    /// # Errors
    /// [`ComputerError`], which prints as a sentence for the person.
    pub async fn get(
        &self,
        screen: &dyn Screen,
        origin: &str,
        options_json: &str,
    ) -> Result<String, ComputerError> {
        let caller = Caller::from(Origin::parse(origin)?);
        let mut channel = self.channel(screen, Hint::GetAssertion);
        let result = get(&self.client, &mut channel, &Here(screen), &caller, options_json).await;
        channel.finish(result).await
    }

    const fn channel<'a>(&'a self, screen: &'a dyn Screen, hint: Hint) -> PhoneChannel<'a> {
        PhoneChannel { computer: self, screen, hint, session: None, forgotten: false }
    }
}

impl fmt::Debug for Computer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Computer")
            .field("radio", &self.scanner.description())
            .finish_non_exhaustive()
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
    /// What the client knows as a channel that failed is the transport's own error.
    fn of(error: ClientError) -> Self {
        if let ClientError::Channel(ChannelError::Failed(reason)) = &error
            && let Some(reason) = reason.downcast_ref::<TransportError>()
        {
            return Self::Transport(reason.clone());
        }
        Self::Client(error)
    }

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

/// A phone as a way to an authenticator. The code is shown when the ceremony connects.
struct PhoneChannel<'a> {
    computer: &'a Computer,
    screen: &'a dyn Screen,
    hint: Hint,
    session: Option<Open>,
    /// Whether the person knows that the phone does not know this computer.
    forgotten: bool,
}

/// A session, and which linked phone it rings, if it does.
struct Open {
    session: ComputerSession,
    events: ComputerEvents,
    phone: Option<LinkedPhone>,
}

impl PhoneChannel<'_> {
    /// Shows a code.
    fn start(&self) -> Result<Open, TransportError> {
        let Computer { config, provider, scanner, connector, links, .. } = self.computer;
        let mut config = config.clone();
        config.linking |= links.is_some();
        let (session, events) = ComputerSession::start(
            config,
            provider,
            self.hint,
            scanner.clone(),
            connector.clone(),
        )?;
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
        self.screen.show(ComputerStep::Ringing(&phone.display_name()));
        let (scanner, connector) = (scanner.clone(), connector.clone());
        let (session, events) =
            ComputerSession::ring(config.clone(), provider, &phone, self.hint, scanner, connector)?;
        Ok(Some(Open { session, events, phone: Some(phone) }))
    }

    /// Waits for the session, showing what happens meanwhile.
    async fn watch<T>(
        &mut self,
        work: impl AsyncFnOnce(&ComputerSession) -> Result<T, TransportError>,
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
        result.map_err(ComputerError::of)
    }

    /// Connects to the linked phone that the person chooses, or to the one that scans the code.
    async fn open(&mut self) -> Result<(), TransportError> {
        match self.ring().await {
            Ok(Some(ringing)) => {
                let name = ringing.phone.as_ref().map(LinkedPhone::display_name);
                self.session = Some(ringing);
                match self.watch(async |session| session.get_info().await).await {
                    Ok(_) => return Ok(()),
                    Err(error) => {
                        self.hang_up().await;
                        if !self.forgotten {
                            let name = name.as_deref().unwrap_or(SOME_PHONE);
                            self.screen.show(ComputerStep::NotReached(name, &error));
                        }
                    }
                }
            }
            Ok(None) => {}
            Err(error) => self.screen.show(ComputerStep::NotReached(SOME_PHONE, &error)),
        }
        self.session = Some(self.start()?);
        self.watch(async |session| session.get_info().await).await.map(drop)
    }
}

/// The code is taken from the session for as long as the screen needs it; one that is ending has
/// none to show.
fn show(screen: &dyn Screen, session: Option<&ComputerSession>, event: &ComputerEvent) {
    match event {
        ComputerEvent::Listening { radio } => screen.show(ComputerStep::Listening(radio)),
        ComputerEvent::Progress(progress) => {
            match progress {
                InitiatorProgress::WaitingForScan => {
                    if let Some(code) = session.and_then(ComputerSession::qr_uri) {
                        screen.show(ComputerStep::ShowCode(&code));
                    }
                }
                InitiatorProgress::Near => screen.show(ComputerStep::HideCode),
                _ => {}
            }
            screen.show(ComputerStep::Progress(progress));
        }
        _ => {}
    }
}

impl Channel for PhoneChannel<'_> {
    fn transport(&self) -> Transport {
        Transport::Hybrid
    }

    fn connect(&mut self) -> BoxFuture<'_, Result<(), ChannelError>> {
        Box::pin(async move { self.open().await.map_err(ChannelError::failed) })
    }

    fn get_info(&mut self) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move {
            let info = self.watch(async |session| session.get_info().await).await;
            info.map_err(ChannelError::failed)
        })
    }

    fn transact(&mut self, request: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move {
            let response = self.watch(async move |session| session.transact(request).await).await;
            response.map_err(ChannelError::failed)
        })
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        // The protocol can't call a request back; `finish` ends the session, which does.
        Box::pin(ready(()))
    }
}

struct Here<'a>(&'a dyn Screen);

impl Environment for Here<'_> {
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'_, ()> {
        Box::pin(sleep_until(deadline.into()))
    }

    fn choose<'a>(&'a self, accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        self.0.choose(accounts)
    }

    fn pin<'a>(&'a self, question: &'a PinQuestion) -> BoxFuture<'a, PinAnswer> {
        self.0.pin(question)
    }

    fn not_recognised(&self, tries_left: Option<u64>) {
        self.0.show(ComputerStep::NotRecognised(tries_left));
    }

    fn cancelled(&self) -> BoxFuture<'_, ()> {
        self.0.cancelled()
    }
}
