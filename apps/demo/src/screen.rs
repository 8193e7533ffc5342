//! The screen of the computer, while a phone is asked.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::Notify;
use towline::{
    ComputerStep, Screen,
    client::{Account, BoxFuture},
    crypto::CryptoProvider,
    hybrid::{InitiatorProgress, internal::eid::EidKey, qr::QrPayload},
};

use crate::{
    board::{Board, COMPUTER, Code, Place},
    built_in::choose,
    desk::Desk,
    wires::hex,
};

/// Shows the way to a phone in the browser's dialog.
pub(crate) struct Dialog<'a> {
    pub(crate) board: &'a Board,
    pub(crate) desk: &'a Desk,
    pub(crate) cancel: &'a Notify,
    pub(crate) provider: &'a CryptoProvider,
    /// The linked phone that the person chose, if they chose one.
    pub(crate) linked: Option<usize>,
    /// The code that is, or was, on show.
    pub(crate) code: Mutex<Option<String>>,
}

impl Dialog<'_> {
    fn step(&self, code: &'static str, of: &str) {
        self.board.change(|scene| scene.browser.step = Some((code, of.to_owned())));
    }

    fn said(&self, code: &'static str, of: &str) {
        self.board.change(|scene| scene.browser.said.push((code, of.to_owned())));
    }

    fn shows(&self, text: &str) {
        *self.code.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.to_owned());
        self.board.mark("code", false);
        let detail = self.explained(text);
        self.board.travels(COMPUTER, Place::Other("screen"), "code", detail);
        self.board.change(|scene| {
            let number = scene.browser.code.as_ref().map_or(0, |code| code.number);
            let (number, text) = (number.saturating_add(1), text.to_owned());
            scene.browser.code = Some(Code { number, text });
            scene.browser.step = Some(("code", String::new()));
        });
    }

    /// What the code says, key by key. Its secret is good for this code only.
    fn explained(&self, text: &str) -> Value {
        let Ok(payload) = QrPayload::from_uri(self.provider, text) else { return json!({}) };
        json!({
            "text": text,
            "members": {
                "0 publicKey": hex(&payload.public_key.compressed()),
                // Whoever knows it can act as the phone while the code is on show.
                "1 secret": "••••",
                "2 knownDomains": payload.known_domains,
                "3 timestamp": payload.timestamp,
                "4 linking": payload.linking,
                "5 hint": payload.hint,
            },
        })
    }

    /// What the advert says to whoever has read the code.
    fn heard(&self) -> Option<Value> {
        let code = self.code.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let payload = QrPayload::from_uri(self.provider, &code).ok()?;
        let key = EidKey::qr(self.provider, &payload.secret).ok()?.prepare(self.provider);
        let advert = self.board.look(|scene| scene.advert.clone());
        let read = key.open_qr(&advert).ok()?;
        let plain = read.eid.expose();
        Some(json!({
            "members": {
                "nonce": hex(plain.get(1..11).unwrap_or_default()),
                "routingId": hex(plain.get(11..14).unwrap_or_default()),
                "tunnelDomain": hex(plain.get(14..16).unwrap_or_default()),
            },
        }))
    }

    fn progress(&self, progress: &InitiatorProgress) {
        match progress {
            InitiatorProgress::WaitingForScan | InitiatorProgress::Closing => {}
            InitiatorProgress::Ringing => self.step("ringing", ""),
            InitiatorProgress::PhoneComing => self.step("coming", ""),
            InitiatorProgress::Near => {
                self.board.mark("near", false);
                self.board.travels(
                    Place::Other("air"),
                    COMPUTER,
                    "heard",
                    self.heard().unwrap_or_else(|| json!({})),
                );
                self.step("near", "");
            }
            InitiatorProgress::Connecting => self.step("connecting", ""),
            InitiatorProgress::Handshaking => self.step("handshake", ""),
            InitiatorProgress::Authenticated => {
                self.board.mark("handshake", false);
                self.step("secured", "");
            }
            InitiatorProgress::WaitingForPhone => self.step("on-phone", ""),
            InitiatorProgress::AttemptFailed(error) => self.said("attempt", &error.to_string()),
            _ => {}
        }
    }
}

impl Screen for Dialog<'_> {
    fn show(&self, step: ComputerStep<'_>) {
        match step {
            ComputerStep::ShowCode(code) => self.shows(code),
            ComputerStep::HideCode => self.board.change(|scene| scene.browser.code = None),
            ComputerStep::Ringing(name) => {
                self.step("ringing", name);
            }
            ComputerStep::NotReached(name, error) => {
                let detail = json!({ "why": error.to_string() });
                self.board.travels(Place::Other("relay"), COMPUTER, "not-reached", detail);
                self.said("not-reached", name);
            }
            ComputerStep::Remembered(name) => {
                self.board.travels(Place::Other("phone"), COMPUTER, "linked", json!({}));
                self.said("remembered", name);
            }
            ComputerStep::Forgotten(name) => {
                self.board.travels(Place::Other("relay"), COMPUTER, "gone", json!({}));
                self.board.done(12);
                self.said("forgotten", name);
            }
            ComputerStep::Progress(progress) => self.progress(progress),
            _ => {}
        }
    }

    fn choose<'a>(&'a self, accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(choose(self.desk, accounts))
    }

    fn choose_phone<'a>(&'a self, _: &'a [String]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(std::future::ready(self.linked))
    }

    fn cancelled(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.cancel.notified())
    }
}
