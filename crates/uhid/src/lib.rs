#![cfg_attr(target_os = "linux", doc = include_str!("../README.md"))]
//!
//! # The device node
//!
//! The kernel makes a HID device for whoever writes to `/dev/uhid`, with a node such as
//! `/dev/hidraw3` that browsers, OpenSSH and libfido2 find by themselves. It is there until the
//! [`UsbKey`] is dropped, or the process ends in whatever way.
//!
//! Whoever may open `/dev/uhid` can also pretend to be a keyboard: give that right to a group, and
//! to few.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod event;
#[cfg(target_os = "linux")]
mod key;
#[cfg(target_os = "linux")]
mod node;
#[cfg(target_os = "linux")]
mod pace;

pub use event::{Description, MAX_MSG_SIZE};
#[cfg(target_os = "linux")]
pub use key::{UhidError, UsbKey};
