//! What the protocol asks, in the words that are put to the person, and back.

use towline_device::{Found, PhoneAnswer, PhoneQuestion, Visitor, Wants};
use towline_hybrid::{CodeSource, ConnectQuestion, ResponderAnswer, ResponderQuestion, qr::Hint};

/// What the person is asked; nothing, where the answer is a no in any case.
pub(super) fn asked(question: &ResponderQuestion) -> Option<PhoneQuestion> {
    match question {
        ResponderQuestion::Connect(question) => Some(PhoneQuestion::Connect(visitor(question))),
        ResponderQuestion::Remember => Some(PhoneQuestion::Remember),
        _ => None,
    }
}

/// What the person said to that, if they said anything.
pub(super) fn answered(
    question: &ResponderQuestion,
    answer: Option<PhoneAnswer>,
) -> ResponderAnswer {
    match (question, answer) {
        (ResponderQuestion::Connect(_), Some(PhoneAnswer::Approve)) => {
            ResponderAnswer::Connect { remember: false }
        }
        (ResponderQuestion::Connect(_), Some(PhoneAnswer::ApproveAndRemember)) => {
            ResponderAnswer::Connect { remember: true }
        }
        (ResponderQuestion::Connect(_), Some(PhoneAnswer::ApproveAndAskLater)) => {
            ResponderAnswer::ConnectAndAskLater
        }
        (ResponderQuestion::Remember, Some(PhoneAnswer::Approve)) => ResponderAnswer::Remember,
        _ => ResponderAnswer::Decline,
    }
}

fn visitor(question: &ConnectQuestion) -> Visitor {
    let wants = match question.hint {
        Hint::GetAssertion => Wants::SignIn,
        Hint::MakeCredential => Wants::Passkey,
        Hint::CredentialPresentation => Wants::DigitalCredential,
        Hint::CredentialIssuance => Wants::Issuance,
    };
    let found = match question.source {
        CodeSource::Camera => Found::Camera,
        CodeSource::Typed => Found::Typed,
        CodeSource::File => Found::Picture,
        CodeSource::Ring => Found::Ring,
        // Of a source that is not known here, what calls for the most care.
        _ => Found::Link,
    };
    let mut visitor = Visitor::new(question.to_string(), wants, found);
    visitor.made_at = question.made_at;
    visitor.may_remember = question.may_remember;
    visitor
}

/// What a request for digital credentials is answered that the person declined.
const DECLINED: &[u8] = br#"{"response":{"digital":{"error":"USER_CANCELED"}}}"#;

/// The response to a request for digital credentials.
pub(super) fn shown(answer: Option<PhoneAnswer>) -> Vec<u8> {
    match answer {
        Some(PhoneAnswer::DigitalCredentials(response)) => response,
        _ => DECLINED.to_vec(),
    }
}
