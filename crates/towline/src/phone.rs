//! The phone's role: an authenticator that answers the codes which computers show.

mod inbox;
mod questions;

use std::{
    fmt,
    future::{Future, pending},
    pin::pin,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use towline_authenticator::{Authenticator, ChannelId};
use towline_crypto::CryptoProvider;
use towline_ctap::{Status, Transport};
use towline_device::{Ask, Device, Pending, PhoneAnswer, PhoneQuestion};
use towline_hybrid::{
    CodeSource, Error, ResponderConfig, ResponderProgress, ResponderSummary,
    domain::TunnelDomain,
    ids::LinkId,
    link::{ComputerLinks, LinkStoreError, LinkedComputer, Ring},
    qr::QrPayload,
};
use towline_hybrid_tokio::{Connector, PhoneEvent, PhoneEvents, PhoneSession, TransportError};
use towline_radio::Advertiser;

use self::{
    inbox::{Inbox, Owed},
    questions::{answered, asked, shown},
};
use crate::{
    Bell, Person,
    bell::{Line, Serving, identity, kept},
};

/// The only channel: one computer at a time.
const CHANNEL: ChannelId = ChannelId(0);

/// How a phone reaches computers.
#[derive(Clone)]
pub struct PhoneTransport {
    /// The radio that shows that the phone is near.
    pub advertiser: Arc<dyn Advertiser>,
    /// The way to the tunnel service.
    pub connector: Arc<dyn Connector>,
    /// Whose tunnel service. The computer finds it by this number, and connects to the same host.
    pub domain: TunnelDomain,
}

/// A phone: an authenticator, the person who holds it, and a way to reach computers.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::Arc;
/// # let provider = towline::fastest::provider();
/// # let radio = towline::radio::air::Air::new().radio();
/// # let connector = Arc::new(towline::transport::TunnelConnector::plain_loopback("127.0.0.1:9".parse()?)?);
/// use towline::authenticator::{Authenticator, Config, MemoryStore, SoftwareKeys};
/// use towline::hybrid::{CodeSource, domain::TunnelDomain};
/// use towline::{Agreeable, Phone, PhoneTransport};
///
/// let keys = SoftwareKeys::new(provider.clone());
/// let authenticator = Authenticator::new(Config::phone(), provider.clone(), MemoryStore::new(), keys)?;
/// let transport = PhoneTransport { advertiser: Arc::new(radio), connector, domain: TunnelDomain::new(257)? };
/// let mut phone = Phone::new(authenticator, provider, transport, Agreeable);
///
/// let scanned = "https://example.org"; // what the camera saw
/// let error = phone.answer_code(scanned, CodeSource::Camera).await.unwrap_err();
/// println!("{error}"); // "this is not a usable passkey QR code: .."
/// # Ok(())
/// # }
/// ```
pub struct Phone<P = Box<dyn Person>> {
    device: Device<P>,
    provider: CryptoProvider,
    transport: PhoneTransport,
    configure: Configure,
    watcher: Watcher,
    links: Option<Links>,
    digital_credentials: bool,
}

/// What lets computers remember this phone.
#[derive(Clone)]
struct Links {
    store: Arc<dyn ComputerLinks>,
    name: String,
    line: Arc<Line>,
}

type Configure = Box<dyn Fn(&mut ResponderConfig) + Send + Sync>;
type Watcher = Box<dyn FnMut(PhoneStep<'_>) + Send + Sync>;

/// How the way to a computer goes, for the person to see.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PhoneStep<'a> {
    /// The radio of this name broadcasts for the computer. A simulated one says so.
    Advertising(&'a str),
    /// A request of CTAP2 has come: a command byte, then CBOR. What sites and people confide to
    /// authenticators is in it: show it in tests alone.
    Asked(&'a [u8]),
    /// A request was carried out or refused.
    Answered {
        /// What the computer is told.
        status: Status,
        /// The whole of it: the status byte, then CBOR. It is as confidential as the request.
        response: &'a [u8],
    },
    /// The connection has come so far.
    Progress(ResponderProgress),
}

/// Requests and responses name people and more, so they print as lengths.
impl fmt::Debug for PhoneStep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Advertising(radio) => f.debug_tuple("Advertising").field(radio).finish(),
            Self::Asked(request) => write!(f, "Asked({} bytes)", request.len()),
            Self::Answered { status, response } => {
                write!(f, "Answered({status:?}, {} bytes)", response.len())
            }
            Self::Progress(progress) => f.debug_tuple("Progress").field(progress).finish(),
        }
    }
}

impl<P: Person> Phone<P> {
    /// A phone that is ready to scan.
    #[must_use]
    pub fn new(
        authenticator: Authenticator,
        provider: CryptoProvider,
        transport: PhoneTransport,
        person: P,
    ) -> Self {
        Self {
            device: Device::new(authenticator, person),
            provider,
            transport,
            configure: Box::new(|_| {}),
            watcher: Box::new(|_| {}),
            links: None,
            digital_credentials: false,
        }
    }

    /// The same, for a phone that offers computers to remember it under this name, and can be
    /// [rung](Self::listen) by them.
    #[must_use]
    pub fn with_links(self, store: Arc<dyn ComputerLinks>, name: impl Into<String>) -> Self {
        Self { links: Some(Links { store, name: name.into(), line: Line::new() }), ..self }
    }

    /// The same, for a phone whose person also answers requests for
    /// [digital credentials](PhoneQuestion::DigitalCredentials), and says so to computers. Others
    /// refuse them.
    #[must_use]
    pub fn with_digital_credentials(self) -> Self {
        Self { digital_credentials: true, ..self }
    }

    /// The same, and `watch` is told how the way to a computer goes.
    #[must_use]
    pub fn with_watcher(self, watch: impl FnMut(PhoneStep<'_>) + Send + Sync + 'static) -> Self {
        Self { watcher: Box::new(watch), ..self }
    }

    /// The same with other deadlines, or other choices of [`ResponderConfig`]: `change` is called
    /// for each code.
    #[must_use]
    pub fn with_config(
        self,
        change: impl Fn(&mut ResponderConfig) + Send + Sync + 'static,
    ) -> Self {
        Self { configure: Box::new(change), ..self }
    }

    /// Answers a scanned code: asks whether to connect, advertises, and serves the computer's
    /// requests until it is done, all with the person's consent. Nothing is sent before the person
    /// says yes.
    ///
    /// Dropping the future ends everything at once; [`answer_code_until`](Self::answer_code_until)
    /// ends it in order.
    ///
    /// # Errors
    /// Why it came to nothing: [`TransportError`] prints as a sentence for the person.
    pub async fn answer_code(
        &mut self,
        code: &str,
        source: CodeSource,
    ) -> Result<ResponderSummary, TransportError> {
        self.answer_code_until(code, source, pending()).await
    }

    /// As [`answer_code`](Self::answer_code), until the person wants to stop: when `stop` is ready,
    /// all is closed in order. A request that is open then is declined, so that the computer knows
    /// that nothing was done; one that can't be taken back any more is answered.
    ///
    /// # Errors
    /// As [`answer_code`](Self::answer_code); [`Error::Cancelled`] when it was stopped.
    pub async fn answer_code_until(
        &mut self,
        code: &str,
        source: CodeSource,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<ResponderSummary, TransportError> {
        let payload = QrPayload::from_uri(&self.provider, code).map_err(Error::from)?;
        let mut config = self.config().await?;
        if let Some(Links { store, name, line }) = &self.links {
            let identity = identity(store, &self.provider).await?;
            let key = line.next_key(&self.provider).map_err(Error::from)?;
            config.link_offer = Some(identity.offer(&self.provider, &key, name));
        }
        let (session, events) = PhoneSession::start(
            config,
            &self.provider,
            payload,
            source,
            self.transport.advertiser.clone(),
            self.transport.connector.clone(),
        )?;
        self.serve_until(session, events, stop).await
    }

    /// Answers a computer that rings, as [`Bell::next`] tells of it, and serves it until it is done
    /// or `stop` is ready.
    ///
    /// # Errors
    /// As [`answer_code`](Self::answer_code).
    pub async fn answer_ring_until(
        &mut self,
        ring: Ring,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<ResponderSummary, TransportError> {
        let config = self.config().await?;
        let (advertiser, connector) =
            (self.transport.advertiser.clone(), self.transport.connector.clone());
        let (session, events) =
            PhoneSession::answer_ring(config, &self.provider, ring, advertiser, connector);
        self.serve_until(session, events, stop).await
    }

    /// Listens for computers that were allowed to remember this phone. The bell does not keep the
    /// phone from serving others meanwhile.
    ///
    /// # Errors
    /// [`TransportError::Links`], also for a phone without [links](Self::with_links).
    pub fn listen(&self) -> impl Future<Output = Result<Bell, TransportError>> + Send + use<P> {
        let (links, provider) = (self.links.clone(), self.provider.clone());
        let (domain, connector) = (self.transport.domain, self.transport.connector.clone());
        async move {
            let missing = || LinkStoreError::Unavailable("this phone keeps no links".into());
            let Links { store, line, .. } = links.ok_or_else(missing)?;
            Bell::start(store, provider, domain, connector, line).await
        }
    }

    /// What is told of the authenticator is what it says now: a PIN, fingers and settings are in
    /// its store.
    async fn config(&mut self) -> Result<ResponderConfig, TransportError> {
        let info = self.device.get_info(Transport::Hybrid, CHANNEL).await;
        let info = info.map_err(|status| TransportError::Authenticator(status.to_string()))?;
        let mut config = ResponderConfig::new(info, self.transport.domain);
        config.digital_credentials = self.digital_credentials;
        (self.configure)(&mut config);
        Ok(config)
    }

    async fn serve_until(
        &mut self,
        session: PhoneSession,
        events: PhoneEvents,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<ResponderSummary, TransportError> {
        let mut inbox = Inbox::new(events);
        // Until the session is over, however that comes.
        let serving = self.links.as_ref().map(|links| links.line.serve());
        let serving = serving.as_ref();
        {
            let mut stop = pin!(stop);
            tokio::select! {
                result = self.serve(&session, &mut inbox, serving) => return result,
                () = &mut stop => {}
            }
        }
        let called_off = self.device.call_off(CHANNEL).await;
        let told_last = match inbox.owed {
            Owed::Nothing => return session.cancel().await,
            // What the computer is told is what became of it.
            Owed::Response => session.respond(declined(called_off)).await,
            Owed::This(response) => session.respond(response).await,
            Owed::JsonResponse => session.respond_json(shown(None)).await,
        };
        told(told_last);
        // Ends what was answered after it is out, and calls off the rest.
        session.shutdown().await?;
        Err(Error::Cancelled.into())
    }

    /// The authenticator itself.
    pub const fn authenticator(&mut self) -> &mut Authenticator {
        self.device.authenticator()
    }

    /// The person whom it asks.
    pub const fn person(&mut self) -> &mut P {
        self.device.person()
    }

    /// Puts a question of the phone's own to the person.
    fn ask(&mut self, question: PhoneQuestion) -> Pending<PhoneAnswer> {
        let (ask, answer) = Ask::open(question);
        self.device.person().phone_asks(ask);
        answer
    }

    async fn serve(
        &mut self,
        session: &PhoneSession,
        inbox: &mut Inbox,
        serving: Option<&Serving>,
    ) -> Result<ResponderSummary, TransportError> {
        loop {
            match inbox.next().await {
                Some(PhoneEvent::Ask { token, question }) => {
                    let mut said = None;
                    if let Some(question) = asked(&question) {
                        let answer = self.ask(question);
                        // A request, or the end, comes first; the question is asked once.
                        tokio::select! {
                            answer = answer => said = answer,
                            () = inbox.busy() => {}
                        }
                    }
                    told(session.answer(token, answered(&question, said)).await);
                }
                Some(PhoneEvent::Request(request)) => {
                    inbox.owed = Owed::Response;
                    serving.inspect(|serving| serving.asked());
                    (self.watcher)(PhoneStep::Asked(&request));
                    let carried_out = self.device.transact(Transport::Hybrid, CHANNEL, &request);
                    let response = tokio::select! {
                        response = carried_out => Some(response),
                        () = inbox.withdrawn() => None,
                    };
                    match response {
                        Some(response) => {
                            let status = status(&response);
                            (self.watcher)(PhoneStep::Answered { status, response: &response });
                            inbox.owed = Owed::This(response.clone());
                            told(session.respond(response).await);
                            serving.inspect(|serving| serving.answered());
                        }
                        None => drop(self.device.call_off(CHANNEL).await),
                    }
                    inbox.owed = Owed::Nothing;
                }
                Some(PhoneEvent::JsonRequest(request)) => {
                    inbox.owed = Owed::JsonResponse;
                    let answer = self.ask(PhoneQuestion::DigitalCredentials(request));
                    let response = tokio::select! {
                        answer = answer => Some(shown(answer)),
                        () = inbox.withdrawn() => None,
                    };
                    if let Some(response) = response {
                        told(session.respond_json(response).await);
                    }
                    inbox.owed = Owed::Nothing;
                }
                Some(PhoneEvent::Linked { link_id }) => {
                    keep(self.links.clone(), &self.provider, link_id).await;
                }
                Some(PhoneEvent::Advertising { radio }) => {
                    (self.watcher)(PhoneStep::Advertising(&radio));
                }
                Some(PhoneEvent::Progress(progress)) => {
                    (self.watcher)(PhoneStep::Progress(progress))
                }
                Some(PhoneEvent::Finished(result)) => return Ok(result?),
                Some(_) => {}
                None => return Err(TransportError::Over),
            }
        }
    }
}

/// A link that can't be kept is no reason to fail: its computer is told when it rings.
async fn keep(links: Option<Links>, provider: &CryptoProvider, link_id: LinkId) {
    let Some(Links { store, line, .. }) = links else { return };
    // What was offered, until it is given away.
    let Ok(key) = line.next_key(provider) else { return };
    // A clock before 1970 is wrong anyhow.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let computer = LinkedComputer { link_id, since, contact_key: Some(key.clone()) };
    let saved = kept(&store, move |store| store.save(computer)).await;
    line.given_away(&key, saved.is_ok());
    if let Err(error) = saved {
        tracing::warn!(%error, "a link was not kept");
    }
}

/// A session that ended meanwhile says why in its last event.
fn told(result: Result<(), TransportError>) {
    if let Err(error) = result {
        tracing::debug!(%error, "the session is over");
    }
}

/// What a computer is told whose request was called off here: that the person declined.
fn declined(response: Option<Vec<u8>>) -> Vec<u8> {
    response
        .filter(|response| status(response) != Status::KeepaliveCancel)
        .unwrap_or_else(|| vec![Status::OperationDenied.to_u8()])
}

/// The first byte of a response. Ours is never empty.
fn status(response: &[u8]) -> Status {
    response.first().map_or(Status::Other, |status| Status::from_u8(*status))
}

impl<P> fmt::Debug for Phone<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phone")
            .field("authenticator", self.device.as_authenticator())
            .field("radio", &self.transport.advertiser.description())
            .field("domain", &self.transport.domain)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use towline_authenticator::{Config, MemoryStore, SoftwareKeys};
    use towline_ctap::{ConfigRequest, ConfigSubcommand, GetInfo, Request};
    use towline_hybrid_tokio::TunnelConnector;
    use towline_radio::air::Air;

    use super::*;
    use crate::Agreeable;

    fn phone(store: &MemoryStore) -> Phone<Agreeable> {
        let provider = towline_crypto::rustcrypto::provider();
        let keys = SoftwareKeys::new(provider.clone());
        let config = Config::security_key();
        let authenticator =
            Authenticator::new(config, provider.clone(), store.clone(), keys).unwrap();
        let connector = TunnelConnector::plain_loopback("127.0.0.1:9".parse().unwrap()).unwrap();
        let transport = PhoneTransport {
            advertiser: Arc::new(Air::new().radio()),
            connector: Arc::new(connector),
            domain: TunnelDomain::new(257).unwrap(),
        };
        Phone::new(authenticator, provider, transport, Agreeable)
    }

    #[tokio::test]
    async fn the_first_computer_is_told_what_the_store_makes_of_the_phone() {
        let store = MemoryStore::new();
        for always_uv in [false, true] {
            let mut phone = phone(&store);
            let info = phone.config().await.unwrap().get_info;
            let info = GetInfo::from_cbor(&info).unwrap();
            assert_eq!(info.options.always_uv, Some(always_uv));
            assert_eq!(info.remaining_discoverable_credentials, None);
            let toggle = Request::from(ConfigRequest::new(ConfigSubcommand::ToggleAlwaysUv));
            let toggle = toggle.encode();
            assert_eq!(phone.device.transact(Transport::Hybrid, CHANNEL, &toggle).await, [0]);
        }
    }
}
