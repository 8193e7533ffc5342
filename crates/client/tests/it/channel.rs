//! The asynchronous door: the machines over a channel, with the person and the clock played by the
//! test.

use std::{
    collections::VecDeque,
    future::pending,
    sync::Mutex,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use towline_client::{
    Account, BoxFuture, Channel, ChannelError, Client, Environment, Error, Timeouts, create, get,
};
use towline_crypto::rustcrypto;
use towline_ctap::{GetInfo, RpId, Transport};

use crate::scripted::*;

/// Answers in the order given; when there is nothing left it never does.
struct Scripted {
    info: Option<GetInfo>,
    responses: VecDeque<Result<Vec<u8>, ChannelError>>,
    requests: usize,
    cancels: usize,
}

impl Scripted {
    fn new(responses: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            info: Some(phone()),
            responses: responses.into_iter().map(Ok).collect(),
            requests: 0,
            cancels: 0,
        }
    }
}

impl Channel for Scripted {
    fn transport(&self) -> Transport {
        Transport::Usb
    }

    fn get_info(&mut self) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move {
            match &self.info {
                Some(info) => Ok(info.to_cbor()),
                None => pending().await,
            }
        })
    }

    fn transact(&mut self, _request: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(async move {
            self.requests += 1;
            match self.responses.pop_front() {
                Some(response) => response,
                None => pending().await,
            }
        })
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.cancels += 1;
        })
    }
}

/// A person and a clock.
#[derive(Default)]
struct Scene {
    time_is_up: bool,
    cancels: bool,
    site_aborts: bool,
    choice: Option<usize>,
    asked: Mutex<usize>,
    /// What is at `/.well-known/webauthn` of example.com.
    well_known: Option<String>,
}

impl Environment for Scene {
    fn sleep_until(&self, _deadline: Instant) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if !self.time_is_up {
                pending::<()>().await;
            }
        })
    }

    fn choose<'a>(&'a self, accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(async move {
            *self.asked.lock().unwrap() = accounts.len();
            self.choice
        })
    }

    fn related_origins<'a>(&'a self, rp_id: &'a str) -> BoxFuture<'a, Option<String>> {
        assert_eq!(rp_id, "example.com");
        Box::pin(async move { self.well_known.clone() })
    }

    fn cancelled(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if !self.cancels {
                pending::<()>().await;
            }
        })
    }

    fn aborted(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if !self.site_aborts {
                pending::<()>().await;
            }
        })
    }
}

async fn register(channel: &mut Scripted, scene: &Scene) -> Result<String, Error> {
    create(&client(), channel, scene, &caller(), &creation().to_string()).await
}

async fn sign_in(channel: &mut Scripted, scene: &Scene) -> Result<String, Error> {
    get(&client(), channel, scene, &caller(), &request().to_string()).await
}

#[tokio::test]
async fn a_registration_runs_over_a_channel() {
    let mut channel = Scripted::new([created(&new_credential())]);
    let json: Value =
        serde_json::from_str(&register(&mut channel, &Scene::default()).await.unwrap()).unwrap();
    assert_eq!(json["id"], b64(&[0x1d; 16]));
    assert_eq!((channel.requests, channel.cancels), (1, 0));
}

#[test]
fn a_ceremony_may_move_between_threads() {
    fn is_send<T: Send>(_: T) {}

    let (mut channel, scene, client, caller) =
        (Scripted::new([]), Scene::default(), client(), caller());
    is_send(create(&client, &mut channel, &scene, &caller, "{}"));
    is_send(get(&client, &mut channel, &scene, &caller, "{}"));
}

#[tokio::test]
async fn the_person_is_asked_which_account() {
    let mut first = asserted(&[1], Some(user(1, None)));
    first.number_of_credentials = Some(2);
    let responses = || [first.encode(), asserted(&[2], Some(user(2, None))).encode()];
    let scene = Scene { choice: Some(1), ..Scene::default() };
    let json: Value =
        serde_json::from_str(&sign_in(&mut Scripted::new(responses()), &scene).await.unwrap())
            .unwrap();
    assert_eq!((json["id"].clone(), *scene.asked.lock().unwrap()), (b64(&[2]).into(), 2));
    let refused = sign_in(&mut Scripted::new(responses()), &Scene::default()).await;
    assert_eq!(refused, Err(Error::Cancelled));
}

#[tokio::test]
async fn a_silent_authenticator_is_cancelled_when_time_is_up() {
    let mut channel = Scripted::new([]);
    let scene = Scene { time_is_up: true, ..Scene::default() };
    assert!(matches!(register(&mut channel, &scene).await, Err(Error::TimedOut(_))));
    assert_eq!((channel.requests, channel.cancels), (1, 1));
}

#[tokio::test]
async fn a_silent_channel_ends_when_time_is_up() {
    let mut channel = Scripted { info: None, ..Scripted::new([]) };
    let scene = Scene { time_is_up: true, ..Scene::default() };
    assert!(matches!(sign_in(&mut channel, &scene).await, Err(Error::TimedOut(_))));
    assert_eq!((channel.requests, channel.cancels), (0, 0));
}

#[tokio::test]
async fn a_person_who_cancels_is_heard() {
    let mut channel = Scripted::new([]);
    let scene = Scene { cancels: true, ..Scene::default() };
    assert_eq!(register(&mut channel, &scene).await, Err(Error::Cancelled));
    assert_eq!(channel.cancels, 1);
    let scene = Scene { site_aborts: true, ..Scene::default() };
    assert_eq!(register(&mut channel, &scene).await, Err(Error::Aborted));
    assert_eq!(channel.cancels, 2);
}

#[tokio::test]
async fn a_broken_channel_is_told() {
    let broken = ChannelError::failed("the phone is out of reach");
    let mut channel = Scripted::new([]);
    channel.responses.push_back(Err(broken.clone()));
    let error = sign_in(&mut channel, &Scene::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "the phone is out of reach");
    assert_eq!((error, channel.cancels), (Error::Channel(broken), 0));
}

#[tokio::test]
async fn what_another_site_says_of_this_one_is_fetched() {
    let mut options = creation();
    options["rp"]["id"] = "example.com".into();
    let options = options.to_string();
    for (well_known, refused) in [
        (None, Some("SecurityError")),
        (Some("{}"), Some("SecurityError")),
        (Some(r#"{"origins": ["https://example.net"]}"#), Some("SecurityError")),
        (Some(r#"{"origins": ["https://login.example.org"]}"#), None),
    ] {
        let scene = Scene { well_known: well_known.map(Into::into), ..Scene::default() };
        let mut data = new_credential();
        data.rp_id_hash = RpId::new("example.com").unwrap().hash(&rustcrypto::provider());
        let mut channel = Scripted::new([created(&data)]);
        let result = create(&client(), &mut channel, &scene, &caller(), &options).await;
        assert_eq!(result.err().map(|error| error.name()), refused, "{well_known:?}");
    }
}

#[tokio::test]
async fn a_sign_in_beside_a_form_waits_for_the_site_or_the_person() {
    let options = json!({"publicKey": request(), "mediation": "conditional"}).to_string();
    for (scene, result) in [
        (Scene { site_aborts: true, ..Scene::default() }, Error::Aborted),
        (Scene { cancels: true, ..Scene::default() }, Error::Cancelled),
    ] {
        // CTAP2_ERR_NO_CREDENTIALS, which the page does not learn; nor is time ever up.
        let scene = Scene { time_is_up: true, ..scene };
        let mut channel = Scripted::new([vec![0x2e]]);
        let end = get(&client(), &mut channel, &scene, &caller(), &options).await.unwrap_err();
        assert!(end == result || end == Error::NoCredentials, "{end:?}");
        assert_ne!(end.name(), "TypeError");
    }
}

#[tokio::test]
async fn options_are_checked_before_the_channel_is_used() {
    let mut channel = Scripted { info: None, ..Scripted::new([]) };
    let result = get(&client(), &mut channel, &Scene::default(), &caller(), "{}").await;
    assert_eq!(result.unwrap_err().name(), "TypeError");
}

#[tokio::test(start_paused = true)]
async fn a_real_sleep_ends_it() {
    struct Tokio;

    impl Environment for Tokio {
        fn sleep_until(&self, deadline: Instant) -> BoxFuture<'_, ()> {
            Box::pin(async move {
                tokio::time::sleep_until(deadline.into()).await;
            })
        }

        fn choose<'a>(&'a self, _accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
            Box::pin(async move { None })
        }
    }

    let soon = Duration::from_millis(20);
    let client: Client = client().with_timeouts(Timeouts { min: soon, max: soon, default: soon });
    let mut channel = Scripted::new([]);
    let result = get(&client, &mut channel, &Tokio, &caller(), &request().to_string()).await;
    assert_eq!(result, Err(Error::TimedOut(soon)));
}
