//! An authenticator in this process, behind the WebAuthn client.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::sleep_until;
use towline_authenticator::{
    Authenticator, ChannelId, Config, ConfigError, Event, MemoryStore, SoftwareKeys,
};
use towline_client::{
    Account, BoxFuture, Caller, Channel, ChannelError, Client, Environment, Error, Origin,
    PinAnswer, PinQuestion, create, get,
};
use towline_crypto::CryptoProvider;
use towline_ctap::Transport;
use towline_device::Device;

use crate::{Ask, Person};

/// The only channel: whoever owns the authenticator.
const CHANNEL: ChannelId = ChannelId(0);

/// "This device": an authenticator in this process and the person in front of it, with the WebAuthn
/// client on top.
///
/// It is a real authenticator with real keys. With [`Agreeable`](crate::Agreeable) as the person it
/// is a test double for a relying party's tests:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use towline::{Agreeable, LocalAuthenticator, authenticator::Config};
///
/// let provider = towline::fastest::provider();
/// let mut device = LocalAuthenticator::in_memory(Config::platform(), provider, Agreeable)?;
///
/// // What your site hands to `navigator.credentials.create()`:
/// let options = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw", "rp": {"name": "Example"},
///     "user": {"id": "MQ", "name": "alice", "displayName": "Alice"},
///     "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
///     "authenticatorSelection": {"residentKey": "required"}}"#;
/// let registration = device.create("https://example.org", options).await?;
/// # let json: serde_json::Value = serde_json::from_str(&registration)?;
/// # assert_eq!(json["type"], "public-key");
///
/// let options = r#"{"challenge": "AAECAwQFBgcICQoLDA0ODw"}"#;
/// let assertion = device.get("https://example.org", options).await?; // verify it as your site does
/// # let json: serde_json::Value = serde_json::from_str(&assertion)?;
/// # assert_eq!(json["response"]["userHandle"], "MQ");
/// # Ok(())
/// # }
/// ```
pub struct LocalAuthenticator<P = Box<dyn Person>> {
    device: Device<Watched<P>>,
    /// How it is reached, for the authenticator and for the client alike.
    transport: Transport,
    client: Client,
    chooser: Chooser,
    pin: PinEntry,
}

type Chooser = Arc<dyn Fn(&[Account]) -> Option<usize> + Send + Sync>;
type PinEntry = Arc<dyn Fn(&PinQuestion) -> PinAnswer + Send + Sync>;

impl<P: Person> LocalAuthenticator<P> {
    /// Puts a person in front of an authenticator.
    #[must_use]
    pub fn new(authenticator: Authenticator, client: Client, person: P) -> Self {
        let transport = transport(authenticator.config());
        Self {
            device: Device::new(authenticator, Watched { person, locked_for: None }),
            transport,
            client,
            chooser: Arc::new(|_| Some(0)),
            pin: Arc::new(|_| PinAnswer::Unavailable),
        }
    }

    /// An authenticator whose credentials live and die with it.
    ///
    /// # Errors
    /// [`ConfigError`] where the config contradicts itself.
    pub fn in_memory(
        config: Config,
        provider: CryptoProvider,
        person: P,
    ) -> Result<Self, ConfigError> {
        let keys = SoftwareKeys::new(provider.clone());
        let authenticator = Authenticator::new(config, provider.clone(), MemoryStore::new(), keys)?;
        Ok(Self::new(authenticator, Client::new(provider), person))
    }

    /// Where several accounts match and the authenticator has no display of its own, the client
    /// asks: this is called with at least two accounts, and returns the index of one, or `None` to
    /// call it off. Without it the newest is used.
    #[must_use]
    pub fn with_chooser(
        self,
        choose: impl Fn(&[Account]) -> Option<usize> + Send + Sync + 'static,
    ) -> Self {
        Self { chooser: Arc::new(choose), ..self }
    }

    /// Where the authenticator verifies its person by a PIN, as a security key does, the client
    /// asks for it: this is called with the question. Without it no PIN is ever given:
    /// [`PinAnswer::Unavailable`].
    #[must_use]
    pub fn with_pin(
        self,
        answer: impl Fn(&PinQuestion) -> PinAnswer + Send + Sync + 'static,
    ) -> Self {
        Self { pin: Arc::new(answer), ..self }
    }

    /// Registers, as `navigator.credentials.create()` does: PublicKeyCredentialCreationOptionsJSON
    /// in, RegistrationResponseJSON out.
    ///
    /// # Errors
    /// [`Error`], whose name is that of the exception which a browser would throw.
    pub async fn create(&mut self, origin: &str, options_json: &str) -> Result<String, Error> {
        let (client, here) = self.parts();
        let made = create(&client, self, &here, &caller(origin)?, options_json).await;
        made.map_err(|error| self.with_wait(error))
    }

    /// Signs in, as `navigator.credentials.get()` does: PublicKeyCredentialRequestOptionsJSON in,
    /// AuthenticationResponseJSON out.
    ///
    /// # Errors
    /// [`Error`], whose name is that of the exception which a browser would throw.
    pub async fn get(&mut self, origin: &str, options_json: &str) -> Result<String, Error> {
        let (client, here) = self.parts();
        let signed_in = get(&client, self, &here, &caller(origin)?, options_json).await;
        signed_in.map_err(|error| self.with_wait(error))
    }

    /// A channel does not say how long a lock lasts; the authenticator in this process does.
    fn with_wait(&mut self, error: Error) -> Error {
        match error {
            Error::VerificationLocked { wait: None } => {
                Error::VerificationLocked { wait: self.device.person().locked_for }
            }
            other => other,
        }
    }

    /// Carries out one CTAP request: a command byte and CBOR in, a status byte and CBOR out.
    /// Dropping the future cancels it.
    pub async fn transact(&mut self, request: &[u8]) -> Vec<u8> {
        self.device.person().locked_for = None;
        self.device.transact(self.transport.clone(), CHANNEL, request).await
    }

    /// The authenticator itself.
    pub const fn authenticator(&mut self) -> &mut Authenticator {
        self.device.authenticator()
    }

    /// The person whom it asks.
    pub const fn person(&mut self) -> &mut P {
        &mut self.device.person().person
    }

    fn parts(&self) -> (Client, Here) {
        (self.client.clone(), Here { chooser: self.chooser.clone(), pin: self.pin.clone() })
    }
}

/// The authenticator's own first word on how it is reached.
fn transport(config: &Config) -> Transport {
    if config.identity.transports.contains(&Transport::Internal) {
        Transport::Internal
    } else {
        config.identity.transports.first().cloned().unwrap_or(Transport::Usb)
    }
}

fn caller(origin: &str) -> Result<Caller, Error> {
    Origin::parse(origin).map(Caller::from)
}

impl<P: Person> Channel for LocalAuthenticator<P> {
    fn transport(&self) -> Transport {
        self.transport.clone()
    }

    fn get_info(&mut self) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move {
            let info = self.device.get_info(self.transport.clone(), CHANNEL).await;
            info.map_err(|status| {
                ChannelError::failed(format!("this device can't be used: {status}"))
            })
        })
    }

    fn transact(&mut self, request: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move { Ok(Self::transact(self, &request).await) })
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let _nobody_waits = self.device.call_off(CHANNEL).await;
        })
    }
}

impl<P> fmt::Debug for LocalAuthenticator<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalAuthenticator")
            .field("authenticator", self.device.as_authenticator())
            .finish_non_exhaustive()
    }
}

/// A person, and what the client wants to know of what they are told.
struct Watched<P> {
    person: P,
    /// How long verification stays locked, as the request at hand was told.
    locked_for: Option<Duration>,
}

impl<P: Person> Person for Watched<P> {
    fn ask(&mut self, ask: Ask) {
        self.person.ask(ask);
    }

    fn notice(&mut self, event: &Event) {
        if let Event::VerificationLocked { wait } = event {
            self.locked_for = *wait;
        }
        self.person.notice(event);
    }
}

struct Here {
    chooser: Chooser,
    pin: PinEntry,
}

impl Environment for Here {
    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'_, ()> {
        Box::pin(sleep_until(deadline.into()))
    }

    fn choose<'a>(&'a self, accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(async move { (self.chooser)(accounts) })
    }

    fn pin<'a>(&'a self, question: &'a PinQuestion) -> BoxFuture<'a, PinAnswer> {
        Box::pin(async move { (self.pin)(question) })
    }
}

#[cfg(test)]
mod tests {
    use towline_authenticator::ResetTime;

    use super::*;
    use crate::Agreeable;

    #[tokio::test]
    async fn the_authenticator_learns_how_a_request_came() {
        use Transport::{Hybrid, Usb};
        for (transports, status) in [([Usb, Hybrid], 0x00), ([Hybrid, Usb], 0x27)] {
            let mut config = Config::phone();
            config.identity.transports = transports.to_vec();
            config.reset.when = ResetTime::Always;
            config.reset.transports = Some(vec![Usb]);
            let provider = towline_crypto::rustcrypto::provider();
            let mut device = LocalAuthenticator::in_memory(config, provider, Agreeable).unwrap();
            assert_eq!(device.transact(&[0x07]).await, [status]);
        }
    }
}
