#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod screen;

use rqrr::PreparedImage;

use self::screen::Screen;

/// What is darker than these is dark, one after the other: a window that fades in is paler than it
/// will be.
const LIMITS: [u8; 3] = [127, 191, 229];

/// The texts of all codes in a picture of this width, each once. `levels` are those of grey, row by
/// row, 0 is black; what is left after whole rows is not looked at.
///
/// A photo may be turned and blurred, and a screenshot have anything around the code. Light codes
/// on a dark ground are looked for where there is none on a light one.
#[must_use]
pub fn codes(width: usize, levels: &[u8]) -> Vec<String> {
    let picture = Picture { width, height: levels.len().checked_div(width).unwrap_or(0), levels };
    let light_ground = |level: u8| level;
    let dark_ground = |level: u8| u8::MAX.saturating_sub(level);
    let mut found = picture.read(light_ground);
    if found.is_empty() {
        found = picture.read(dark_ground);
    }
    for limit in LIMITS {
        if found.is_empty() {
            found = picture.read_screen(light_ground, limit);
        }
        if found.is_empty() {
            found = picture.read_screen(dark_ground, limit);
        }
    }
    found
}

struct Picture<'a> {
    width: usize,
    height: usize,
    levels: &'a [u8],
}

impl Picture<'_> {
    fn level(&self, x: usize, y: usize) -> Option<u8> {
        let inside = x < self.width && y < self.height;
        let at = y.checked_mul(self.width)?.checked_add(x)?;
        if inside { self.levels.get(at).copied() } else { None }
    }

    /// As browsers draw them on a screen, with dots.
    fn read_screen(&self, level: impl Fn(u8) -> u8, limit: u8) -> Vec<String> {
        let dark = |x: i64, y: i64| {
            let at = usize::try_from(x).ok().zip(usize::try_from(y).ok());
            let pixel = at.and_then(|(x, y)| self.level(x, y));
            pixel.is_some_and(|pixel| level(pixel) < limit)
        };
        let side = |pixels: usize| i64::try_from(pixels).unwrap_or(0);
        Screen { dark, width: side(self.width), height: side(self.height) }.codes()
    }

    fn read(&self, level: impl Fn(u8) -> u8) -> Vec<String> {
        let pixel = |x: usize, y: usize| self.level(x, y).map_or(0, &level);
        let mut found: Vec<String> = Vec::new();
        let (width, height) = (self.width, self.height);
        if width == 0 || height == 0 {
            return found;
        }
        for grid in PreparedImage::prepare_from_greyscale(width, height, pixel).detect_grids() {
            if let Ok((_, text)) = grid.decode()
                && !found.contains(&text)
            {
                found.push(text);
            }
        }
        found
    }
}
