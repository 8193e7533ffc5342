//! Codes in pictures.

use std::io::Cursor;

use image::{ImageFormat, ImageReader, Limits};
use towline::{hybrid::qr, transport::TransportError};

/// Larger pictures are refused, in pixels along one side.
const SIDE_MAX: u32 = 8192;

/// Why a picture led to nothing.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// The bytes are no PNG, or a picture that is too large.
    #[error("this is not a usable PNG picture: {0}")]
    Unreadable(String),
    /// The number of grey levels is not that of whole rows.
    #[error("{pixels} grey levels are not whole rows of {width}")]
    Shape {
        /// How wide the picture is said to be.
        width: usize,
        /// How many grey levels there are.
        pixels: usize,
    },
    /// There is not exactly one passkey code in it.
    #[error("the picture shows {0} passkey QR codes; show one, with an empty border around it")]
    NotOneCode(usize),
    /// The code was read, and came to nothing.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// The text of the one passkey code in a PNG, also of a screenshot. It takes a while where the
/// picture is large.
///
/// # Errors
/// [`PictureError`].
pub fn read_png(png: &[u8]) -> Result<String, PictureError> {
    let mut reader = ImageReader::with_format(Cursor::new(png), ImageFormat::Png);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| PictureError::Unreadable(error.to_string()))?;
    let picture = picture.into_luma8();
    let width = usize::try_from(picture.width()).unwrap_or(0);
    read_luma(width, picture.as_raw())
}

/// The text of the one passkey code in so many grey levels.
pub(crate) fn read_luma(width: usize, pixels: &[u8]) -> Result<String, PictureError> {
    let shape = PictureError::Shape { width, pixels: pixels.len() };
    if pixels.is_empty() || pixels.len().checked_rem(width) != Some(0) {
        return Err(shape);
    }
    let texts = towline_qr::codes(width, pixels).into_iter();
    let mut codes: Vec<String> = texts.filter(|text| is_passkey_code(text)).collect();
    match (codes.pop(), codes.len()) {
        (Some(code), 0) => Ok(code),
        (Some(_), others) => Err(PictureError::NotOneCode(others.saturating_add(1))),
        (None, _) => Err(PictureError::NotOneCode(0)),
    }
}

fn is_passkey_code(text: &str) -> bool {
    text.get(..qr::PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(qr::PREFIX))
}
