//! Phones that answer codes. They live by the clock of the wall, and need a runtime of tokio.

use std::sync::Arc;

use towline_virtual_phone::{
    read_png,
    towline::{
        PhoneStep,
        hybrid::{ResponderProgress, qr::QrPayload},
    },
};

use super::{Session, Shared, lock};
use crate::{
    BadMember, Breakage, Exchange, PhoneEnding, PhoneId, PhoneOptions, PhoneState, Questions,
    ServiceError, StoredCredential, SwitchChange, Switches, What, attendant,
    phone::{RunningPhone, build},
};

/// Where what happens to a phone is told.
#[derive(Clone)]
pub(super) struct Teller {
    session: std::sync::Weak<Shared>,
}

impl Teller {
    pub(super) fn tell(&self, what: What) {
        if let Some(shared) = self.session.upgrade() {
            let session = Session(shared);
            let _ended_meanwhile = session.with(|state, _| {
                session.tell(state, what);
                Ok(())
            });
        }
    }
}

impl Session {
    pub(super) fn teller(&self) -> Teller {
        Teller { session: Arc::downgrade(&self.0) }
    }

    /// A new phone. Where the service was given no [`Vicinity`](crate::Vicinity), only the
    /// [screens](Self::show) of the service are near.
    ///
    /// # Errors
    /// [`ServiceError::Member`] for options that can't be used, [`ServiceError::Full`],
    /// [`ServiceError::UnknownAuthenticator`], [`ServiceError::NoRelay`].
    pub async fn add_phone(&self, mut options: PhoneOptions) -> Result<PhoneId, ServiceError> {
        let world = &self.0.world;
        let shared = options.synced_with.as_ref();
        let shared =
            shared.map(|id| self.with(|state, _| Ok(state.authenticator(id)?.device.synced_set())));
        let shared = shared.transpose()?;
        let transport = world.meeting.phones().await?;
        let id = PhoneId::random(&world.provider)?;
        let (stepping, asking, ending) = (self.teller(), self.teller(), self.teller());
        let (step_id, ask_id, end_id) = (id.clone(), id.clone(), id.clone());
        let mut asked = Vec::new();
        let watch = move |step: PhoneStep<'_>| {
            if let Some(what) = step_of(&step_id, step, &mut asked) {
                stepping.tell(what);
            }
        };
        let left_open = Arc::new(move |asked: &towline_virtual::person::Asked| {
            let question = asked.to_string();
            asking.tell(What::PhoneQuestionOpened { phone_id: ask_id.clone(), question });
        });
        let built = build(
            &mut options,
            shared,
            transport,
            &world.provider,
            &world.limits,
            watch,
            left_open,
        )?;
        let ended = Box::new(move |ending_of: &PhoneEnding| {
            ending.tell(What::PhoneEnded { phone_id: end_id.clone(), ending: ending_of.clone() });
        });
        self.with(|state, world| {
            let mut phones = lock(&self.0.phones);
            let most = world.limits.phones;
            if phones.len() >= most {
                return Err(ServiceError::Full { what: "phones in this session", most });
            }
            let phone = RunningPhone::start(id.clone(), options, built, ended);
            phones.push((id.clone(), Arc::new(phone)));
            drop(phones);
            self.tell(state, What::PhoneAdded { phone_id: id.clone() });
            Ok(id)
        })
    }

    /// Removes a phone; what it does ends at once.
    ///
    /// # Errors
    /// [`ServiceError::UnknownPhone`].
    pub fn remove_phone(&self, id: &PhoneId) -> Result<(), ServiceError> {
        let _there = self.running(id)?;
        let mut phones = lock(&self.0.phones);
        phones.retain(|(known, _)| known != id);
        drop(phones);
        self.with(|state, _| {
            self.tell(state, What::PhoneRemoved { phone_id: id.clone() });
            Ok(())
        })
    }

    /// The phones, in the order in which they came.
    ///
    /// # Errors
    /// [`ServiceError::UnknownSession`] where it has ended.
    pub fn phones(&self) -> Result<Vec<PhoneState>, ServiceError> {
        self.with(|_, _| Ok(()))?;
        let phones = lock(&self.0.phones).clone();
        Ok(phones.iter().map(|(_, phone)| phone.state()).collect())
    }

    /// A phone, as it is now.
    ///
    /// # Errors
    /// [`ServiceError::UnknownPhone`].
    pub fn phone(&self, id: &PhoneId) -> Result<PhoneState, ServiceError> {
        Ok(self.running(id)?.state())
    }

    /// Its passkeys, oldest first.
    ///
    /// # Errors
    /// [`ServiceError::UnknownPhone`].
    pub fn phone_credentials(&self, id: &PhoneId) -> Result<Vec<StoredCredential>, ServiceError> {
        let passkeys = self.running(id)?.passkeys().passkeys();
        Ok(passkeys.iter().filter_map(StoredCredential::of).collect())
    }

    /// Points its camera at a code of this text. What comes of it, [`Self::phone_connected`] tells.
    ///
    /// # Errors
    /// [`ServiceError::Member`] for a text that is no passkey code, [`ServiceError::Busy`],
    /// [`ServiceError::UnknownPhone`].
    pub fn scan(&self, id: &PhoneId, code: &str) -> Result<(), ServiceError> {
        let phone = self.running(id)?;
        let read = QrPayload::from_uri(&self.0.world.provider, code.trim());
        read.map_err(|error| BadMember::new("code", error.to_string()))?;
        phone.scan(code.trim().to_owned()).map(|_| ())
    }

    /// The same with a picture of the code, also a whole screenshot: the bytes of a PNG.
    ///
    /// # Errors
    /// As [`Self::scan`]; [`ServiceError::Member`] for a picture without exactly one passkey code.
    pub async fn scan_png(&self, id: &PhoneId, png: Vec<u8>) -> Result<(), ServiceError> {
        let bad = |message: String| BadMember::new("picture", message);
        // It takes a while, on a thread where nobody else waits for it.
        let read = tokio::task::spawn_blocking(move || read_png(&png)).await;
        let read = read.map_err(|_| bad("the picture can't be read".to_owned()))?;
        self.scan(id, &read.map_err(|error| bad(error.to_string()))?)
    }

    /// Waits until what was begun last is over, and gives how its connection ended; `None` where it
    /// was none, or the phone was removed. Whoever drops this has ended nothing.
    ///
    /// # Errors
    /// [`ServiceError::UnknownPhone`].
    pub async fn phone_connected(&self, id: &PhoneId) -> Result<Option<PhoneEnding>, ServiceError> {
        let finished = {
            let phone = self.running(id)?;
            phone.finished(phone.begun())
        };
        Ok(finished.await)
    }

    /// Puts the phone away: the connection that it has ends.
    ///
    /// # Errors
    /// [`ServiceError::UnknownPhone`].
    pub fn give_up(&self, id: &PhoneId) -> Result<(), ServiceError> {
        self.running(id)?.give_up();
        Ok(())
    }

    /// From the next code or ring on the phone is broken so, or works.
    ///
    /// # Errors
    /// [`ServiceError::Member`], [`ServiceError::UnknownPhone`].
    pub fn break_phone(&self, id: &PhoneId, how: Option<Breakage>) -> Result<(), ServiceError> {
        let flaw = how.map(|how| how.to_phone().map(|flaw| (how, flaw))).transpose()?;
        self.running(id)?.breaks(flaw);
        Ok(())
    }

    /// Lets computers that remember the phone ring it from now on, or not any more. Without a
    /// relay that is reached it is not so yet when this returns.
    ///
    /// # Errors
    /// [`ServiceError::UnknownPhone`].
    pub async fn listen(&self, id: &PhoneId, on: bool) -> Result<(), ServiceError> {
        let listens = {
            let phone = self.running(id)?;
            phone.listen(on);
            phone.listens(on)
        };
        let _not_yet = tokio::time::timeout(LISTENING, listens).await;
        Ok(())
    }

    /// Erases the phone, as its person can: no passkeys, and another phone to all computers.
    ///
    /// # Errors
    /// [`ServiceError::Busy`], [`ServiceError::UnknownPhone`].
    pub async fn wipe(&self, id: &PhoneId) -> Result<(), ServiceError> {
        let finished = {
            let phone = self.running(id)?;
            phone.finished(phone.wipe()?)
        };
        let _nothing_failed = finished.await;
        Ok(())
    }

    /// Changes the switches of the phone's person; the others stay.
    ///
    /// # Errors
    /// [`ServiceError::UnknownPhone`].
    pub fn set_phone_switches(
        &self,
        id: &PhoneId,
        change: SwitchChange,
    ) -> Result<Switches, ServiceError> {
        Ok(self.running(id)?.attendant.change(change))
    }

    /// As [`Self::script_person`], for who holds the phone.
    ///
    /// # Errors
    /// [`ServiceError::Member`], [`ServiceError::UnknownPhone`].
    pub fn script_phone(&self, id: &PhoneId, rules: &str) -> Result<usize, ServiceError> {
        let rules = attendant::script(rules, self.0.world.limits.script_length)?;
        self.running(id)?.attendant.script(rules.as_ref());
        Ok(rules.as_ref().map_or(0, towline_virtual::person::Rules::len))
    }

    /// As [`Self::questions`], of who holds the phone.
    ///
    /// # Errors
    /// [`ServiceError::UnknownPhone`].
    pub fn phone_questions(&self, id: &PhoneId) -> Result<Questions, ServiceError> {
        Ok(self.running(id)?.attendant.questions())
    }

    /// As [`Self::answer`], for who holds the phone.
    ///
    /// # Errors
    /// [`ServiceError::Member`], [`ServiceError::UnknownPhone`].
    pub fn answer_phone(&self, id: &PhoneId, reply: &str) -> Result<usize, ServiceError> {
        let reply = attendant::reply(reply)?;
        Ok(self.running(id)?.attendant.answer(&reply)?)
    }

    fn running(&self, id: &PhoneId) -> Result<Arc<RunningPhone>, ServiceError> {
        let phones = lock(&self.0.phones);
        let found = phones.iter().find(|(known, _)| known == id);
        let found = found.map(|(_, phone)| phone.clone());
        found.ok_or_else(|| ServiceError::UnknownPhone(id.to_string()))
    }
}

/// How long a phone may take until it listens.
const LISTENING: std::time::Duration = std::time::Duration::from_secs(5);

/// What is told of a step on the way to a computer. `asked` is the request that was not answered
/// yet.
fn step_of(id: &PhoneId, step: PhoneStep<'_>, asked: &mut Vec<u8>) -> Option<What> {
    let phone_id = id.clone();
    let says = |step, message: String| What::PhoneStep { phone_id: id.clone(), step, message };
    Some(match step {
        PhoneStep::Asked(request) => {
            *asked = request.to_vec();
            What::PhoneRequest { phone_id, request: Exchange::request(request) }
        }
        PhoneStep::Answered { response, .. } => {
            What::PhoneResponse { phone_id, response: Exchange::response(asked, response) }
        }
        PhoneStep::Advertising(radio) => {
            says("advertising", format!("It shows the computer that it is near, by {radio}."))
        }
        PhoneStep::Progress(ResponderProgress::Connecting) => {
            says("connecting", "It connects to the relay.".to_owned())
        }
        PhoneStep::Progress(ResponderProgress::Connected) => {
            says("connected", "The computer has heard it, and is connected.".to_owned())
        }
        // Requests, answers and adverts are told with what is in them.
        _ => return None,
    })
}
