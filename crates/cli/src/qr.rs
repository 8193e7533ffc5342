//! QR codes: drawn for a camera, read from pictures.

pub(crate) mod age;
mod capture;
pub(crate) mod draw;
pub(crate) mod picture;
pub(crate) mod read;
