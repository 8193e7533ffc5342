//! A program with a client of its own, and a key that it reaches over CTAPHID: reports in and out.

use std::{
    future::{pending, ready},
    time::Instant,
};

use towline_client::{
    Account, BoxFuture, Caller, Channel, ChannelError, Client, Environment, Origin, Pin, PinAnswer,
    PinQuestion, SignalKind, create, get, signal,
};
use towline_ctap::{
    CredentialId, Transport,
    hid::{Host, HostOutput},
};
use towline_virtual::{Builder, Error, Hid, VirtualAuthenticator};

use crate::options::{ORIGIN, base64url, create as creation, get as request};

const PIN: &str = "2580";

/// A computer's way to a key.
struct Usb {
    key: VirtualAuthenticator,
    hid: Hid,
    host: Host,
    commands: Vec<u8>,
}

impl Usb {
    fn new(key: &VirtualAuthenticator) -> Self {
        let (hid, host) = (key.hid(), Host::new());
        Self { key: key.clone(), hid, host, commands: Vec::new() }
    }

    /// Lets reports and time pass until something comes of it.
    fn until<T>(
        &mut self,
        wanted: impl Fn(HostOutput<'_>) -> Option<T>,
    ) -> Result<T, ChannelError> {
        loop {
            match self.host.poll_output() {
                Some(HostOutput::Send(report)) => self.hid.send(report),
                Some(HostOutput::Failed(failure)) => {
                    return Err(ChannelError::failed(format!("{failure:?}")));
                }
                Some(output) => {
                    if let Some(found) = wanted(output) {
                        return Ok(found);
                    }
                }
                None => match self.hid.receive() {
                    Some(report) => self.host.handle_packet(&report, self.key.clock().now()),
                    None => self.hid.advance(),
                },
            }
        }
    }

    fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>, ChannelError> {
        self.commands.extend(request.first());
        self.host.send_cbor(request, self.key.clock().now()).unwrap();
        self.until(|output| match output {
            HostOutput::Message { message, .. } => Some(message.to_vec()),
            _ => None,
        })
    }
}

impl Channel for Usb {
    fn transport(&self) -> Transport {
        Transport::Usb
    }

    fn connect(&mut self) -> BoxFuture<'_, Result<(), ChannelError>> {
        self.host.open([7; 8], self.key.clock().now());
        let opened = self.until(|output| matches!(output, HostOutput::Opened(_)).then_some(()));
        Box::pin(ready(opened))
    }

    fn get_info(&mut self) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        let answer = self.exchange(&[0x04]);
        self.commands.clear();
        Box::pin(ready(answer.map(|mut answer| answer.split_off(1))))
    }

    fn transact(&mut self, request: Vec<u8>) -> BoxFuture<'_, Result<Vec<u8>, ChannelError>> {
        Box::pin(ready(self.exchange(&request)))
    }

    fn cancel(&mut self) -> BoxFuture<'_, ()> {
        self.host.cancel();
        Box::pin(ready(()))
    }
}

/// Somebody at the computer, who knows the PIN or is not asked for it.
struct Person(bool);

impl Environment for Person {
    fn sleep_until(&self, _deadline: Instant) -> BoxFuture<'_, ()> {
        Box::pin(pending())
    }

    fn choose<'a>(&'a self, _accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(ready(Some(0)))
    }

    fn pin<'a>(&'a self, _question: &'a PinQuestion) -> BoxFuture<'a, PinAnswer> {
        let pin = if self.0 { PinAnswer::Pin(Pin::new(PIN)) } else { PinAnswer::Unavailable };
        Box::pin(ready(pin))
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn client() -> (Client, Caller) {
    let client = Client::new(towline_crypto::rustcrypto::provider());
    (client, Origin::parse(ORIGIN).unwrap().into())
}

fn register(usb: &mut Usb, name: &str) {
    let (client, caller) = client();
    run(create(&client, usb, &Person(true), &caller, &creation(name))).unwrap();
}

fn send_signal(
    usb: &mut Usb,
    person: &Person,
    kind: SignalKind,
    options: &str,
) -> Result<Vec<CredentialId>, Error> {
    let (client, caller) = client();
    run(signal(&client, usb, person, &caller, kind, options))
}

fn names(key: &VirtualAuthenticator) -> Vec<String> {
    key.passkeys().into_iter().filter_map(|it| it.credential.user.name).collect()
}

#[test]
fn what_a_site_signals_changes_a_key_that_is_reached_over_ctaphid() {
    let by_pin = Builder::security_key().pin(PIN).build().unwrap();
    let by_fingerprint = VirtualAuthenticator::fingerprint_key();
    for (key, asked) in [(by_pin, true), (by_fingerprint, false)] {
        let (mut usb, person) = (Usb::new(&key), Person(asked));
        for name in ["alice", "bob", "carol"] {
            register(&mut usb, name);
        }
        let id = |place: usize| key.passkeys()[place].id().clone();
        let user = |place: usize| base64url(key.passkeys()[place].credential.user.id.as_bytes());

        let details = format!(
            r#"{{"rpId": "example.org", "userId": "{}", "name": "al", "displayName": "Al"}}"#,
            user(0)
        );
        let changed = send_signal(&mut usb, &person, SignalKind::CurrentUserDetails, &details);
        assert_eq!(changed, Ok(vec![id(0)]));
        assert_eq!(names(&key), ["al", "bob", "carol"]);
        assert_eq!(key.passkeys()[0].credential.user.display_name.as_deref(), Some("Al"));
        // The list begins, goes on twice, and one account gets another name.
        let managed = usb.commands.iter().filter(|command| **command == 0x0a).count();
        assert_eq!(managed, 4);

        let accepted = format!(
            r#"{{"rpId": "example.org", "userId": "{}", "allAcceptedCredentialIds": ["AAAA"]}}"#,
            user(1)
        );
        let bob = id(1);
        let changed = send_signal(&mut usb, &person, SignalKind::AllAcceptedCredentials, &accepted);
        assert_eq!((changed, names(&key)), (Ok(vec![bob]), vec!["al".into(), "carol".into()]));

        let carol = id(1);
        let unknown = format!(
            r#"{{"rpId": "example.org", "credentialId": "{}"}}"#,
            base64url(carol.as_bytes())
        );
        let changed = send_signal(&mut usb, &person, SignalKind::UnknownCredential, &unknown);
        assert_eq!((changed, names(&key)), (Ok(vec![carol.clone()]), vec!["al".into()]));
        let changed = send_signal(&mut usb, &person, SignalKind::UnknownCredential, &unknown);
        assert_eq!((changed, names(&key)), (Ok(vec![]), vec!["al".into()]));

        // The one that stays signs in as ever.
        let (client, caller) = client();
        run(get(&client, &mut usb, &Person(true), &caller, &request())).unwrap();
    }
}

#[test]
fn a_key_changes_nothing_for_somebody_who_proves_nothing() {
    let key = Builder::security_key().pin(PIN).build().unwrap();
    let mut usb = Usb::new(&key);
    register(&mut usb, "alice");
    let unknown = format!(
        r#"{{"rpId": "example.org", "credentialId": "{}"}}"#,
        base64url(key.passkeys()[0].id().as_bytes())
    );
    let refused = send_signal(&mut usb, &Person(false), SignalKind::UnknownCredential, &unknown);
    assert_eq!(refused, Err(Error::ManagementUnverified));
    assert!(!usb.commands.contains(&0x0a));

    let without_pin = VirtualAuthenticator::security_key();
    let refused = send_signal(
        &mut Usb::new(&without_pin),
        &Person(true),
        SignalKind::UnknownCredential,
        &unknown,
    );
    assert_eq!(refused, Err(Error::ManagementUnverified));
    let another = unknown.replace("example.org", "example.com");
    let refused = send_signal(&mut usb, &Person(true), SignalKind::UnknownCredential, &another);
    assert_eq!(refused.unwrap_err().name(), "SecurityError");
    assert_eq!(names(&key), ["alice"]);
}
