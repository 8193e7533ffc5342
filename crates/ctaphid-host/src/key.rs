//! One key as a channel to an authenticator.

use std::{
    fmt,
    future::pending,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::{sleep_until, timeout};
use towline_client::{BoxFuture, Channel, ChannelError, U2fBridge, U2fOutput};
use towline_crypto::CryptoProvider;
use towline_ctap::{
    Status, Transport,
    hid::{
        Capabilities, HidCommand, HidError, Host, HostFailure, HostOutput, InitResponse,
        KeepaliveStatus, Report, SendError,
    },
};

use crate::Wire;

/// authenticatorGetInfo (CTAP 2.3 §6.4).
const GET_INFO: u8 = 0x04;

/// How long the answer to a request is waited for that was called off.
const LAST_WORD: Duration = Duration::from_secs(3);

/// Why a key does not answer. It prints as a sentence for the person.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum HidFailure {
    /// The way to the key broke.
    #[error("the security key is gone ({0}); plug it in and start again")]
    Gone(#[from] io::Error),
    /// Another program uses the key.
    #[error("another program is using the security key; finish there, and start again")]
    Busy,
    /// The key, or what stands in for it, broke the protocol, or said nothing.
    #[error("{0}; pull the security key out, plug it in, and start again")]
    Key(HostFailure),
    /// The request can't be sent.
    #[error("{0}")]
    Unsendable(#[from] SendError),
    /// There is no randomness.
    #[error("this machine has no random numbers now; start again")]
    NoRandomness,
}

impl From<HostFailure> for HidFailure {
    fn from(failure: HostFailure) -> Self {
        match failure {
            HostFailure::Device(HidError::ChannelBusy) => Self::Busy,
            other => Self::Key(other),
        }
    }
}

/// A security key behind a [`Wire`], for the ceremonies of `towline-client`.
pub struct KeyChannel {
    wire: Box<dyn Wire>,
    provider: CryptoProvider,
    host: Host,
    opened: Option<InitResponse>,
    touch: Arc<dyn Fn() + Send + Sync>,
    /// Whether the person was told to touch it, for this request.
    told: bool,
    /// Whether a request was sent whose answer was not waited for.
    waits: bool,
}

/// What a step on the wire came to.
enum Came {
    Opened,
    Message(Vec<u8>),
    Nothing,
}

impl KeyChannel {
    /// The key at the other end of this wire.
    #[must_use]
    pub fn new(wire: Box<dyn Wire>, provider: CryptoProvider) -> Self {
        Self {
            wire,
            provider,
            host: Host::new(),
            opened: None,
            touch: Arc::new(|| {}),
            told: false,
            waits: false,
        }
    }

    /// The same, which calls this when the key waits to be touched, once for each request.
    #[must_use]
    pub fn with_touch(self, touch: impl Fn() + Send + Sync + 'static) -> Self {
        Self { touch: Arc::new(touch), ..self }
    }

    /// Asks for a channel, if there is none.
    async fn open(&mut self) -> Result<InitResponse, HidFailure> {
        if let Some(opened) = self.opened {
            return Ok(opened);
        }
        let mut nonce = [0; 8];
        self.provider.random.fill(&mut nonce).map_err(|_| HidFailure::NoRandomness)?;
        self.host.open(nonce, Instant::now());
        loop {
            if let (Came::Opened, Some(opened)) = (self.step().await?, self.opened) {
                return Ok(opened);
            }
        }
    }

    /// Carries out one request of CTAPHID.
    async fn exchange(
        &mut self,
        command: HidCommand,
        message: &[u8],
    ) -> Result<Vec<u8>, HidFailure> {
        self.open().await?;
        self.host.send(command, message, Instant::now())?;
        self.waits = true;
        loop {
            match self.step().await {
                Ok(Came::Message(message)) => {
                    self.waits = false;
                    return Ok(message);
                }
                Ok(Came::Opened | Came::Nothing) => {}
                Err(failure) => {
                    self.waits = false;
                    return Err(failure);
                }
            }
        }
    }

    /// Sends what there is to be sent, and takes one more report. Cancel-safe.
    async fn step(&mut self) -> Result<Came, HidFailure> {
        loop {
            let output = match self.host.poll_output() {
                None => break,
                Some(HostOutput::Send(report)) => Some(report),
                Some(HostOutput::Opened(opened)) => {
                    self.opened = Some(opened);
                    return Ok(Came::Opened);
                }
                Some(HostOutput::Message { message, .. }) => {
                    return Ok(Came::Message(message.to_vec()));
                }
                Some(HostOutput::Failed(failure)) => return Err(failure.into()),
                Some(HostOutput::Keepalive(status)) => {
                    if status == KeepaliveStatus::UpNeeded {
                        self.tell();
                    }
                    None
                }
            };
            if let Some(report) = output {
                self.wire.send(&report).await?;
            }
        }
        let deadline = self.host.poll_timeout();
        let late = async {
            match deadline {
                Some(deadline) => sleep_until(deadline.into()).await,
                None => pending().await,
            }
        };
        let report: Option<Report> = tokio::select! {
            report = self.wire.receive() => Some(report?),
            () = late => None,
        };
        match report {
            Some(report) => self.host.handle_packet(&report, Instant::now()),
            None => self.host.handle_timeout(Instant::now()),
        }
        Ok(Came::Nothing)
    }

    fn tell(&mut self) {
        if !self.told {
            self.told = true;
            (self.touch)();
        }
    }

    fn speaks_ctap2(&self) -> bool {
        self.opened.is_some_and(|opened| opened.capabilities.contains(Capabilities::CBOR))
    }

    /// A request of CTAP2, as messages of CTAP1.
    async fn transact_u2f(&mut self, request: &[u8]) -> Result<Vec<u8>, HidFailure> {
        let mut bridge = U2fBridge::new(self.provider.clone());
        bridge.handle_request(request);
        loop {
            match bridge.poll_output() {
                Some(U2fOutput::Response(response)) => return Ok(response),
                Some(U2fOutput::Apdu(apdu)) => {
                    let answer = self.exchange(HidCommand::Msg, &apdu).await?;
                    bridge.handle_answer(&answer, Instant::now());
                }
                None => {
                    // It is asked again and again whether it was touched.
                    let Some(again) = bridge.poll_timeout() else {
                        return Ok(vec![Status::Other.to_u8()]);
                    };
                    self.tell();
                    sleep_until(again.into()).await;
                    bridge.handle_timeout(Instant::now());
                }
            }
        }
    }

    async fn say_no_more(&mut self) -> Result<(), HidFailure> {
        self.host.cancel();
        while self.waits {
            if let Came::Message(_) = self.step().await? {
                self.waits = false;
            }
        }
        Ok(())
    }
}

impl Channel for KeyChannel {
    fn transport(&self) -> Transport {
        Transport::Usb
    }

    fn connect(&mut self) -> BoxFuture<'_, Result<(), ChannelError>> {
        Box::pin(async move { self.open().await.map(drop).map_err(ChannelError::failed) })
    }

    fn get_info(&mut self) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move {
            self.open().await.map_err(ChannelError::failed)?;
            if !self.speaks_ctap2() {
                return Ok(U2fBridge::info());
            }
            let answer = self.exchange(HidCommand::Cbor, &[GET_INFO]).await;
            let answer = answer.map_err(ChannelError::failed)?;
            match answer.split_first() {
                Some((&status, info)) if status == Status::Ok.to_u8() => Ok(info.to_vec()),
                _ => Err(ChannelError::failed("the security key does not say what it is")),
            }
        })
    }

    fn transact(&mut self, request: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move {
            self.told = false;
            self.open().await.map_err(ChannelError::failed)?;
            let response = if self.speaks_ctap2() {
                self.exchange(HidCommand::Cbor, &request).await
            } else {
                self.transact_u2f(&request).await
            };
            response.map_err(ChannelError::failed)
        })
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            // Whoever called it off does not mind how it ended.
            match timeout(LAST_WORD, self.say_no_more()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a request that was called off"),
                Err(_) => tracing::debug!("a request that was called off is still under way"),
            }
        })
    }
}

impl fmt::Debug for KeyChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyChannel").field("opened", &self.opened).finish_non_exhaustive()
    }
}
