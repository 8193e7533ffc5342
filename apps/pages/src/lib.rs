#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod browsers;
mod exchange;
mod files;
mod language;
mod words;

pub use browsers::tell_browsers;
pub use exchange::{ExchangeError, exchange};
pub use files::PageFile;
pub use language::{Language, cookie};
pub use words::{Row, fill, for_scripts, isolated, wrong_with};
