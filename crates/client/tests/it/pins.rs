//! PINs: the client and the authenticator of this project, and keys that are odd.

use std::collections::VecDeque;

use serde_json::{Value, json};
use towline_authenticator::{Answer, BuiltInVerification, Config, PinUvAuthProtocol, Question};
use towline_client::{
    CeremonyOutput, CeremonyToken, Create, Error, Get, Misbehaviour, Pin, PinAnswer, PinChange,
    PinError, PinProblem, PinQuestion, PinReason, PinRules,
};
use towline_crypto::rustcrypto;
use towline_ctap::{
    ClientPinRequest, ClientPinResponse, Flags, GetInfo, Request, Status, Transport, Version,
};
use towline_testkit::rig::{HOME, Rig, agreeable};

use crate::scripted::*;

pub(crate) const PIN: &str = "correct horse";

/// A key in the same process, and the person who touches it.
pub(crate) struct Key {
    pub(crate) rig: Rig,
    pub(crate) requests: Vec<Vec<u8>>,
    /// What getInfo says instead of the truth.
    told: Option<GetInfo>,
}

impl Key {
    pub(crate) fn new(config: Config) -> Self {
        let mut key = Self { rig: Rig::new(config), requests: Vec::new(), told: None };
        key.rig.transport = Some(Transport::Usb);
        key.rig.power_up();
        // getInfo, and with it the store is read.
        key.transact(&[4]);
        key.requests.clear();
        key
    }

    /// What the sensor says of the person, one time after the other; then it knows them.
    fn sensor_says(&mut self, said: &[bool]) {
        let mut said = VecDeque::from(said.to_vec());
        self.rig.person(move |question| match question {
            Question::VerifyUser { .. } if said.pop_front() == Some(false) => {
                Some(Answer::NotVerified)
            }
            question => agreeable(question),
        });
    }

    /// A key whose PIN is [`PIN`].
    pub(crate) fn with_pin(config: Config) -> Self {
        let mut key = Self::new(config);
        key.set(None, PIN).unwrap();
        key.requests.clear();
        key
    }

    pub(crate) fn set(&mut self, present: Option<&str>, new: &str) -> Result<(), PinError> {
        let info = self.says();
        let present = present.map(Pin::new);
        let mut change = PinChange::new(&info, present, Pin::new(new), &rustcrypto::provider())?;
        let mut next = Some(change.request());
        while let Some(request) = next {
            next = change.handle_response(&self.transact(&request))?;
        }
        Ok(())
    }

    pub(crate) fn info(&mut self) -> GetInfo {
        self.told.clone().unwrap_or_else(|| self.says())
    }

    /// What it says of itself.
    fn says(&mut self) -> GetInfo {
        let info = GetInfo::decode(&self.transact(&[4])).unwrap();
        self.requests.pop();
        info
    }

    /// Says something of itself that is not so.
    pub(crate) fn telling(mut self, change: impl Fn(&mut GetInfo)) -> Self {
        let mut info = self.info();
        change(&mut info);
        self.told = Some(info);
        self
    }

    pub(crate) fn transact(&mut self, request: &[u8]) -> Vec<u8> {
        self.requests.push(request.to_vec());
        self.rig.send(HOME, request);
        self.rig.response()
    }

    /// The subcommands of authenticatorClientPIN that were sent, and 0x01 and 0x02 of the others
    /// with 0x100 added.
    fn commands(&self) -> Vec<u32> {
        let command = |bytes: &Vec<u8>| match Request::decode(bytes, usize::MAX).unwrap() {
            Request::ClientPin(request) => request.subcommand().into(),
            _ => 0x100 + u32::from(bytes[0]),
        };
        self.requests.iter().map(command).collect()
    }
}

/// Either machine.
enum Machine {
    Create(Box<Create>),
    Get(Box<Get>),
}

impl Machine {
    fn create(options: &Value) -> Self {
        Self::Create(Box::new(start_create(options).unwrap()))
    }

    fn get(options: &Value) -> Self {
        Self::Get(Box::new(start_get(options).unwrap()))
    }

    fn info(&mut self, info: &[u8], transport: &Transport) {
        match self {
            Self::Create(create) => create.handle_info(info, transport),
            Self::Get(get) => get.handle_info(info, transport),
        }
    }

    fn poll(&mut self) -> Option<CeremonyOutput> {
        match self {
            Self::Create(create) => create.poll_output(),
            Self::Get(get) => get.poll_output(),
        }
    }

    fn response(&mut self, response: &[u8]) {
        match self {
            Self::Create(create) => create.handle_response(response),
            Self::Get(get) => get.handle_response(response),
        }
    }

    fn pin(&mut self, token: CeremonyToken, answer: PinAnswer) {
        match self {
            Self::Create(create) => create.handle_pin(token, answer),
            Self::Get(get) => get.handle_pin(token, answer),
        }
    }

    /// Runs it at this key; the person types these, one after the other, and then calls it off.
    fn run(mut self, key: &mut Key, typed: &[&str]) -> (Vec<PinQuestion>, Result<Value, Error>) {
        self.info(&key.info().to_cbor(), &Transport::Usb);
        let (mut typed, mut questions) = (typed.iter(), Vec::new());
        loop {
            match self.poll() {
                Some(CeremonyOutput::Request(request)) => {
                    let response = key.transact(&request);
                    self.response(&response);
                }
                Some(CeremonyOutput::AskPin { token, question }) => {
                    questions.push(question);
                    let pin = typed.next().map(|pin| PinAnswer::Pin(Pin::new(pin)));
                    self.pin(token, pin.unwrap_or(PinAnswer::Cancel));
                }
                Some(CeremonyOutput::NotRecognised { .. }) => {}
                output => return (questions, finished(output)),
            }
        }
    }
}

fn creating(user_verification: &str) -> Value {
    with(creation(), "authenticatorSelection", json!({"userVerification": user_verification}))
}

fn getting(user_verification: &str) -> Value {
    with(request(), "userVerification", json!(user_verification))
}

fn verified(response: &Value) -> bool {
    let data = unb64(&response["response"]["authenticatorData"]);
    towline_ctap::AuthenticatorData::decode(&data).unwrap().flags.contains(Flags::UV)
}

fn present(tries_left: Option<u64>, problem: Option<PinProblem>) -> PinQuestion {
    PinQuestion::Present { tries_left, reason: PinReason::Verification, problem }
}

fn new(change: bool, problem: Option<PinProblem>) -> PinQuestion {
    let rules = PinRules { min_length: 4, max_length: 63, complexity: false };
    PinQuestion::New { rules, change, problem }
}

/// Registers at this key with the PIN, discoverable and verified, and gives the credential's id.
fn registered(key: &mut Key) -> Value {
    let mut options = creating("required");
    options["authenticatorSelection"]["residentKey"] = json!("required");
    let (questions, result) = Machine::create(&options).run(key, &[PIN]);
    assert_eq!(questions.len(), 1);
    let registration = result.unwrap();
    assert!(verified(&registration));
    registration["id"].clone()
}

#[test]
fn a_key_with_a_pin_registers_and_signs_in_by_either_protocol() {
    for protocols in [
        vec![PinUvAuthProtocol::Two, PinUvAuthProtocol::One],
        vec![PinUvAuthProtocol::One, PinUvAuthProtocol::Two],
        vec![PinUvAuthProtocol::One],
        vec![PinUvAuthProtocol::Two],
    ] {
        let mut config = Config::security_key();
        config.identity.versions = vec![Version::Fido2_0, Version::Fido2_1];
        config.tokens.pin_uv_auth_protocols = protocols;
        let mut key = Key::with_pin(config);
        let id = registered(&mut key);
        assert_eq!(key.commands(), [0x01, 0x02, 0x09, 0x101]);
        key.requests.clear();
        for wanted in ["required", "preferred"] {
            let (questions, result) = Machine::get(&getting(wanted)).run(&mut key, &[PIN]);
            assert_eq!(questions, [present(Some(8), None)]);
            let assertion = result.unwrap();
            assert!(assertion["id"] == id && verified(&assertion));
        }
        // Nobody is asked for a PIN that is not wanted.
        let listing = with(
            getting("discouraged"),
            "allowCredentials",
            json!([{"type": "public-key", "id": id}]),
        );
        let (questions, result) = Machine::get(&listing).run(&mut key, &[]);
        assert!(questions.is_empty() && !verified(&result.unwrap()));
        let (questions, result) = Machine::create(&creating("discouraged")).run(&mut key, &[]);
        assert!(questions.is_empty() && !verified(&result.unwrap()));
    }
}

#[test]
fn a_key_of_ctap_2_0_gives_a_token_without_permissions() {
    let older = |info: &mut GetInfo| {
        info.versions = vec![Version::Fido2_0];
        info.options.pin_uv_auth_token = None;
        info.options.make_cred_uv_not_rqd = None;
        info.min_pin_length = None;
        info.max_pin_length = None;
        info.pin_uv_auth_protocols = Some(vec![1]);
    };
    let mut key = Key::with_pin(Config::security_key()).telling(older);
    registered(&mut key);
    assert_eq!(key.commands(), [0x01, 0x02, 0x05, 0x101]);
    let (_, result) = Machine::get(&getting("required")).run(&mut key, &[PIN]);
    assert!(verified(&result.unwrap()));
    // Such a key insists, whatever the site wants.
    let (questions, result) = Machine::create(&creating("discouraged")).run(&mut key, &[PIN]);
    assert!(questions.len() == 1 && verified(&result.unwrap()));
    // The first of them said nothing of protocols.
    let mut key = key.telling(|info| info.pin_uv_auth_protocols = None);
    let (_, result) = Machine::get(&getting("required")).run(&mut key, &[PIN]);
    assert!(verified(&result.unwrap()));
}

#[test]
fn a_wrong_pin_is_told_with_the_tries_that_are_left() {
    let mut key = Key::with_pin(Config::security_key());
    registered(&mut key);
    let (questions, result) =
        Machine::get(&getting("required")).run(&mut key, &["wrong", "wrong again", PIN]);
    let wrong = Some(PinProblem::Wrong);
    assert_eq!(
        questions,
        [present(Some(8), None), present(Some(7), wrong), present(Some(6), wrong)]
    );
    assert!(verified(&result.unwrap()));
    assert!(questions[2].to_string().contains("6 tries left"), "{}", questions[2]);
    // The right one has freed all tries.
    let (questions, _) = Machine::get(&getting("required")).run(&mut key, &[]);
    assert_eq!(questions, [present(Some(8), None)]);
}

#[test]
fn three_wrong_pins_want_a_new_start_and_eight_a_reset() {
    let mut key = Key::with_pin(Config::security_key());
    registered(&mut key);
    let wrong = ["wrong"; 9];
    let refused = |key: &mut Key| Machine::get(&getting("required")).run(key, &wrong);
    let (questions, result) = refused(&mut key);
    assert_eq!((questions.len(), result), (3, Err(Error::Refused(Status::PinAuthBlocked))));
    // Now nobody types for nothing.
    let (questions, result) = refused(&mut key);
    assert_eq!((questions.len(), result), (0, Err(Error::Refused(Status::PinAuthBlocked))));
    for left in [3, 2] {
        key.rig.power_up();
        let (questions, result) = refused(&mut key);
        let status = if left == 3 { Status::PinAuthBlocked } else { Status::PinBlocked };
        assert_eq!((questions.len(), result), (left, Err(Error::Refused(status))));
    }
    let (questions, result) = refused(&mut key);
    let error = result.unwrap_err();
    assert_eq!((questions.len(), error.name()), (0, "NotAllowedError"));
    assert_eq!(error, Error::Refused(Status::PinBlocked));
    let (questions, result) = Machine::create(&creating("required")).run(&mut key, &[PIN]);
    assert_eq!((questions.len(), result), (0, Err(Error::Refused(Status::PinBlocked))));
}

#[test]
fn what_can_not_be_a_pin_costs_no_try() {
    let mut key = Key::with_pin(Config::security_key());
    registered(&mut key);
    let long = "1".repeat(64);
    let (questions, result) =
        Machine::get(&getting("required")).run(&mut key, &["", "123", &long, PIN]);
    let problems =
        [None, Some(PinProblem::TooShort), Some(PinProblem::TooShort), Some(PinProblem::TooLong)];
    assert_eq!(questions, problems.map(|problem| present(Some(8), problem)));
    assert!(verified(&result.unwrap()));
}

#[test]
fn a_site_that_requires_verification_has_a_pin_set_on_a_key_without() {
    let mut key = Key::new(Config::security_key());
    let long = "\u{e9}".repeat(32);
    let typed = ["123", "\u{1f600}\u{1f600}\u{1f600}", &long, PIN];
    let (questions, result) = Machine::create(&creating("required")).run(&mut key, &typed);
    let problems =
        [None, Some(PinProblem::TooShort), Some(PinProblem::TooShort), Some(PinProblem::TooLong)];
    assert_eq!(questions, problems.map(|problem| new(false, problem)));
    assert!(verified(&result.unwrap()));
    assert_eq!(key.commands(), [0x02, 0x03, 0x02, 0x09, 0x101]);
    assert_eq!(key.says().options.client_pin, Some(true));
    registered(&mut key);

    // Where it is only preferred, or somebody signs in, no PIN is made.
    let mut key = Key::new(Config::security_key());
    let (questions, result) = Machine::create(&creating("preferred")).run(&mut key, &[PIN]);
    assert!(questions.is_empty() && !verified(&result.unwrap()));
    let (questions, result) = Machine::get(&getting("required")).run(&mut key, &[PIN]);
    assert_eq!((questions.len(), result), (0, Err(Error::CannotSignInVerified)));
}

#[test]
fn a_pin_that_has_to_be_changed_is_changed_first() {
    let mut key = Key::with_pin(Config::security_key());
    registered(&mut key);
    key.requests.clear();
    let mut key = key.telling(|info| info.force_pin_change = Some(true));
    let typed = [PIN, "12", "another", "not it", "another"];
    let (questions, result) = Machine::get(&getting("required")).run(&mut key, &typed[..3]);
    assert_eq!(
        questions,
        [present(Some(8), None), new(true, None), new(true, Some(PinProblem::TooShort))]
    );
    assert!(verified(&result.unwrap()));
    assert_eq!(key.commands(), [0x01, 0x02, 0x04, 0x02, 0x09, 0x102]);

    // A present PIN that is wrong shows when it is changed.
    let (questions, result) =
        Machine::get(&getting("required")).run(&mut key, &["wrong", "third", "another", "third"]);
    let again = present(Some(7), Some(PinProblem::Wrong));
    assert_eq!(questions, [present(Some(8), None), new(true, None), again, new(true, None)]);
    assert!(verified(&result.unwrap()));
    assert_eq!(key.set(Some("third"), PIN), Ok(()));
}

#[test]
fn a_pin_is_the_same_from_every_keyboard() {
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    let mut key = Key::new(Config::security_key());
    key.set(None, decomposed).unwrap();
    for typed in [composed, decomposed] {
        let (questions, result) = Machine::create(&creating("required")).run(&mut key, &[typed]);
        assert!(questions.len() == 1 && verified(&result.unwrap()));
    }
    assert_eq!(Pin::new(composed), Pin::new(decomposed));
    assert_eq!(format!("{:?}", Pin::new(PIN)), "Pin(..)");
    // Three code points, though four were typed.
    let rules = PinRules { min_length: 4, max_length: 63, complexity: false };
    assert_eq!(rules.check(&Pin::new("abe\u{301}")), Err(PinProblem::TooShort));
    assert_eq!(rules.check(&Pin::new(&"\u{e9}".repeat(32))), Err(PinProblem::TooLong));
    assert_eq!(rules.check(&Pin::new(&"1".repeat(63))), Ok(()));
}

#[test]
fn a_key_that_always_verifies_gets_the_pin_whatever_the_site_wants() {
    let mut config = Config::security_key();
    config.verification.always_uv = true;
    config.verification.make_cred_uv_not_rqd = false;
    config.identity.versions.retain(|version| *version != Version::U2fV2);
    let mut key = Key::new(config.clone());
    let (questions, result) = Machine::create(&creating("discouraged")).run(&mut key, &[PIN]);
    assert_eq!(questions, [new(false, None)]);
    let id = result.unwrap()["id"].clone();
    let listing =
        with(getting("discouraged"), "allowCredentials", json!([{"type": "public-key", "id": id}]));
    let (questions, result) = Machine::get(&listing).run(&mut key, &[PIN]);
    assert_eq!(questions, [present(Some(8), None)]);
    assert!(verified(&result.unwrap()));

    // It did not say so.
    let mut key = key.telling(|info| info.options.always_uv = None);
    let (questions, result) = Machine::get(&listing).run(&mut key, &[PIN]);
    assert!(questions.len() == 1 && verified(&result.unwrap()));
}

#[test]
fn a_long_list_is_searched_with_the_token_and_no_passkey_is_replaced() {
    let mut config = Config::security_key();
    config.limits.max_credential_count_in_list = 2;
    let mut key = Key::with_pin(config);
    let mut options = creating("required");
    options["authenticatorSelection"]["residentKey"] = json!("required");
    options["extensions"] = json!({"credentialProtectionPolicy": "userVerificationRequired"});
    let (_, result) = Machine::create(&options).run(&mut key, &[PIN]);
    let id = unb64(&result.unwrap()["id"]);
    for place in 0..5 {
        let mut list: Vec<Value> = (1..5).map(|n| listed(&[n; 32])).collect();
        list.insert(place, listed(&id));
        let again = with(options.clone(), "excludeCredentials", json!(list));
        let (questions, result) = Machine::create(&again).run(&mut key, &[PIN]);
        assert_eq!((questions.len(), result), (1, Err(Error::AlreadyRegistered)), "{place}");
        let listing = with(getting("required"), "allowCredentials", json!(list));
        let (_, result) = Machine::get(&listing).run(&mut key, &[PIN]);
        assert_eq!(result.unwrap()["id"], b64(&id), "{place}");
    }
    let (_, result) = Machine::get(&getting("required")).run(&mut key, &[PIN]);
    assert_eq!(result.unwrap()["id"], b64(&id), "it is there still");
}

/// A key with a sensor, which knows the person.
fn sensor(attempts: u8) -> Config {
    let mut verification = BuiltInVerification::fingerprints();
    verification.configured = true;
    verification.platform_attempts = Some(attempts);
    let mut config = Config::security_key();
    config.verification.built_in = Some(verification);
    config
}

#[test]
fn built_in_verification_buys_a_token_and_the_pin_is_asked_for_where_it_fails() {
    let mut key = Key::with_pin(sensor(3));
    let mut options = creating("required");
    options["authenticatorSelection"]["residentKey"] = json!("required");
    let (questions, result) = Machine::create(&options).run(&mut key, &[]);
    assert!(questions.is_empty() && verified(&result.unwrap()));
    assert_eq!(key.commands(), [0x02, 0x06, 0x101]);

    key.requests.clear();
    key.sensor_says(&[false, true]);
    let (questions, result) = Machine::get(&getting("required")).run(&mut key, &[]);
    assert!(questions.is_empty() && verified(&result.unwrap()));
    assert_eq!(key.commands(), [0x02, 0x06, 0x07, 0x02, 0x06, 0x102]);

    key.sensor_says(&[false; 3]);
    let (questions, result) = Machine::get(&getting("required")).run(&mut key, &[PIN]);
    let reason = PinReason::NotRecognised;
    assert_eq!(questions, [PinQuestion::Present { tries_left: Some(8), reason, problem: None }]);
    assert!(verified(&result.unwrap()));

    key.sensor_says(&[false; 9]);
    for reason in [PinReason::NotRecognised, PinReason::BuiltInBlocked, PinReason::BuiltInBlocked] {
        let (questions, result) = Machine::get(&getting("required")).run(&mut key, &[]);
        assert!(
            matches!(questions[..], [PinQuestion::Present { reason: told, .. }] if told == reason)
        );
        assert_eq!(result, Err(Error::Cancelled));
    }
    // The right PIN frees it.
    let (_, result) = Machine::get(&getting("required")).run(&mut key, &[PIN]);
    assert!(verified(&result.unwrap()));
    key.sensor_says(&[]);
    let (questions, result) = Machine::get(&getting("required")).run(&mut key, &[]);
    assert!(questions.is_empty() && verified(&result.unwrap()));
}

#[test]
fn verification_that_a_request_says_is_blocked_or_invalid_gives_way_to_the_pin() {
    // It verifies by itself, and gives no tokens for that.
    let info = told(|info| {
        info.options.uv = Some(true);
        info.options.rk = Some(true);
        info.options.pin_uv_auth_token = None;
    });
    for (status, reason) in [
        (0x36, PinReason::NotRecognised),
        (0x3c, PinReason::BuiltInBlocked),
        (0x3f, PinReason::NotRecognised),
    ] {
        for mut machine in [Machine::create(&creation()), Machine::get(&request())] {
            machine.info(&info.to_cbor(), &Transport::Usb);
            sent(machine.poll());
            machine.response(&[status]);
            sent(machine.poll());
            machine.response(&pin_response(|response| response.pin_retries = Some(8)));
            let Some(CeremonyOutput::AskPin { question, .. }) = machine.poll() else {
                panic!("{status}")
            };
            let tries_left = Some(8);
            assert_eq!(question, PinQuestion::Present { tries_left, reason, problem: None });
        }
    }
}

#[test]
fn a_sensor_that_does_not_count_its_tries_for_others_is_tried_again() {
    let info = told(|info| {
        info.options.uv = Some(true);
        info.preferred_platform_uv_attempts = Some(3);
    });
    let own = rustcrypto::provider();
    let own = own.ecdh.generate(&*own.random).unwrap();
    let good = pin_response(|response| response.key_agreement = Some(own.public_key().into()));
    for (status, next) in [(0x01, None), (0x3e, None), (0x2b, None), (0x3c, Some(0x01))] {
        let mut get = start_get(&getting("required")).unwrap();
        get.handle_info(&info.to_cbor(), &Transport::Usb);
        for response in [&good[..], &[0x3f], &[status]] {
            sent(get.poll_output());
            get.handle_response(response);
        }
        let mut output = get.poll_output();
        if next.is_none() {
            assert_eq!(
                output,
                Some(CeremonyOutput::NotRecognised { tries_left: None }),
                "{status}"
            );
            output = get.poll_output();
        }
        let Ok(Request::ClientPin(request)) = Request::decode(&sent(output), 1024) else {
            panic!()
        };
        assert_eq!(request.subcommand(), next.unwrap_or(0x02), "{status}");
    }
}

#[test]
fn without_a_pin_verification_that_fails_is_refused() {
    let mut key = Key::new(sensor(1));
    key.sensor_says(&[false; 9]);
    let (questions, result) = Machine::create(&creating("required")).run(&mut key, &[PIN]);
    assert!(questions.is_empty());
    assert_eq!(result.unwrap_err().name(), "NotAllowedError");
}

#[test]
fn a_person_calls_it_off_at_any_question() {
    let mut key = Key::with_pin(Config::security_key());
    for machine in [Machine::create(&creating("required")), Machine::get(&getting("required"))] {
        let (questions, result) = machine.run(&mut key, &[]);
        let error = result.unwrap_err();
        assert_eq!(
            (questions.len(), &error, error.name()),
            (1, &Error::Cancelled, "NotAllowedError")
        );
    }
    let mut fresh = Key::new(Config::security_key());
    let (questions, result) = Machine::create(&creating("required")).run(&mut fresh, &[]);
    assert_eq!((questions.len(), result), (1, Err(Error::Cancelled)));
    assert!(fresh.requests.is_empty(), "nothing is sent before a new PIN was typed");

    // By the other ways out, with the question open.
    for end in 0..3 {
        let mut get = start_get(&getting("required")).unwrap();
        get.handle_info(&key.info().to_cbor(), &Transport::Usb);
        let retries = key.transact(&sent(get.poll_output()));
        get.handle_response(&retries);
        let Some(CeremonyOutput::AskPin { token, .. }) = get.poll_output() else { panic!() };
        match end {
            0 => get.handle_cancel(),
            1 => get.handle_abort(),
            _ => get.handle_timeout(get.poll_timeout().unwrap()),
        }
        assert!(finished(get.poll_output()).is_err());
        get.handle_pin(token, PinAnswer::Pin(Pin::new(PIN)));
        assert_eq!(get.poll_output(), None);

        let mut create = start_create(&creating("required")).unwrap();
        create.handle_info(&Key::new(Config::security_key()).info().to_cbor(), &Transport::Usb);
        let Some(CeremonyOutput::AskPin { token, .. }) = create.poll_output() else { panic!() };
        match end {
            0 => create.handle_cancel(),
            1 => create.handle_abort(),
            _ => create.handle_timeout(create.poll_timeout().unwrap()),
        }
        assert!(finished(create.poll_output()).is_err());
        create.handle_pin(token, PinAnswer::Pin(Pin::new(PIN)));
        assert_eq!(create.poll_output(), None);
    }
}

#[test]
fn an_answer_to_another_question_is_ignored() {
    let mut key = Key::with_pin(Config::security_key());
    let mut asking = || {
        let mut create = start_create(&creating("required")).unwrap();
        create.handle_info(&key.info().to_cbor(), &Transport::Usb);
        let retries = key.transact(&sent(create.poll_output()));
        create.handle_response(&retries);
        match create.poll_output() {
            Some(CeremonyOutput::AskPin { token, .. }) => (create, token),
            other => panic!("{other:?}"),
        }
    };
    let (mut one, first) = asking();
    let (_, second) = asking();
    one.handle_pin(second, PinAnswer::Pin(Pin::new(PIN)));
    one.handle_response(&[0]);
    assert_eq!(one.poll_output(), None);
    one.handle_pin(first, PinAnswer::Pin(Pin::new(PIN)));
    sent(one.poll_output());
    one.handle_pin(first, PinAnswer::Cancel);
    assert_eq!(one.poll_output(), None);
}

/// What comes of it where nobody can be asked.
fn unasked(mut machine: Machine, key: &mut Key) -> Result<Value, Error> {
    machine.info(&key.info().to_cbor(), &Transport::Usb);
    loop {
        match machine.poll() {
            Some(CeremonyOutput::Request(request)) => {
                let response = key.transact(&request);
                machine.response(&response);
            }
            Some(CeremonyOutput::AskPin { token, .. }) => {
                machine.pin(token, PinAnswer::Unavailable)
            }
            output => return finished(output),
        }
    }
}

#[test]
fn where_nobody_can_be_asked_it_goes_on_without_if_it_can() {
    let mut key = Key::with_pin(Config::security_key());
    let created = unasked(Machine::create(&creating("preferred")), &mut key).unwrap();
    assert!(!verified(&created));
    let required = unasked(Machine::create(&creating("required")), &mut key);
    assert_eq!(required, Err(Error::UserVerificationUnavailable));
    let required = unasked(Machine::get(&getting("required")), &mut key);
    assert_eq!(required, Err(Error::CannotSignInVerified));
    let mut options = creating("preferred");
    options["authenticatorSelection"]["residentKey"] = json!("required");
    let insisted = unasked(Machine::create(&options), &mut key);
    assert_eq!(insisted, Err(Error::Refused(Status::PuatRequired)));
}

/// A key with a PIN, as it describes itself.
fn told(change: impl Fn(&mut GetInfo)) -> GetInfo {
    let mut info = simple_key();
    info.versions = vec![Version::Fido2_1];
    info.options.client_pin = Some(true);
    info.options.pin_uv_auth_token = Some(true);
    info.pin_uv_auth_protocols = Some(vec![2]);
    change(&mut info);
    info
}

/// A sign-in at a scripted key, whose answers come in turn; the person types the PIN each time.
fn scripted_sign_in(info: &GetInfo, responses: &[Vec<u8>]) -> (usize, Result<Value, Error>) {
    let mut get = start_get(&getting("required")).unwrap();
    get.handle_info(&info.to_cbor(), &Transport::Usb);
    let (mut responses, mut asked) = (responses.iter(), 0);
    loop {
        match get.poll_output() {
            Some(CeremonyOutput::Request(_)) => {
                get.handle_response(responses.next().expect("a response"))
            }
            Some(CeremonyOutput::AskPin { token, .. }) => {
                asked += 1;
                get.handle_pin(token, PinAnswer::Pin(Pin::new(PIN)));
            }
            output => return (asked, finished(output)),
        }
    }
}

fn pin_response(change: impl Fn(&mut ClientPinResponse)) -> Vec<u8> {
    let mut response = ClientPinResponse::default();
    change(&mut response);
    response.encode()
}

#[test]
fn keys_that_are_odd_end_it_with_a_reason() {
    let retries = |tries| pin_response(move |response| response.pin_retries = Some(tries));
    let provider = rustcrypto::provider();
    let own = provider.ecdh.generate(&*provider.random).unwrap();
    let good = pin_response(|response| response.key_agreement = Some(own.public_key().into()));
    let bad = pin_response(|response| {
        let mut key: towline_ctap::KeyAgreementKey = own.public_key().into();
        key.y[31] ^= 1;
        response.key_agreement = Some(key);
    });
    let token = |length: usize| {
        pin_response(move |response| response.pin_uv_auth_token = Some(vec![7; length]))
    };
    let odd = Err(Error::Misbehaved(Misbehaviour::Pin));
    let refused = |status| Err(Error::Refused(status));
    let info = told(|_| {});
    for (responses, asked, result) in [
        (vec![retries(0)], 0, refused(Status::PinBlocked)),
        (
            vec![pin_response(|response| {
                response.pin_retries = Some(5);
                response.power_cycle_state = Some(true);
            })],
            0,
            refused(Status::PinAuthBlocked),
        ),
        (vec![vec![]], 0, odd.clone()),
        (vec![vec![0, 0xff]], 0, odd.clone()),
        (vec![retries(8), vec![0]], 1, odd.clone()),
        (vec![retries(8), bad], 1, odd.clone()),
        (vec![retries(8), vec![0x01]], 1, refused(Status::InvalidCommand)),
        // It does not count.
        (vec![vec![0x3e], good.clone(), vec![0]], 1, odd.clone()),
        (vec![retries(8), good.clone(), token(0)], 1, odd.clone()),
        (vec![retries(8), good.clone(), token(32)], 1, odd.clone()),
        (vec![retries(8), good.clone(), token(47)], 1, odd.clone()),
        (vec![retries(8), good.clone(), token(48 + 16)], 1, odd.clone()),
        (vec![retries(8), good.clone(), vec![0x27]], 1, refused(Status::OperationDenied)),
        (vec![retries(8), good.clone(), vec![0x40]], 1, refused(Status::UnauthorizedPermission)),
        (vec![retries(8), good.clone(), token(48), vec![0x33]], 1, refused(Status::PinAuthInvalid)),
        (
            vec![retries(8), good.clone(), vec![0x31], retries(7), good.clone(), vec![0x32]],
            2,
            refused(Status::PinBlocked),
        ),
        // getInfo did not say that it has to be changed.
        (
            vec![retries(8), good.clone(), vec![0x37], good.clone(), vec![0x30]],
            2,
            refused(Status::NotAllowed),
        ),
    ] {
        assert_eq!(scripted_sign_in(&info, &responses), (asked, result), "{responses:02x?}");
    }
    for unusable in [
        told(|info| info.pin_uv_auth_protocols = Some(vec![3, 9])),
        told(|info| info.options.no_mc_ga_permissions_with_client_pin = Some(true)),
        told(|info| info.options.client_pin = Some(false)),
        told(|info| info.options.client_pin = None),
    ] {
        assert_eq!(scripted_sign_in(&unusable, &[]), (0, Err(Error::CannotSignInVerified)));
    }
}

#[test]
fn the_protocol_that_the_key_prefers_is_spoken_among_those_that_are_known() {
    for (offered, spoken) in [(vec![2, 1], 2), (vec![1, 2], 1), (vec![3, 2], 2), (vec![1], 1)] {
        let info = told(|info| info.pin_uv_auth_protocols = Some(offered.clone()));
        let mut get = start_get(&getting("required")).unwrap();
        get.handle_info(&info.to_cbor(), &Transport::Nfc);
        sent(get.poll_output());
        get.handle_response(&pin_response(|response| response.pin_retries = Some(8)));
        let Some(CeremonyOutput::AskPin { token, .. }) = get.poll_output() else { panic!() };
        get.handle_pin(token, PinAnswer::Pin(Pin::new(PIN)));
        let request = Request::decode(&sent(get.poll_output()), usize::MAX).unwrap();
        assert_eq!(request, ClientPinRequest::GetKeyAgreement { protocol: spoken }.into());
    }
}

#[test]
fn no_pin_and_no_token_is_shown_by_debug() {
    let mut key = Key::with_pin(Config::security_key());
    let mut create = start_create(&creating("required")).unwrap();
    create.handle_info(&key.info().to_cbor(), &Transport::Usb);
    for _ in 0..6 {
        match create.poll_output() {
            Some(CeremonyOutput::Request(request)) => {
                let response = key.transact(&request);
                create.handle_response(&response);
            }
            Some(CeremonyOutput::AskPin { token, .. }) => {
                create.handle_pin(token, PinAnswer::Pin(Pin::new(PIN)));
            }
            _ => {}
        }
        let shown = format!("{create:?}");
        assert!(!shown.contains(PIN) && !shown.contains("value"), "{shown}");
    }
    assert!(!format!("{:?}", PinAnswer::Pin(Pin::new(PIN))).contains(PIN));
}
