//! The radio and the way to the relay, as a phone or the computer has them, and what can be seen of
//! what they carry.

use std::sync::Arc;

use serde_json::json;
use towline::{
    hybrid::{Target, tunnel::ConnectFailure},
    radio::{Advertisement, Advertiser, BoxFuture, RadioError, air::AirRadio},
    transport::{Connected, Connector, DataChannel, Incoming, TunnelConnector},
};

use crate::board::{AIR, Board, Place, RELAY};

/// A radio of the simulated air whose adverts are seen.
pub(crate) struct SeenRadio {
    pub(crate) radio: AirRadio,
    pub(crate) whose: Place,
    pub(crate) board: Board,
}

impl Advertiser for SeenRadio {
    fn advertise<'a>(
        &'a self,
        service_data: &[u8],
    ) -> BoxFuture<'a, Result<Box<dyn Advertisement>, RadioError>> {
        self.board.mark("advert", false);
        let detail = json!({ "bytes": service_data.len(), "hex": hex(service_data) });
        self.board.travels(self.whose, AIR, "advert", detail);
        self.board.change(|scene| scene.advert = service_data.to_vec());
        self.radio.advertise(service_data)
    }

    fn description(&self) -> String {
        self.radio.description()
    }
}

/// The way to the relay, on which sizes and times are seen, as the relay sees them.
pub(crate) struct SeenWay {
    pub(crate) way: TunnelConnector,
    pub(crate) whose: Place,
    pub(crate) board: Board,
}

impl Connector for SeenWay {
    fn connect(&self, target: Target) -> BoxFuture<'static, Result<Connected, ConnectFailure>> {
        let (what, silent) = match &target {
            Target::New { .. } => ("new", false),
            Target::Connect { .. } => ("connect", false),
            Target::Contact { .. } => ("contact", false),
            // Phones listen all the time.
            _ => ("listen", true),
        };
        let (connecting, whose, board) = (self.way.connect(target), self.whose, self.board.clone());
        Box::pin(async move {
            if !silent {
                board.travels(whose, RELAY, "tunnel", json!({ "what": what }));
            }
            let connected = connecting.await;
            if let Err(error) = &connected
                && !silent
            {
                let detail = json!({ "what": what, "why": error.to_string() });
                board.travels(RELAY, whose, "tunnel-refused", detail);
            }
            let Connected { channel, opened } = connected?;
            board.mark("tunnel", false);
            let seen = SeenChannel { channel, whose, board, silent, sent: 0 };
            Ok(Connected { channel: Box::new(seen), opened })
        })
    }
}

struct SeenChannel {
    channel: Box<dyn DataChannel>,
    whose: Place,
    board: Board,
    silent: bool,
    sent: u32,
}

impl DataChannel for SeenChannel {
    fn send(&mut self, message: Vec<u8>) {
        if !self.silent {
            // Each side's first message is its half of the handshake.
            let part = if self.sent == 0 { "handshake" } else { "sealed" };
            self.sent = self.sent.saturating_add(1);
            if part == "handshake" {
                self.board.mark("handshake", false);
            }
            let shown = message.get(..message.len().min(24)).unwrap_or_default();
            let detail = json!({ "bytes": message.len(), "part": part, "hex": hex(shown) });
            self.board.travels(self.whose, RELAY, "frame", detail);
        }
        self.channel.send(message);
    }

    fn next(&mut self) -> BoxFuture<'_, Incoming> {
        self.channel.next()
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.channel.close()
    }
}

/// What both ends need of the network.
pub(crate) fn way(way: &TunnelConnector, whose: Place, board: &Board) -> Arc<dyn Connector> {
    Arc::new(SeenWay { way: way.clone(), whose, board: board.clone() })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
