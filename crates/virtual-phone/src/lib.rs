#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod computer;
mod phone;
#[cfg(feature = "picture")]
mod picture;
mod place;
mod spoiled;

pub use computer::{BrokenComputer, FakeComputer, Showing};
pub use phone::{BrokenPhone, FakePhone, Holder};
#[cfg(feature = "picture")]
pub use picture::{PictureError, read_png};
pub use place::{Place, SetupError};
/// The product's own phone and computer, radios, relay and transport.
pub use towline;
/// The virtual authenticator in the phone, and its person.
pub use towline_virtual;
