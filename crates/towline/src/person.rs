//! The person in front of an authenticator.

use std::future::Future;

use towline_authenticator::{Answer, Event, Question};

/// Whoever an authenticator in this process asks: a dialog, a terminal, a script.
///
/// An answer counts for the question that it is given to, and for no other: what a person typed or
/// clicked before the question was shown, or meant for one that was withdrawn, must not be handed
/// back as an answer.
///
/// [`Question::VerifyUser`] demands that the person is verified *here*: [`Answer::Verified`] makes
/// the flag UV, by which the site believes that its account's owner was there. Only a screen lock,
/// a fingerprint, a PIN or a passphrase that was checked is worth it; a click or a "yes" is not.
/// Say [`Answer::NotVerified`] for an attempt that failed: attempts are counted for you, and the
/// question comes again until there are none left.
///
/// The future of a question is dropped when the question is withdrawn (cancelled, timed out): take
/// it off the screen then. Questions print as sentences ([`std::fmt::Display`]).
pub trait Person: Send {
    /// Confirm, unlock, choose an account.
    fn answer(&mut self, question: &Question) -> impl Future<Output = Answer> + Send;

    /// Something happened that the person should see: a passkey was made, used, refused. Nothing,
    /// by default.
    fn notice(&mut self, event: &Event) {
        let _ = event;
    }

    /// A computer's code was scanned: connect to it? No, by default.
    #[cfg(feature = "phone")]
    fn connect(
        &mut self,
        question: &towline_hybrid::ConnectQuestion,
    ) -> impl Future<Output = towline_hybrid::ResponderAnswer> + Send {
        let _ = question;
        async { towline_hybrid::ResponderAnswer::Decline }
    }

    /// A computer asks for digital credentials: JSON, which towline has not looked at. The answer
    /// is JSON, too. Asked only of the person of a
    /// [`Phone::with_digital_credentials`](crate::Phone::with_digital_credentials); dropped when
    /// the computer does not wait any longer. Consent is this method's business. Says that the
    /// person declined, by default.
    #[cfg(feature = "phone")]
    fn digital_credentials(&mut self, request: Vec<u8>) -> impl Future<Output = Vec<u8>> + Send {
        let _ = request;
        async { DECLINED.to_vec() }
    }

    /// The computer was answered, and
    /// [`ConnectAndAskLater`](towline_hybrid::ResponderAnswer::ConnectAndAskLater) was the answer
    /// to `connect`: may it remember this phone? No, by default.
    #[cfg(feature = "phone")]
    fn remember(&mut self) -> impl Future<Output = bool> + Send {
        async { false }
    }

    /// The radio broadcasts for the computer. `radio` names it; a simulated one says so. Nothing,
    /// by default.
    #[cfg(feature = "phone")]
    fn advertising(&mut self, radio: &str) {
        let _ = radio;
    }

    /// A request was carried out or refused, and this is what the computer is told. Nothing, by
    /// default.
    #[cfg(feature = "phone")]
    fn answered(&mut self, status: towline_ctap::Status) {
        let _ = status;
    }

    /// How a connection with a computer goes. Nothing, by default.
    #[cfg(feature = "phone")]
    fn progress(&mut self, progress: towline_hybrid::ResponderProgress) {
        let _ = progress;
    }
}

/// What a request for digital credentials is answered that the person declined.
#[cfg(feature = "phone")]
pub(crate) const DECLINED: &[u8] = br#"{"response":{"digital":{"error":"USER_CANCELED"}}}"#;

/// Agrees to everything at once; that the person is verified is simulated. For tests and demos:
/// with this person, whoever can send a request gets what it asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Agreeable;

impl Person for Agreeable {
    async fn answer(&mut self, question: &Question) -> Answer {
        question.simulated_agreement()
    }

    #[cfg(feature = "phone")]
    async fn connect(
        &mut self,
        _question: &towline_hybrid::ConnectQuestion,
    ) -> towline_hybrid::ResponderAnswer {
        towline_hybrid::ResponderAnswer::Connect { remember: false }
    }
}
