//! Computers that are broken, by name.

use std::sync::Arc;

use towline::{
    crypto::CryptoProvider,
    hybrid::qr::{ChannelKind, QrPayload},
    radio::{BoxFuture, RadioError, Scan, Scanner, Sighting},
    transport::{ConnectFailure, Connected, Connector, Target},
};

use crate::spoiled::{
    Deed::{Alter, Close, Repeat, Swallow},
    Knob,
    Moment::{Received, Sent},
    Spoil, Spoiled,
};

/// How a computer is broken ([`FakeComputer::breaks`](crate::FakeComputer::breaks)). What a phone
/// makes of each is in the crate's test `broken_computers`.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokenComputer {
    /// The last digit of the code is missing.
    CodeDamaged,
    /// The code says that it was made an hour earlier.
    CodeOld,
    /// The code offers Bluetooth channels alone.
    CodeOffersBluetooth,
    /// The key in the code is another computer's.
    WrongKey,
    /// No advert is heard.
    NeverHears,
    /// The tunnel service is not reached.
    NoTunnel,
    /// The connection is lost before the handshake.
    ClosesBeforeMessage1,
    /// The connection is lost after the computer's handshake message.
    ClosesAfterMessage1,
    /// One bit of the computer's handshake message is another.
    HandshakeAltered,
    /// The connection is lost when the phone has said what it is.
    ClosesBeforeRequest,
    /// The computer connects, and asks for nothing.
    NeverAsks,
    /// One bit of the encrypted request is another.
    RequestAltered,
    /// The same encrypted request comes twice.
    AsksTwice,
    /// The connection is lost after the request.
    ClosesAfterRequest,
}

impl BrokenComputer {
    /// What goes wrong on the computer's connection. Its messages are: 1 handshake, 2 request;
    /// those of the phone: so many `earlier`, 1 handshake, 2 what it is.
    const fn spoil(self, earlier: usize) -> Option<Spoil> {
        Some(match self {
            Self::ClosesBeforeMessage1 => Spoil(Close, Received(0)),
            Self::ClosesAfterMessage1 => Spoil(Close, Sent(1)),
            Self::HandshakeAltered => Spoil(Alter, Sent(1)),
            Self::ClosesBeforeRequest => Spoil(Close, Received(earlier.saturating_add(2))),
            Self::NeverAsks => Spoil(Swallow, Sent(2)),
            Self::RequestAltered => Spoil(Alter, Sent(2)),
            Self::AsksTwice => Spoil(Repeat, Sent(2)),
            Self::ClosesAfterRequest => Spoil(Close, Sent(2)),
            _ => return None,
        })
    }

    /// The code that this computer shows in the place of its own.
    pub(super) fn code(self, code: &str, provider: &CryptoProvider) -> String {
        let mut digits = code.to_owned();
        let Ok(mut payload) = QrPayload::from_uri(provider, code) else { return digits };
        match self {
            Self::CodeDamaged => {
                digits.pop();
                return digits;
            }
            Self::CodeOld => {
                payload.timestamp = payload.timestamp.map(|made| made.saturating_sub(60 * 60));
            }
            Self::CodeOffersBluetooth => {
                payload.channels = Some(vec![ChannelKind::L2cap.number()]);
            }
            Self::WrongKey => match provider.ecdh.generate(&*provider.random) {
                Ok(other) => payload.public_key = *other.public_key(),
                Err(_) => return digits,
            },
            _ => return digits,
        }
        payload.to_uri()
    }
}

/// A radio that hears nothing where the knob says so.
pub(super) struct Ears {
    pub(super) inner: Arc<dyn Scanner>,
    pub(super) broken: Knob<BrokenComputer>,
}

impl Scanner for Ears {
    fn scan(&self) -> BoxFuture<'_, Result<Box<dyn Scan>, RadioError>> {
        if self.broken.get() == Some(BrokenComputer::NeverHears) {
            return Box::pin(async { Ok::<Box<dyn Scan>, _>(Box::new(Deaf)) });
        }
        self.inner.scan()
    }

    fn description(&self) -> String {
        self.inner.description()
    }
}

struct Deaf;

impl Scan for Deaf {
    fn next(&mut self) -> BoxFuture<'_, Result<Sighting, RadioError>> {
        Box::pin(std::future::pending())
    }
}

/// The way to tunnel services, broken as the knob says.
pub(super) struct Network {
    pub(super) inner: Arc<dyn Connector>,
    pub(super) broken: Knob<BrokenComputer>,
}

impl Connector for Network {
    fn connect(&self, target: Target) -> BoxFuture<'static, Result<Connected, ConnectFailure>> {
        // A phone that is rung says that it comes, before all else.
        let earlier = usize::from(matches!(target, Target::Contact { .. }));
        let (broken, connecting) = (self.broken.get(), self.inner.connect(target));
        Box::pin(async move {
            if broken == Some(BrokenComputer::NoTunnel) {
                return Err(ConnectFailure::Network("no route to the tunnel service".to_owned()));
            }
            let mut connected = connecting.await?;
            if let Some(spoil) = broken.and_then(|broken| broken.spoil(earlier)) {
                connected.channel = Box::new(Spoiled::new(connected.channel, spoil, None));
            }
            Ok(connected)
        })
    }
}
