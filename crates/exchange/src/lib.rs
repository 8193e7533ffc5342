#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod base64url;
mod export;
mod extension;
mod foreign;
mod import;
mod item;
mod json;
mod key_package;
mod limits;
mod passkey;
mod plan;
mod report;

pub use export::{Candidate, Export, ExportReport, Exporter};
pub use import::Import;
pub use key_package::{KeyPackage, KeyPackageError};
pub use limits::ImportLimits;
pub use plan::{Importer, Plan};
pub use report::{Conflict, Flaw, ItemReport, LeftOut, Missing, NotCxf, Outcome, Refused, Written};
