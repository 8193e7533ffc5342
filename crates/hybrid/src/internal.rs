//! The organs of the transport, for known-answer vectors, fuzz targets, benches and tests that play
//! a broken peer. Not part of the interface: it changes without notice.

pub mod digits {
    pub use crate::digits::*;
}
pub mod eid {
    pub use crate::eid::*;
}
pub mod frame {
    pub use crate::frame::*;
}
pub mod kdf {
    pub use crate::kdf::*;
}
pub mod message {
    pub use crate::message::*;
}
pub mod noise {
    pub use crate::noise::*;
}
pub mod secrets {
    pub use crate::{link::identity::key_from_seed, secrets::*};
}
