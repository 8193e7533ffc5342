//! The browser on the computer, as far as passkeys go: the dialog that a person sees when a site
//! asks for one, and the ways to authenticators behind it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::Notify;
use towline::{
    Computer, ComputerError,
    client::{Caller, Client, Error as ClientError, Origin, Reach, SignalKind},
    crypto::CryptoProvider,
    hybrid::{
        Error as HybridError,
        link::{LinkedPhone, MemoryPhoneLinks, PhoneLinks as _},
    },
    radio::air::AirRadio,
    transport::TransportError,
};
use towline_virtual_server::{Signal, page::Message};

use crate::{
    board::{Board, COMPUTER, OutcomeView, SITE},
    built_in::{BuiltIn, Here},
    desk::{Asked, Desk, Reply, Way},
    devices::DeviceId,
    screen::Dialog,
    timing::Stopwatch,
};

/// The computer with all that passkeys can be on or come from.
pub(crate) struct Browser {
    pub(crate) board: Board,
    pub(crate) desk: Desk,
    pub(crate) client: Client,
    pub(crate) provider: CryptoProvider,
    pub(crate) computer: Computer,
    pub(crate) links: Arc<MemoryPhoneLinks>,
    pub(crate) radio: AirRadio,
    pub(crate) laptop: BuiltIn,
    pub(crate) key: BuiltIn,
    /// One ceremony at a time.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Another ceremony takes the place of the one that is under way.
    pub(crate) newer: Notify,
    /// The person presses "cancel".
    pub(crate) cancel: Notify,
    /// By which device the ceremony that succeeded last went, until the site says what it thinks;
    /// for a sign-in, as long as nobody signs in by the password.
    pub(crate) went: Mutex<Option<(DeviceId, &'static str)>>,
}

/// Why a page gets nothing: the name of an exception, and a sentence.
pub(crate) struct Exception {
    pub(crate) name: &'static str,
    pub(crate) message: String,
}

impl From<ClientError> for Exception {
    fn from(error: ClientError) -> Self {
        Self { name: error.name(), message: error.to_string() }
    }
}

impl Browser {
    /// Does what a page of this origin asks for, and gives JSON.
    pub(crate) async fn answer(&self, origin: &str, message: Message) -> Result<String, Exception> {
        match message {
            // The frame plays the part of a window of its own: whose page is around it does not
            // count.
            Message::Create { options, .. } => self.ceremony("create", origin, &options).await,
            Message::Get { options, .. } => self.ceremony("get", origin, &options).await,
            Message::Signal { options, .. } => {
                self.signalled(origin, &options)?;
                Ok("null".into())
            }
            Message::Capabilities { .. } => Ok(self.capabilities().to_string()),
            _ => Ok("null".into()),
        }
    }

    /// What pages are told that is possible here: without Bluetooth there are no phones.
    fn capabilities(&self) -> Value {
        let info = self.laptop.manager().info();
        let reach = Reach {
            hybrid: self.board.look(|scene| scene.switches.bluetooth),
            related_origins: false,
            signals: true,
            platform: info.as_ref(),
        };
        let mut known = json!(self.client.capabilities(&reach));
        // The dialog does not offer passkeys in the field for the name.
        if let Some(known) = known.as_object_mut() {
            known.insert("conditionalGet".into(), false.into());
        }
        known
    }

    /// What a site says about its passkeys reaches those that are kept on this computer.
    fn signalled(&self, origin: &str, signal: &Signal) -> Result<(), ClientError> {
        let kind = match signal {
            Signal::UnknownCredential { .. } => SignalKind::UnknownCredential,
            Signal::AllAcceptedCredentials { .. } => SignalKind::AllAcceptedCredentials,
            Signal::CurrentUserDetails { .. } => SignalKind::CurrentUserDetails,
            _ => return Ok(()),
        };
        let json = serde_json::to_value(signal).unwrap_or_default();
        let before = self.laptop.passkeys().len();
        self.laptop.manager().signal(origin, kind, &json.to_string())?;
        if self.laptop.passkeys().len() < before {
            self.board.travels(SITE, COMPUTER, "signal", json!({ "members": json }));
        }
        self.board.passkeys(DeviceId::Laptop, || self.laptop.manager().passkeys());
        Ok(())
    }

    async fn ceremony(
        &self,
        ceremony: &'static str,
        origin: &str,
        options: &Value,
    ) -> Result<String, Exception> {
        let aborted = || Exception::from(ClientError::Aborted);
        self.newer.notify_waiters();
        let newer = self.newer.notified();
        let _turn = self.turn.lock().await;
        let showing = Showing(&self.board);
        let site = options
            .pointer(if ceremony == "create" { "/rp/id" } else { "/rpId" })
            .and_then(Value::as_str)
            .unwrap_or(origin)
            .to_owned();
        self.board.change(|scene| {
            scene.browser.ceremony = Some(ceremony);
            scene.browser.site = site;
            scene.browser.outcome = None;
            scene.browser.said.clear();
            scene.answered = None;
            scene.stopwatch = Some(Stopwatch::start(ceremony));
        });
        self.board.travels(SITE, COMPUTER, ceremony, json!({ "members": options }));
        if ceremony == "create" {
            self.board.done(1);
        }
        let result = tokio::select! {
            result = self.carry_out(ceremony, origin, options) => result,
            () = newer => return Err(aborted()),
        };
        drop(showing);
        self.board.mark("page", false);
        match &result {
            Ok(response) => {
                let members = told_site(response);
                self.board.travels(COMPUTER, SITE, "response", json!({ "members": members }));
            }
            Err((outcome, exception)) => {
                let detail = json!({ "name": exception.name, "why": exception.message });
                self.board.travels(COMPUTER, SITE, "nothing", detail);
                if outcome.code == "excluded" {
                    self.board.done(8);
                    if let Some(device) = self.board.look(|scene| scene.answered) {
                        self.has_passkey(device);
                    }
                }
                let outcome = outcome.clone();
                self.board.change(|scene| {
                    scene.browser.outcome = Some(outcome);
                    scene.stopwatch = None;
                });
            }
        }
        result.map_err(|(_, exception)| exception)
    }

    async fn carry_out(
        &self,
        ceremony: &'static str,
        origin: &str,
        options: &Value,
    ) -> Result<String, (OutcomeView, Exception)> {
        let failed = |error: ClientError| (outcome(&error), error.into());
        let caller = Caller::from(Origin::parse(origin).map_err(failed)?);
        let json = options.to_string();
        let Some((way, linked)) = self.way(ceremony, options).await else {
            return Err(failed(ClientError::Cancelled));
        };
        if ceremony == "create" {
            self.board.done(2);
        }
        let name = match (way, linked) {
            (Way::Phone, None) => "code",
            (Way::Phone, Some(_)) => "link",
            (Way::Laptop, _) => "laptop",
            (Way::Key, _) => "key",
        };
        self.board.change(|scene| {
            if let Some(watch) = &mut scene.stopwatch {
                watch.takes(name);
            }
            scene.browser.step = Some((name, String::new()));
        });
        let device = match way {
            Way::Phone => return self.by_phone(ceremony, origin, &json, linked).await,
            Way::Laptop => &self.laptop,
            Way::Key => &self.key,
        };
        let here = Here { desk: &self.desk, cancel: &self.cancel };
        let result = device.ceremony(ceremony, &caller, &json, &here).await.map_err(failed)?;
        let id = if way == Way::Laptop { DeviceId::Laptop } else { DeviceId::Key };
        self.went_by(id, name);
        Ok(result)
    }

    async fn by_phone(
        &self,
        ceremony: &'static str,
        origin: &str,
        json: &str,
        linked: Option<usize>,
    ) -> Result<String, (OutcomeView, Exception)> {
        let dialog = Dialog {
            board: &self.board,
            desk: &self.desk,
            cancel: &self.cancel,
            provider: &self.provider,
            linked,
            code: Mutex::new(None),
        };
        let result = if ceremony == "create" {
            self.computer.create(&dialog, origin, json).await
        } else {
            self.computer.get(&dialog, origin, json).await
        };
        self.phones();
        // A phone that was rung in vain scans a code in the end.
        let by_code = self.board.look(|scene| {
            let timed = scene.stopwatch.as_ref().map(|watch| watch.timed().clone());
            timed.is_some_and(|timed| timed.steps.iter().any(|step| step.step == "code"))
        });
        let name = if by_code { "code" } else { "link" };
        self.board.change(|scene| {
            if let Some(watch) = &mut scene.stopwatch {
                watch.takes(name);
            }
        });
        match result {
            Ok(response) => {
                let served = self.board.look(|scene| scene.answered);
                self.went_by(served.unwrap_or(DeviceId::PhoneA), name);
                Ok(response)
            }
            Err(error) => {
                let exception = Exception { name: error.name(), message: error.to_string() };
                Err((of_computer(&error), exception))
            }
        }
    }

    fn went_by(&self, device: DeviceId, way: &'static str) {
        let went = Some((device, way));
        *self.went.lock().unwrap_or_else(PoisonError::into_inner) = went;
    }

    /// A phone or the tablet has a passkey for the site: just saved, or found to be there already.
    pub(crate) fn has_passkey(&self, device: DeviceId) {
        let with_it: &[_] = match device {
            DeviceId::PhoneB | DeviceId::Tablet => &[DeviceId::PhoneB, DeviceId::Tablet],
            _ => &[device],
        };
        for id in with_it {
            self.board.device(*id, |view| view.unknown = false);
        }
        match device {
            DeviceId::PhoneA => self.remembered(),
            // The tour goes on with this one: a passkey on the other is a good one, and no step.
            DeviceId::PhoneB | DeviceId::Tablet => self.board.done(4),
            _ => {}
        }
    }

    /// Phone A has a passkey. Where the computer remembers it as well, a step is done.
    pub(crate) fn remembered(&self) {
        let links = self.links.all().unwrap_or_default();
        if links.iter().any(|link| link.display_name() == DeviceId::PhoneA.own_name()) {
            self.board.done(5);
        }
    }

    /// Shows the phones that may be asked without a code.
    fn phones(&self) -> Vec<String> {
        let all = self.links.all().unwrap_or_default();
        let names: Vec<String> = all.iter().map(LinkedPhone::display_name).collect();
        self.board.change(|scene| scene.browser.phones.clone_from(&names));
        names
    }

    /// Lets the person choose, where there is something to choose from.
    async fn way(&self, ceremony: &'static str, options: &Value) -> Option<(Way, Option<usize>)> {
        let phones = self.phones();
        let hint = options.pointer("/hints/0").and_then(Value::as_str);
        let ways = match (ceremony, hint) {
            ("create", Some("client-device")) => return Some((Way::Laptop, None)),
            ("create", Some("security-key")) => return Some((Way::Key, None)),
            ("create", Some("hybrid")) if phones.is_empty() => return Some((Way::Phone, None)),
            ("create", Some("hybrid")) => vec![Way::Phone],
            _ => vec![Way::Laptop, Way::Phone, Way::Key],
        };
        let mut posted = self.desk.post(DeviceId::Browser, Asked::Way { phones, ways });
        tokio::select! {
            reply = posted.reply() => match reply {
                Reply::Way(way) => Some((way, None)),
                Reply::Linked(phone) => Some((Way::Phone, Some(phone))),
                _ => None,
            },
            () = self.cancel.notified() => None,
        }
    }
}

/// The dialog, as long as it is open.
struct Showing<'a>(&'a Board);

impl Drop for Showing<'_> {
    fn drop(&mut self) {
        self.0.change(|scene| {
            let browser = &mut scene.browser;
            (browser.ceremony, browser.code, browser.step) = (None, None, None);
        });
    }
}

/// The response for the site, with its client data in plain.
fn told_site(response: &str) -> Value {
    use towline_virtual_server::Base64Url;
    let mut told: Value = serde_json::from_str(response).unwrap_or_default();
    if let Some(data) = told.pointer_mut("/response/clientDataJSON")
        && let Some(text) = data.as_str()
        && let Ok(bytes) = serde_json::from_value::<Base64Url>(json!(text))
        && let Ok(plain) = serde_json::from_slice::<Value>(&bytes.0)
    {
        *data = plain;
    }
    told
}

fn outcome(error: &ClientError) -> OutcomeView {
    use towline::ctap::Status;
    let code = match error {
        ClientError::AlreadyRegistered => "excluded",
        ClientError::NoCredentials => "no-passkey",
        ClientError::Cancelled | ClientError::Aborted => "cancelled",
        ClientError::VerificationLocked { .. } => "locked",
        ClientError::TimedOut(_) => "timeout",
        ClientError::Refused(Status::OperationDenied) => "refused",
        _ => "failed",
    };
    OutcomeView { code, detail: error.to_string() }
}

fn of_computer(error: &ComputerError) -> OutcomeView {
    let code = match error {
        ComputerError::Client(error) => return outcome(error),
        ComputerError::Transport(TransportError::Radio(_)) => "bluetooth-off",
        ComputerError::Transport(TransportError::Hybrid(error)) => match error {
            HybridError::Tunnel(_) => "relay-gone",
            HybridError::TimedOut { .. } => "timeout",
            HybridError::Cancelled => "cancelled",
            HybridError::Closed { .. } => "closed",
            _ => "failed",
        },
        _ => "failed",
    };
    OutcomeView { code, detail: error.to_string() }
}
