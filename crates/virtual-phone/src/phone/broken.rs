//! Phones that are broken, by name.

use std::{
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{runtime::Handle, sync::watch, time::sleep};
use towline::{
    PhoneTransport,
    radio::{Advertisement, Advertiser, BoxFuture, RadioError},
    transport::{ConnectFailure, Connected, Connector, Target},
};

use crate::spoiled::{
    Deed::{Alter, Close, Repeat, Swallow},
    Knob,
    Moment::{OnAir, Received, Sent},
    Spoil, Spoiled, lock,
};

/// How long an advert stays on the air whose phone has gone: some intervals.
const AFTERGLOW: Duration = Duration::from_millis(300);

/// How a phone is broken ([`FakePhone::breaks`](crate::FakePhone::breaks)). What a computer makes
/// of each is in the crate's test `broken_phones`.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokenPhone {
    /// The radio fails, which the phone notices itself.
    RadioOff,
    /// The advert reaches nobody.
    AdvertLost,
    /// The advert comes so much later.
    AdvertLate(Duration),
    /// The advert is that of a phone which answers somebody else's code.
    AdvertForeign,
    /// One bit of the advert is another.
    AdvertAltered,
    /// The advert is that of the phone's session before; in its first there is none.
    AdvertReplayed,
    /// The tunnel service is not reached, so that the phone never advertises.
    NoTunnel,
    /// The connection to the relay is lost while the advert is on the air.
    ClosesOnAir,
    /// The connection is lost when the computer's handshake message comes.
    ClosesAtMessage1,
    /// The connection is lost after the phone's handshake message.
    ClosesAfterMessage2,
    /// The connection is lost when the phone has said what it is.
    ClosesAfterHandshake,
    /// The connection is lost when the request has come.
    ClosesAfterRequest,
    /// One bit of the phone's handshake message is another.
    HandshakeAltered,
    /// The handshake is made for the key of another computer. Where the phone is rung it changes
    /// nothing.
    WrongKey,
    /// What the phone says of itself is not CBOR.
    InfoNonsense,
    /// The request is taken, and never answered.
    NeverAnswers,
    /// One bit of the encrypted answer is another.
    AnswerAltered,
    /// The same encrypted answer comes twice.
    AnswersTwice,
    /// Whether the person lets the computer remember the phone is said so long after the answer.
    LinkLate(Duration),
}

impl BrokenPhone {
    /// What goes wrong on the phone's connection. Its messages are: 1 handshake, 2 what it is, then
    /// updates and answers; those of the computer 1 handshake, 2 request.
    const fn spoil(self) -> Option<Spoil> {
        Some(match self {
            Self::ClosesOnAir => Spoil(Close, OnAir),
            Self::ClosesAtMessage1 => Spoil(Close, Received(1)),
            Self::ClosesAfterMessage2 => Spoil(Close, Sent(1)),
            Self::ClosesAfterHandshake => Spoil(Close, Sent(2)),
            Self::ClosesAfterRequest => Spoil(Close, Received(2)),
            Self::HandshakeAltered => Spoil(Alter, Sent(1)),
            Self::NeverAnswers => Spoil(Swallow, Received(2)),
            Self::AnswerAltered => Spoil(Alter, Received(2)),
            Self::AnswersTwice => Spoil(Repeat, Received(2)),
            _ => return None,
        })
    }
}

/// The same way to computers, broken as the knob says.
pub(super) fn breakable(to: PhoneTransport, knob: &Knob<BrokenPhone>) -> PhoneTransport {
    let on_air = watch::Sender::new(());
    let advertiser = Arc::new(Radio {
        inner: to.advertiser,
        broken: knob.clone(),
        before: Mutex::default(),
        on_air: on_air.clone(),
    });
    let connector = Arc::new(Network { inner: to.connector, broken: knob.clone(), on_air });
    PhoneTransport { advertiser, connector, domain: to.domain }
}

struct Radio {
    inner: Arc<dyn Advertiser>,
    broken: Knob<BrokenPhone>,
    /// The advert of the session before.
    before: Mutex<Vec<u8>>,
    on_air: watch::Sender<()>,
}

impl Advertiser for Radio {
    fn advertise<'a>(
        &'a self,
        service_data: &[u8],
    ) -> BoxFuture<'a, Result<Box<dyn Advertisement>, RadioError>> {
        let mut advert = service_data.to_vec();
        Box::pin(async move {
            let before = mem::replace(&mut *lock(&self.before), advert.clone());
            let broken = self.broken.get();
            match broken {
                Some(BrokenPhone::RadioOff) => return Err(RadioError::Off),
                Some(BrokenPhone::AdvertLate(so_much)) => sleep(so_much).await,
                Some(BrokenPhone::AdvertForeign) => {
                    advert.iter_mut().for_each(|byte| *byte ^= 0xff)
                }
                Some(BrokenPhone::AdvertAltered) => {
                    if let Some(first) = advert.first_mut() {
                        *first ^= 1;
                    }
                }
                Some(BrokenPhone::AdvertReplayed) => advert = before,
                _ => {}
            }
            if broken == Some(BrokenPhone::AdvertLost) || advert.is_empty() {
                return Ok::<Box<dyn Advertisement>, _>(Box::new(Unheard));
            }
            let on = self.inner.advertise(&advert).await?;
            if broken != Some(BrokenPhone::ClosesOnAir) {
                return Ok(on);
            }
            self.on_air.send_replace(());
            Ok(Box::new(Glowing(Some(on))))
        })
    }

    fn description(&self) -> String {
        self.inner.description()
    }
}

/// An advert that reaches nobody.
struct Unheard;

impl Advertisement for Unheard {
    fn stopped(&mut self) -> BoxFuture<'_, RadioError> {
        Box::pin(std::future::pending())
    }
}

/// An advert that is still heard when its phone has gone.
struct Glowing(Option<Box<dyn Advertisement>>);

impl Advertisement for Glowing {
    fn stopped(&mut self) -> BoxFuture<'_, RadioError> {
        match &mut self.0 {
            Some(on) => on.stopped(),
            None => Box::pin(std::future::pending()),
        }
    }
}

impl Drop for Glowing {
    fn drop(&mut self) {
        if let (Some(on), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(async move {
                sleep(AFTERGLOW).await;
                drop(on);
            });
        }
    }
}

struct Network {
    inner: Arc<dyn Connector>,
    broken: Knob<BrokenPhone>,
    on_air: watch::Sender<()>,
}

impl Connector for Network {
    fn connect(&self, target: Target) -> BoxFuture<'static, Result<Connected, ConnectFailure>> {
        // A phone that listens is not broken there: only its sessions are.
        let listens = matches!(target, Target::Listen { .. });
        let broken = self.broken.get().filter(|_| !listens);
        let (connecting, on_air) = (self.inner.connect(target), self.on_air.subscribe());
        Box::pin(async move {
            if broken == Some(BrokenPhone::NoTunnel) {
                return Err(ConnectFailure::Network("no route to the tunnel service".to_owned()));
            }
            let mut connected = connecting.await?;
            if let Some(spoil) = broken.and_then(BrokenPhone::spoil) {
                connected.channel = Box::new(Spoiled::new(connected.channel, spoil, Some(on_air)));
            }
            Ok(connected)
        })
    }
}
