//! The phone's role: an authenticator that answers the codes which computers show.

use std::{
    collections::VecDeque,
    fmt,
    future::{Future, pending},
    pin::pin,
    sync::Arc,
};

use towline_authenticator::Authenticator;
use towline_crypto::CryptoProvider;
use towline_hybrid::{
    Answer, CodeSource, Error, ResponderConfig, ResponderSummary, domain::TunnelDomain,
    qr::QrPayload,
};
use towline_hybrid_tokio::{
    Connector, Error as TransportError,
    phone::{Event, Events, Session},
};
use towline_radio::Advertiser;

use crate::{Person, driver::Driver};

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
/// # let provider = towline::crypto::rustcrypto::provider();
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
pub struct Phone<P> {
    driver: Driver<P>,
    provider: CryptoProvider,
    transport: PhoneTransport,
    configure: Configure,
}

type Configure = Box<dyn Fn(&mut ResponderConfig) + Send + Sync>;

impl<P: Person> Phone<P> {
    /// A phone that is ready to scan.
    #[must_use]
    pub fn new(
        authenticator: Authenticator,
        provider: CryptoProvider,
        transport: PhoneTransport,
        person: P,
    ) -> Self {
        let driver = Driver::new(authenticator, person);
        Self { driver, provider, transport, configure: Box::new(|_| {}) }
    }

    /// The same with other deadlines, or other choices of [`ResponderConfig`]: `change` is called for each code.
    #[must_use]
    pub fn with_config(
        self,
        change: impl Fn(&mut ResponderConfig) + Send + Sync + 'static,
    ) -> Self {
        Self { configure: Box::new(change), ..self }
    }

    /// Answers a scanned code: asks whether to connect, advertises, and serves the computer's requests until it is done, all
    /// with the person's consent. Nothing is sent before the person says yes.
    ///
    /// Dropping the future ends everything at once; [`answer_code_until`](Self::answer_code_until) ends it in order.
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

    /// As [`answer_code`](Self::answer_code), until the person wants to stop: when `stop` is ready, all is closed in order.
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
        let info = self.driver.authenticator.get_info().to_cbor();
        let mut config = ResponderConfig::new(info, self.transport.domain);
        (self.configure)(&mut config);
        let (session, events) = Session::start(
            config,
            &self.provider,
            payload,
            source,
            self.transport.advertiser.clone(),
            self.transport.connector.clone(),
        )?;
        let mut inbox = Inbox { events, early: VecDeque::new() };
        let stopped = {
            let mut stop = pin!(stop);
            tokio::select! {
                result = self.serve(&session, &mut inbox) => return result,
                () = &mut stop => session.cancel().await,
            }
        };
        self.driver.abandon().await;
        stopped
    }

    /// The authenticator itself.
    pub const fn authenticator(&mut self) -> &mut Authenticator {
        &mut self.driver.authenticator
    }

    /// The person.
    pub const fn person(&mut self) -> &mut P {
        &mut self.driver.person
    }

    async fn serve(
        &mut self,
        session: &Session,
        inbox: &mut Inbox,
    ) -> Result<ResponderSummary, TransportError> {
        loop {
            match inbox.next().await {
                Some(Event::Ask { token, question }) => {
                    let answer = tokio::select! {
                        answer = self.driver.person.connect(&question) => answer,
                        () = inbox.withdrawn() => continue,
                    };
                    if let Answer::Decline = answer {
                        tracing::debug!("the person declined to connect");
                    }
                    told(session.answer(token, answer).await);
                }
                Some(Event::Request(request)) => {
                    let response = tokio::select! {
                        response = self.driver.transact(&request) => Some(response),
                        () = inbox.withdrawn() => None,
                    };
                    match response {
                        Some(response) => told(session.respond(response).await),
                        None => self.driver.abandon().await,
                    }
                }
                Some(Event::Advertising { radio }) => self.driver.person.advertising(&radio),
                Some(Event::Progress(progress)) => self.driver.person.progress(progress),
                Some(Event::Finished(result)) => return result,
                Some(_) => {}
                None => return Err(TransportError::Over),
            }
        }
    }
}

/// A session that ended meanwhile says why in its last event.
fn told(result: Result<(), TransportError>) {
    if let Err(error) = result {
        tracing::debug!(%error, "the session is over");
    }
}

/// The session's events, some of which come while the person is busy.
struct Inbox {
    events: Events,
    early: VecDeque<Event>,
}

impl Inbox {
    async fn next(&mut self) -> Option<Event> {
        match self.early.pop_front() {
            Some(event) => Some(event),
            None => self.events.next().await,
        }
    }

    /// Waits until what the person is asked is moot; keeps whatever else comes.
    async fn withdrawn(&mut self) {
        while let Some(event) = self.events.next().await {
            match event {
                Event::Withdraw { .. } | Event::CancelRequest => return,
                Event::Finished(_) => {
                    self.early.push_back(event);
                    return;
                }
                event => self.early.push_back(event),
            }
        }
    }
}

impl<P> fmt::Debug for Phone<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phone")
            .field("authenticator", &self.driver.authenticator)
            .field("radio", &self.transport.advertiser.description())
            .field("domain", &self.transport.domain)
            .finish_non_exhaustive()
    }
}
