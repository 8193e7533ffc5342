//! Revoked contacts, which a JetStream stream remembers for all nodes.

use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, Message, Request};
use tokio::sync::watch;
use towline_crypto::CryptoProvider;
use towline_rendezvous::bus::ContactTag;
use towline_rendezvous::ids::ContactId;
use towline_rendezvous::{ContactState, Source};
use towline_tunnel::{ContactAnswer, Contacts};

/// How long a look-up may take.
const LOOK_UP_TIME: Duration = Duration::from_secs(2);

/// How long the stream may take to keep something.
const KEEP_TIME: Duration = Duration::from_secs(5);

/// Which contact ids are revoked, for all nodes and beyond their end. Kept in the stream `TL_GONE`.
pub struct NatsContacts {
    client: Client,
    provider: CryptoProvider,
}

impl NatsContacts {
    pub(crate) const fn new(client: Client, provider: CryptoProvider) -> Self {
        Self { client, provider }
    }

    fn subject(&self, contact: &ContactId) -> String {
        format!("tl.1.gone.{}", ContactTag::of(contact, &self.provider))
    }
}

/// Asks, and hears the answer in an inbox of its own: in the one that all requests share, the client
/// keeps a place for an answer that never comes for as long as it runs.
async fn ask(client: &Client, subject: String, words: String, time: Duration) -> Option<Message> {
    let request = Request::new().payload(words.into()).timeout(Some(time));
    client.send_request(subject, request.inbox(client.new_inbox())).await.ok()
}

impl Contacts for NatsContacts {
    fn look_up(&self, contact: &ContactId) -> ContactAnswer<Option<ContactState>> {
        let subject = format!("$JS.API.DIRECT.GET.TL_GONE.{}", self.subject(contact));
        let client = self.client.clone();
        Box::pin(async move {
            if client.connection_state() != State::Connected {
                return None;
            }
            let answer = ask(&client, subject, String::new(), LOOK_UP_TIME).await?;
            if answer.status == Some(async_nats::StatusCode::NOT_FOUND) {
                return Some(ContactState::Unknown);
            }
            // A message that is kept comes back with where it is kept; everything else is no proof.
            let kept = answer.headers.as_ref().and_then(|headers| headers.get("Nats-Sequence"));
            kept.map(|_| ContactState::Revoked)
        })
    }

    fn revoke(&self, contact: &ContactId, _source: Source) -> ContactAnswer<bool> {
        let subject = self.subject(contact);
        let client = self.client.clone();
        Box::pin(async move {
            if client.connection_state() != State::Connected {
                return false;
            }
            let answer = ask(&client, subject, String::new(), KEEP_TIME).await;
            answer.is_some_and(|answer| is_kept(&answer.payload))
        })
    }
}

/// Makes the stream where it is not there yet: on three servers, or on one where the bus is one.
/// One that is there is the operator's, and stays as it is. Tries again for as long as the
/// connection lasts: a server may be away, or JetStream not ready yet.
pub(crate) async fn make_stream(client: Client, mut state: watch::Receiver<bool>) {
    let (mut replicas, mut pause) = (3, FIRST_PAUSE);
    loop {
        match try_to_make(&client, replicas).await {
            Ok(()) => return,
            Err(Some(NO_REPLICAS)) if replicas > 1 => {
                replicas = 1;
                continue;
            }
            Err(_) => {}
        }
        tracing::warn!(
            replicas,
            "the bus keeps no revoked contacts: it has no stream TL_GONE, nor can one be made now"
        );
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = pause.saturating_mul(2).min(LONGEST_PAUSE),
            // Who connects again begins again.
            _changed = state.changed() => return,
        }
    }
}

/// Whether the stream is there now; otherwise what the server says against it, if it says it.
async fn try_to_make(client: &Client, replicas: u8) -> Result<(), Option<u32>> {
    let stream = format!(
        r#"{{"name":"TL_GONE","subjects":["tl.1.gone.*"],"retention":"limits",
        "max_msgs_per_subject":1,"max_msgs":1000000,"max_age":{MAX_AGE},"storage":"file",
        "discard":"old","allow_direct":true,"num_replicas":{replicas}}}"#
    );
    let subject = "$JS.API.STREAM.CREATE.TL_GONE".to_owned();
    let made = ask(client, subject, stream, KEEP_TIME).await.ok_or(None)?;
    match serde_json::from_slice::<Made>(&made.payload).map_err(|_| None)?.error {
        // As it is, or as another node has just made it.
        None | Some(Failed { err_code: IN_USE }) => Ok(()),
        Some(Failed { err_code }) => Err(Some(err_code)),
    }
}

/// The first pause between two tries to make the stream, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a revoked contact is remembered: 400 days, in nanoseconds.
const MAX_AGE: u64 = 400 * 24 * 60 * 60 * 1_000_000_000;

/// The server's number for a stream that is there, and otherwise than asked for.
const IN_USE: u32 = 10058;

/// The server's number for a stream on several servers where the bus is one server.
const NO_REPLICAS: u32 = 10074;

/// What the server says to the wish for a stream.
#[derive(serde::Deserialize)]
struct Made {
    error: Option<Failed>,
}

#[derive(serde::Deserialize)]
struct Failed {
    #[serde(default)]
    err_code: u32,
}

/// What a stream says to a message that it was given.
#[derive(serde::Deserialize)]
struct Word {
    stream: String,
    seq: u64,
    error: Option<serde::de::IgnoredAny>,
}

/// Whether this is the stream's word that it has a message.
fn is_kept(answer: &[u8]) -> bool {
    serde_json::from_slice::<Word>(answer)
        .is_ok_and(|word| word.stream == "TL_GONE" && word.seq > 0 && word.error.is_none())
}

#[cfg(test)]
mod tests {
    use super::is_kept;

    #[test]
    fn only_the_streams_word_keeps_a_revocation() {
        assert!(is_kept(br#"{"stream":"TL_GONE","seq":7}"#));
        assert!(is_kept(br#"{"stream":"TL_GONE","domain":"x","seq":7,"duplicate":true}"#));
        for other in [
            &br#"{"error":{"code":503},"stream":"TL_GONE","seq":0}"#[..],
            br#"{"stream":"OTHER","seq":7}"#,
            br#"{"stream":"TL_GONE"}"#,
            b"",
            b"\xff",
        ] {
            assert!(!is_kept(other));
        }
    }
}
