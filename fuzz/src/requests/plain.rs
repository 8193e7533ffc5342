//! The commands without parameters: authenticatorGetInfo, authenticatorSelection,
//! authenticatorReset.

use arbitrary::Arbitrary;
use towline_ctap::Request;

use super::Sensible;
use crate::watch::Watch;

/// A command without parameters.
#[derive(Debug, Arbitrary)]
pub enum Plain {
    GetInfo,
    Selection,
    Reset,
}

impl Sensible for Plain {
    fn message(&self, _: &Watch) -> Vec<u8> {
        match self {
            Self::GetInfo => Request::GetInfo,
            Self::Selection => Request::Selection,
            Self::Reset => Request::Reset,
        }
        .encode()
    }
}
