//! authenticatorSelection (CTAP 2.3 §6.9): the person points at this authenticator.

use towline_ctap::{Response, Status};

use crate::{
    Purpose,
    flow::{Flow, Next},
    person::{self, Refusal},
};

pub(crate) fn start() -> Flow {
    person::ask_presence(Purpose::SelectDevice { rp_id: None }, |_, answer| match answer {
        Ok(_) => Ok(Next::Respond(Response::status_only(Status::Ok))),
        Err(Refusal::TimedOut) => Err(Status::UserActionTimeout),
        Err(Refusal::Denied | Refusal::NotVerified) => Err(Status::OperationDenied),
    })
}
