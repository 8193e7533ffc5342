//! Reads QR codes from pictures.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use image::{DynamicImage, GrayImage, ImageReader, Limits, Luma, LumaA};
use towline::hybrid::CodeSource;

use super::capture::{self, SCREEN};
use crate::exit::Failure;

/// Larger pictures are refused, in pixels along one side.
const SIDE_MAX: u32 = 8192;
/// A text with so many digits may be that of a code, and is not repeated.
const DIGITS_SHOWN: usize = 12;
/// What decoding a picture may allocate, in bytes.
const ALLOCATION_MAX: u64 = 256 << 20;

/// The texts of all QR codes in a picture file; at least one.
pub(crate) fn file(path: &Path) -> Result<Vec<String>, Failure> {
    let shown = path.display();
    let unreadable = |what: String| {
        Failure::usage("picture_unreadable", format!("{shown} can't be read: {what}"))
    };
    // By its first bytes alone: the name of a file says nothing.
    let mut reader = File::open(path)
        .and_then(|file| ImageReader::new(BufReader::new(file)).with_guessed_format())
        .map_err(|error| unreadable(error.to_string()))?;
    if reader.format().is_none() {
        return Err(Failure::usage(
            "not_a_picture",
            format!("{shown} is not a PNG or JPEG picture"),
        ));
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(ALLOCATION_MAX);
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| unreadable(error.to_string()))?;
    let found = codes_on_any_ground(picture);
    if found.is_empty() {
        let what = "no QR code was found; take the picture straight on, sharp, with an empty border around the code";
        return Err(Failure::usage("no_qr_code", format!("{shown}: {what}")));
    }
    Ok(found)
}

/// What is transparent shows what is behind it: white for most viewers, and where there is no code
/// so, black.
fn codes_on_any_ground(picture: DynamicImage) -> Vec<String> {
    if !picture.color().has_alpha() {
        return codes(&picture.into_luma8());
    }
    let picture = picture.into_luma_alpha8();
    let on = |ground: u8| {
        GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
            let LumaA([level, opaque]) = *picture.get_pixel(x, y);
            let mixed = u32::from(level).saturating_mul(opaque.into()).saturating_add(
                u32::from(ground).saturating_mul(u8::MAX.saturating_sub(opaque).into()),
            );
            let level = mixed.checked_div(u8::MAX.into()).map(u8::try_from);
            Luma([level.and_then(Result::ok).unwrap_or(u8::MAX)])
        })
    };
    let found = codes(&on(u8::MAX));
    if found.is_empty() { codes(&on(0)) } else { found }
}

/// The text of the one passkey code: the argument itself, or what the picture shows; and which of
/// the two it was.
pub(crate) fn passkey_code(text_or_path: &str) -> Result<(String, CodeSource), Failure> {
    let text = text_or_path.trim();
    if is_passkey_code(text) {
        return Ok((text.to_owned(), CodeSource::Typed));
    }
    let path = named(text);
    if text == SCREEN && !path.exists() {
        return only(capture::codes()?, "the screen");
    }
    if !path.exists() {
        // The text of a code with a wrong letter is a secret still.
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let shown = if digits < DIGITS_SHOWN { format!("{text:?}") } else { "that".to_owned() };
        let what = "is neither the text of a passkey QR code (FIDO:/ and digits) nor a file";
        return Err(Failure::usage("not_a_code", format!("{shown} {what}")));
    }
    only(file(&path)?, &path.display().to_string())
}

/// Whether this is meant to be a code: its text, a file, or the word for the screen.
pub(crate) fn looks_like_a_code(text: &str) -> bool {
    let text = text.trim();
    is_passkey_code(text) || text == SCREEN || named(text).is_file()
}

/// The file that a person names: as they type it, and as file managers and shells write it when it
/// is dragged into a terminal, in quotes, as a URL, or with backslashes.
pub(crate) fn named(text: &str) -> PathBuf {
    let as_it_is = PathBuf::from(text);
    if as_it_is.exists() {
        return as_it_is;
    }
    let quoted = |mark: char| text.strip_prefix(mark)?.strip_suffix(mark);
    let plain = quoted('\'').or_else(|| quoted('"'));
    let text = plain.unwrap_or(text);
    if let Some(path) = url::Url::parse(text).ok().filter(|url| url.scheme() == "file") {
        return path.to_file_path().unwrap_or(as_it_is);
    }
    if let (Some(rest), Some(home)) = (text.strip_prefix("~/"), std::env::home_dir()) {
        return home.join(rest);
    }
    match plain {
        Some(plain) => plain.into(),
        None if cfg!(unix) => without_backslashes(text).into(),
        None => as_it_is,
    }
}

/// As a shell reads it: a backslash takes the meaning from what follows.
fn without_backslashes(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

/// The one passkey code among these, which this picture shows.
fn only(codes: Vec<String>, shown: &str) -> Result<(String, CodeSource), Failure> {
    if codes.is_empty() {
        return Err(Failure::usage("no_qr_code", format!("{shown} shows no QR code")));
    }
    let mut passkeys: Vec<String> =
        codes.into_iter().filter(|code| is_passkey_code(code)).collect();
    match (passkeys.pop(), passkeys.len()) {
        (Some(code), 0) => Ok((code, CodeSource::File)),
        (Some(_), others) => Err(Failure::usage(
            "several_codes",
            format!("{shown} shows {} passkey QR codes; leave one", others.saturating_add(1)),
        )),
        (None, _) => Err(Failure::usage(
            "other_qr_code",
            format!("{shown} shows a QR code, but not one for passkeys: those start with FIDO:/"),
        )),
    }
}

pub(super) fn is_passkey_code(text: &str) -> bool {
    text.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("FIDO:/"))
}

/// The texts of all codes in a picture, each once.
pub(crate) fn codes(picture: &GrayImage) -> Vec<String> {
    let width = usize::try_from(picture.width()).unwrap_or(0);
    towline_qr::codes(width, picture.as_raw())
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use std::path::PathBuf;

    use image::{DynamicImage, GenericImage, Luma, imageops};

    use super::*;
    use crate::qr::draw::Drawing;

    fn picture(text: &str) -> GrayImage {
        Drawing::new(text).unwrap().to_image()
    }

    fn beside(left: &GrayImage, right: &GrayImage) -> GrayImage {
        let height = left.height().max(right.height());
        let mut both = GrayImage::from_pixel(left.width() + right.width(), height, Luma([255]));
        both.copy_from(left, 0, 0).unwrap();
        both.copy_from(right, left.width(), 0).unwrap();
        both
    }

    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("towline-read-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn save(&self, name: &str, picture: &GrayImage) -> String {
            let path = self.0.join(name);
            DynamicImage::ImageLuma8(picture.clone()).save(&path).unwrap();
            path.to_str().unwrap().to_owned()
        }

        fn write(&self, name: &str, bytes: &[u8]) -> String {
            let path = self.0.join(name);
            std::fs::write(&path, bytes).unwrap();
            path.to_str().unwrap().to_owned()
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn png_and_jpeg_are_read() {
        let directory = Directory::new("formats");
        for name in ["code.png", "code.jpg", "code.jpeg"] {
            let path = directory.save(name, &picture("FIDO:/123"));
            assert_eq!(passkey_code(&path).unwrap().0, "FIDO:/123", "{name}");
        }
    }

    #[test]
    fn the_name_of_a_file_does_not_decide_its_format() {
        let directory = Directory::new("name");
        let path = directory.save("code.png", &picture("FIDO:/123"));
        let renamed = directory.write("code.dat", &std::fs::read(path).unwrap());
        assert_eq!(passkey_code(&renamed).unwrap().0, "FIDO:/123");
    }

    #[test]
    fn a_code_drawn_on_nothing_is_read_whatever_the_hidden_colour_is() {
        let directory = Directory::new("transparent");
        let code = picture("FIDO:/123");
        // The colour of the modules, and that under what can't be seen.
        for (number, (ink, hidden)) in [(0, 0), (0, 255), (255, 255), (255, 0)].iter().enumerate() {
            let path = directory.0.join(format!("{number}.png"));
            let drawn = image::GrayAlphaImage::from_fn(code.width(), code.height(), |x, y| {
                match code.get_pixel(x, y).0 {
                    [0] => LumaA([*ink, 255]),
                    _ => LumaA([*hidden, 0]),
                }
            });
            drawn.save(&path).unwrap();
            let read = passkey_code(path.to_str().unwrap()).unwrap().0;
            assert_eq!(read, "FIDO:/123", "{ink} on {hidden}");
        }
    }

    #[test]
    fn a_file_is_found_by_the_name_that_a_terminal_gets_when_it_is_dragged_in() {
        let directory = Directory::new("dragged");
        let path = directory.save("my code.png", &picture("FIDO:/123"));
        for name in [
            path.clone(),
            format!("'{path}'"),
            format!("\"{path}\""),
            format!("file://{}", path.replace(' ', "%20")),
            path.replace(' ', "\\ "),
        ] {
            assert!(looks_like_a_code(&name), "{name}");
            assert_eq!(passkey_code(&name).unwrap().0, "FIDO:/123", "{name}");
        }
        let home = std::env::home_dir().unwrap();
        assert_eq!(named("~/some/code.png"), home.join("some/code.png"));
        assert_eq!(named("no-such-file.png"), Path::new("no-such-file.png"));
    }

    #[test]
    fn the_text_of_a_mistyped_code_is_not_repeated() {
        let digits = "0123456789".repeat(17);
        for text in [format!("IDO:/{digits}"), format!("FIDO/{digits}"), digits.clone()] {
            let failure = passkey_code(&text).unwrap_err();
            assert!(!failure.message.contains(&digits[..20]), "{failure:?}");
        }
        let failure = passkey_code("code-12.png").unwrap_err();
        assert!(failure.message.contains("code-12.png"), "{failure:?}");
    }

    #[test]
    fn a_turned_or_inverted_code_is_read() {
        let upright = picture("FIDO:/123");
        assert_eq!(codes(&imageops::rotate90(&upright)), ["FIDO:/123"]);
        let mut inverted = upright;
        imageops::invert(&mut inverted);
        assert_eq!(codes(&inverted), ["FIDO:/123"]);
    }

    #[test]
    fn a_code_in_a_blurred_and_dim_photo_is_read() {
        let code = picture(&format!("FIDO:/{}", "0123456789".repeat(17)));
        let side = code.width() / 2;
        let code = imageops::resize(&code, side, side, imageops::FilterType::Triangle);
        let mut photo = GrayImage::from_pixel(side + 300, side + 200, Luma([120]));
        imageops::overlay(&mut photo, &code, 170, 60);
        let mut photo = imageops::blur(&photo, 0.8);
        for pixel in photo.pixels_mut() {
            pixel.0[0] = 50 + pixel.0[0] / 2;
        }
        assert_eq!(codes(&photo).len(), 1);
    }

    /// Numbers that look random and are the same each time.
    fn noise() -> impl FnMut() -> u8 {
        let mut state = 1_u32;
        move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        }
    }

    #[test]
    fn noise_is_no_code_and_does_no_harm() {
        let mut noise = noise();
        for (width, height) in
            [(1, 1), (1, 500), (500, 1), (2, 7), (21, 21), (33, 33), (200, 200), (640, 480)]
        {
            for threshold in [0, 8, 64, 128, 200, 255] {
                let picture = GrayImage::from_fn(width, height, |_, _| {
                    Luma([if noise() < threshold { 0 } else { 255 }])
                });
                assert_eq!(codes(&picture), Vec::<String>::new(), "{width}x{height}");
            }
        }
    }

    #[test]
    fn a_damaged_code_is_read_rightly_or_not_at_all() {
        let text = format!("FIDO:/{}", "0123456789".repeat(17));
        let whole = picture(&text);
        let mut noise = noise();
        for _ in 0..60 {
            let mut damaged = whole.clone();
            for _ in 0..noise() / 4 {
                let (x, y) = (
                    u32::from(noise()) * whole.width() / 256,
                    u32::from(noise()) * whole.height() / 256,
                );
                let level = if noise() < 128 { 0 } else { 255 };
                for (dx, dy) in (0..8).flat_map(|dx| (0..8).map(move |dy| (dx, dy))) {
                    if let Some(pixel) = damaged.get_pixel_mut_checked(x + dx, y + dy) {
                        pixel.0[0] = level;
                    }
                }
            }
            for found in codes(&damaged) {
                assert_eq!(found, text);
            }
        }
    }

    #[test]
    fn the_one_passkey_code_among_others_is_used() {
        let directory = Directory::new("among");
        let path = directory
            .save("two.png", &beside(&picture("https://example.org"), &picture("fido:/123")));
        assert_eq!(file(Path::new(&path)).unwrap().len(), 2);
        assert_eq!(passkey_code(&path).unwrap().0, "fido:/123");
    }

    #[test]
    fn two_passkey_codes_are_ambiguous() {
        let directory = Directory::new("two");
        let path = directory.save("two.png", &beside(&picture("FIDO:/123"), &picture("FIDO:/456")));
        assert_eq!(passkey_code(&path).unwrap_err().reason, "several_codes");
    }

    #[test]
    fn what_is_not_a_passkey_code_says_why() {
        let directory = Directory::new("not");
        let blank = GrayImage::from_pixel(300, 300, Luma([255]));
        for (path, reason) in [
            (directory.save("blank.png", &blank), "no_qr_code"),
            (directory.save("other.png", &picture("https://example.org")), "other_qr_code"),
            (directory.write("text.png", b"FIDO:/123"), "not_a_picture"),
            (directory.write("empty.png", b""), "not_a_picture"),
            (directory.write("cut.png", b"\x89PNG\r\n\x1a\n"), "picture_unreadable"),
            (directory.0.to_str().unwrap().to_owned(), "picture_unreadable"),
            (directory.0.join("missing.png").to_str().unwrap().to_owned(), "not_a_code"),
            ("https://example.org".into(), "not_a_code"),
            (String::new(), "not_a_code"),
        ] {
            assert_eq!(passkey_code(&path).unwrap_err().reason, reason, "{path}");
        }
    }

    #[test]
    fn a_picture_beyond_all_bounds_is_refused() {
        let directory = Directory::new("huge");
        let path = directory.save("huge.png", &GrayImage::new(SIDE_MAX + 1, 1));
        assert_eq!(passkey_code(&path).unwrap_err().reason, "picture_unreadable");
    }
}
