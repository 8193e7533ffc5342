//! A question that no ceremony waits for.

use super::proof::Present;
use crate::{Answer, Purpose, Question, Token};

/// An open question for a touch. It is made together with what the person sees, and is used up by
/// the answer.
pub(crate) struct OpenQuestion(Token);

impl OpenQuestion {
    /// Opens a question for this purpose: its token, and what to show.
    pub(crate) fn for_touch(purpose: Purpose) -> (Self, Token, Question) {
        let token = Token::unique();
        (Self(token), token, Question::ConfirmPresence { purpose })
    }

    pub(crate) const fn token(&self) -> Token {
        self.0
    }

    /// Whether it can be answered so.
    pub(crate) const fn accepts(&self, answer: &Answer) -> bool {
        matches!(answer, Answer::Approve | Answer::Deny)
    }

    /// Closes it with an answer: the proof, if that was a yes.
    pub(crate) fn answer(self, answer: &Answer) -> Option<Present> {
        matches!(answer, Answer::Approve).then(Present::by_answer)
    }
}
