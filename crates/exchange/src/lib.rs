#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod base64url;
mod beside;
mod bitwarden;
mod export;
mod extension;
mod foreign;
mod import;
mod item;
mod json;
mod keepassxc;
mod key_package;
mod limits;
mod passkey;
mod plan;
mod report;

pub use export::{Candidate, Export, ExportReport, Exporter};
pub use import::Import;
pub use keepassxc::KeePassEntry;
pub use key_package::{BadKeyPackage, KeyPackage};
pub use limits::ImportLimits;
pub use plan::{Importer, Plan};
pub use report::{
    Conflict, Defect, ItemOutcome, ItemReport, LeftOut, Missing, NotCxf, Refused, Written,
};
