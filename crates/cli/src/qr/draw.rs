//! Draws a QR code in the terminal and as a picture: dark on light, with a quiet zone of four
//! modules.

use std::{fs, io::Cursor, path::Path};

use image::{GrayImage, ImageFormat, Luma};
use qrcode::{Color, EcLevel, QrCode};

use super::{picture::Picture, read};
use crate::exit::Failure;

/// The empty border that readers need (ISO/IEC 18004 §6.3.8), in modules.
const QUIET: usize = 4;
/// Pixels per module in pictures.
const SCALE: u32 = 8;

/// Black and white of the 256-colour cube: themes redefine the first sixteen colours, but not
/// these.
const DARK: u8 = 16;
const LIGHT: u8 = 231;

/// A code, module by module.
pub(crate) struct Drawing {
    modules: Vec<bool>,
    width: usize,
}

impl Drawing {
    /// Encodes a text in the smallest code that holds it, with as much error correction as that
    /// size allows. The encoder puts `FIDO:/` in an alphanumeric segment and the digits in a
    /// numeric one.
    pub(crate) fn new(text: &str) -> Result<Self, Failure> {
        let too_long = |_| Failure::usage("qr_too_long", "the text does not fit into a QR code");
        let smallest = QrCode::with_error_correction_level(text, EcLevel::L).map_err(too_long)?;
        let version = smallest.version();
        let code = [EcLevel::Q, EcLevel::M]
            .into_iter()
            .find_map(|level| QrCode::with_version(text, version, level).ok())
            .unwrap_or(smallest);
        let width = code.width();
        Ok(Self {
            modules: code.into_colors().into_iter().map(|color| color == Color::Dark).collect(),
            width,
        })
    }

    /// Modules along one side, with the quiet zone.
    fn side(&self) -> usize {
        self.width.saturating_add(QUIET.saturating_mul(2))
    }

    /// Whether a module is dark; `x` and `y` count from the corner of the quiet zone.
    fn dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < self.width);
        let index =
            inside(x).zip(inside(y)).and_then(|(x, y)| y.checked_mul(self.width)?.checked_add(x));
        index.and_then(|index| self.modules.get(index)).copied().unwrap_or(false)
    }

    /// Lines for a terminal: each character is two modules, one above the other.
    pub(crate) fn to_ansi(&self) -> String {
        let mut out = String::new();
        for y in (0..self.side()).step_by(2) {
            let mut last = None;
            for x in 0..self.side() {
                let cell = (self.dark(x, y), self.dark(x, y.saturating_add(1)));
                // Where both modules are alike a space shows the background alone: no seam of the
                // font can show.
                let (foreground, background, glyph) = match cell {
                    (true, true) => (LIGHT, DARK, ' '),
                    (false, false) => (DARK, LIGHT, ' '),
                    (true, false) => (DARK, LIGHT, '▀'),
                    (false, true) => (DARK, LIGHT, '▄'),
                };
                if last != Some((foreground, background)) {
                    out.push_str(&format!("\x1b[38;5;{foreground};48;5;{background}m"));
                    last = Some((foreground, background));
                }
                out.push(glyph);
            }
            out.push_str("\x1b[0m\n");
        }
        out
    }

    /// The code as a picture.
    pub(crate) fn to_image(&self) -> GrayImage {
        let side = u32::try_from(self.side()).unwrap_or(u32::MAX).saturating_mul(SCALE);
        GrayImage::from_fn(side, side, |x, y| {
            let module = |pixel: u32| {
                usize::try_from(pixel.checked_div(SCALE).unwrap_or(0)).unwrap_or(usize::MAX)
            };
            Luma([if self.dark(module(x), module(y)) { 0 } else { 255 }])
        })
    }

    /// Writes the picture, whole or not at all: a phone may be waiting for the file. It is a
    /// secret, and for its owner only.
    pub(crate) fn write_png(&self, path: &Path) -> Result<Picture, Failure> {
        let failed = |what: String| {
            Failure::environment(
                "qr_image",
                format!("the picture can't be written to {}: {what}", path.display()),
            )
        };
        if !may_be_replaced(path) {
            return Err(failed(
                "what is there is no picture of a code; remove it, or name another file".into(),
            ));
        }
        let mut png = Cursor::new(Vec::new());
        self.to_image()
            .write_to(&mut png, ImageFormat::Png)
            .map_err(|error| failed(error.to_string()))?;
        Picture::write(path, png.get_ref()).map_err(|error| failed(error.to_string()))
    }
}

/// Whether nobody misses what is at this path: nothing, an empty file, or an older code.
fn may_be_replaced(path: &Path) -> bool {
    let Ok(there) = fs::symlink_metadata(path) else { return true };
    let codes = |path| {
        read::file(path).is_ok_and(|texts| texts.iter().any(|text| read::is_passkey_code(text)))
    };
    there.is_file() && (there.len() == 0 || codes(path))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::as_conversions)]
mod tests {
    use qrcode::{Version, bits::Bits};

    use super::*;
    use crate::qr::read;

    fn uri() -> String {
        format!("FIDO:/{}", "0123456789".repeat(18))
    }

    /// What a terminal of 256 colours shows: pixels, `scale` per module.
    fn render(ansi: &str, scale: u32) -> GrayImage {
        let mut rows: Vec<Vec<bool>> = Vec::new();
        for line in ansi.lines() {
            let (mut upper, mut lower) = (Vec::new(), Vec::new());
            let (mut foreground, mut background) = (None, None);
            let mut rest = line;
            while let Some(c) = rest.chars().next() {
                if let Some(sequence) = rest.strip_prefix("\x1b[") {
                    let end = sequence.find('m').unwrap();
                    let numbers: Vec<u8> =
                        sequence[..end].split(';').map(|n| n.parse().unwrap()).collect();
                    match numbers[..] {
                        [0] => (foreground, background) = (None, None),
                        [38, 5, f, 48, 5, b] => (foreground, background) = (Some(f), Some(b)),
                        _ => panic!("{numbers:?}"),
                    }
                    rest = &sequence[end + 1..];
                    continue;
                }
                let dark = |color: Option<u8>| match color.expect("an explicit colour") {
                    DARK => true,
                    LIGHT => false,
                    other => panic!("colour {other}"),
                };
                let (up, down) = match c {
                    ' ' => (background, background),
                    '▀' => (foreground, background),
                    '▄' => (background, foreground),
                    other => panic!("{other:?}"),
                };
                upper.push(dark(up));
                lower.push(dark(down));
                rest = &rest[c.len_utf8()..];
            }
            assert_eq!((foreground, background), (None, None), "colours leak into the next line");
            rows.extend([upper, lower]);
        }
        let (width, height) = (rows[0].len() as u32, rows.len() as u32);
        GrayImage::from_fn(width * scale, height * scale, |x, y| {
            Luma([if rows[(y / scale) as usize][(x / scale) as usize] { 0 } else { 255 }])
        })
    }

    #[test]
    fn what_the_terminal_shows_can_be_read() {
        for text in [uri(), "FIDO:/1".into(), format!("FIDO:/{}", "9".repeat(500))] {
            let ansi = Drawing::new(&text).unwrap().to_ansi();
            for scale in [2, 3, 5, 8] {
                assert_eq!(read::codes(&render(&ansi, scale)), [text.as_str()], "scale {scale}");
            }
        }
    }

    #[test]
    fn the_terminal_drawing_has_a_quiet_zone_on_all_sides() {
        let drawing = Drawing::new(&uri()).unwrap();
        let pixels = render(&drawing.to_ansi(), 1);
        let side = drawing.side() as u32;
        for (x, y, pixel) in pixels.enumerate_pixels() {
            let quiet = x < 4 || y < 4 || x >= side - 4 || y >= side - 4;
            assert!(!quiet || pixel.0 == [255], "{x},{y}");
        }
        assert_eq!(pixels.get_pixel(4, 4).0, [0]);
    }

    #[test]
    fn a_usual_code_fits_a_terminal_of_80_by_24() {
        let ansi = Drawing::new(&uri()).unwrap().to_ansi();
        assert!(ansi.lines().count() <= 24);
    }

    #[test]
    fn digits_are_encoded_as_digits() {
        let text = uri();
        let fits = |version: i16| {
            let mut bits = Bits::new(Version::Normal(version));
            bits.push_alphanumeric_data(b"FIDO:/").is_ok()
                && bits.push_numeric_data(&text.as_bytes()[6..]).is_ok()
                && bits.push_terminator(EcLevel::L).is_ok()
                && QrCode::with_bits(bits, EcLevel::L).is_ok()
        };
        let smallest = (1..=40).find(|version| fits(*version)).unwrap();
        assert_eq!(Drawing::new(&text).unwrap().width, usize::try_from(smallest).unwrap() * 4 + 17);
    }

    #[test]
    fn the_picture_can_be_read() {
        assert_eq!(read::codes(&Drawing::new(&uri()).unwrap().to_image()), [uri()]);
    }

    #[test]
    fn a_text_beyond_every_code_is_refused() {
        assert_eq!(Drawing::new(&"9".repeat(8000)).err().unwrap().reason, "qr_too_long");
    }

    #[test]
    fn a_picture_that_can_not_be_written_leaves_nothing_behind() {
        let directory = std::env::temp_dir().join(format!("towline-draw-{}", std::process::id()));
        fs::create_dir_all(directory.join("taken.png")).unwrap();
        let failure =
            Drawing::new(&uri()).unwrap().write_png(&directory.join("taken.png")).unwrap_err();
        assert_eq!(failure.reason, "qr_image");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "a part is left");
        fs::remove_dir_all(directory).unwrap();
    }
}
