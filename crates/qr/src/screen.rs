//! Codes on a screen: upright, sharp, and drawn as browsers like it, with dots for modules, round
//! corners and a picture in the middle.
//!
//! The general reader takes the dots for a finer grid. On a screenshot nothing is turned or bent,
//! so that the three solid corners say exactly where each module is.

use rqrr::{Grid, SimpleGrid};

/// The sizes of codes that are looked for, in modules along a side: versions 1 to 15. A passkey
/// code has version 4 to 6.
const SIZES: std::ops::RangeInclusive<i64> = 21..=77;
/// From one version to the next.
const STEP: usize = 4;
/// How wide a corner is, in modules: one dark, one light, three dark, one light, one dark.
const CORNER: [i64; 5] = [1, 1, 3, 1, 1];
/// The same in all.
const CORNER_WIDTH: i64 = 7;
/// No picture has so many; what looks like them then is a pattern of something else.
const CORNERS_MAX: usize = 64;

/// Pixels by their place, as dark or not.
pub(super) struct Screen<F> {
    pub(super) dark: F,
    pub(super) width: i64,
    pub(super) height: i64,
}

/// What looks like a corner of a code. Its middle is in half pixels.
#[derive(Debug, Clone, Copy)]
struct Corner {
    x: i64,
    y: i64,
    /// From edge to edge: seven modules.
    width: i64,
}

impl<F: Fn(i64, i64) -> bool> Screen<F> {
    /// The texts of all codes, each once.
    pub(super) fn codes(&self) -> Vec<String> {
        let corners = self.corners();
        let mut found = Vec::new();
        for first in &corners {
            for right in corners.iter().filter(|right| first.is_left_of(right)) {
                for below in corners.iter().filter(|below| first.is_above(below)) {
                    if let Some(text) = self.read(first, right, below)
                        && !found.contains(&text)
                    {
                        found.push(text);
                    }
                }
            }
        }
        found
    }

    /// The code between three corners, if there is one.
    fn read(&self, first: &Corner, right: &Corner, below: &Corner) -> Option<String> {
        let (across, down) = (right.x.saturating_sub(first.x), below.y.saturating_sub(first.y));
        if across.abs_diff(down) > first.width.unsigned_abs() {
            return None;
        }
        SIZES.step_by(STEP).find_map(|size| {
            // From the middle of one corner to that of the next.
            let between = size.saturating_sub(CORNER_WIDTH);
            let expected =
                first.width.saturating_mul(2).saturating_mul(between).checked_div(CORNER_WIDTH)?;
            if across.abs_diff(expected) > first.width.saturating_mul(2).unsigned_abs() {
                return None;
            }
            let place = |start: i64, length: i64, module: usize| {
                let from_middle =
                    i64::try_from(module).unwrap_or(0).saturating_sub(CORNER_WIDTH / 2);
                let offset = from_middle.saturating_mul(length).checked_div(between).unwrap_or(0);
                start.saturating_add(offset) / 2
            };
            let grid = SimpleGrid::from_func(usize::try_from(size).ok()?, |x, y| {
                self.is_dark(place(first.x, across, x), place(first.y, down, y))
            });
            Grid::new(grid).decode().ok().map(|(_, text)| text)
        })
    }

    /// Everything that looks like a corner, from above and from the side.
    fn corners(&self) -> Vec<Corner> {
        let mut corners: Vec<Corner> = Vec::new();
        for y in 0..self.height {
            for (start, end) in ringed(self.width, |x| self.is_dark(x, y)) {
                let (middle, width) = (start.saturating_add(end), end.saturating_sub(start));
                let x = middle / 2;
                let near = |known: &Corner| {
                    known.x.abs_diff(middle) <= width.unsigned_abs()
                        && known.y.abs_diff(y.saturating_mul(2))
                            <= width.saturating_mul(2).unsigned_abs()
                };
                if corners.iter().any(near) {
                    continue;
                }
                // The same from above: the middle of it is in this row or near it.
                let top = y.saturating_sub(width);
                let columns =
                    ringed(width.saturating_mul(2), |dy| self.is_dark(x, top.saturating_add(dy)));
                let Some((from, to)) = columns.into_iter().find(|(from, to)| {
                    to.saturating_sub(*from).abs_diff(width) <= (width / 3).unsigned_abs()
                }) else {
                    continue;
                };
                let y = top.saturating_mul(2).saturating_add(from).saturating_add(to);
                corners.push(Corner { x: middle, y, width });
                if corners.len() >= CORNERS_MAX {
                    return corners;
                }
            }
        }
        corners
    }

    fn is_dark(&self, x: i64, y: i64) -> bool {
        (0..self.width).contains(&x) && (0..self.height).contains(&y) && (self.dark)(x, y)
    }
}

impl Corner {
    /// A corner of the same size in the same row.
    fn is_left_of(&self, other: &Self) -> bool {
        other.x > self.x
            && self.is_beside(other)
            && self.y.abs_diff(other.y) <= self.width.unsigned_abs()
    }

    /// A corner of the same size in the same column.
    fn is_above(&self, other: &Self) -> bool {
        other.y > self.y
            && self.is_beside(other)
            && self.x.abs_diff(other.x) <= self.width.unsigned_abs()
    }

    fn is_beside(&self, other: &Self) -> bool {
        self.width.abs_diff(other.width) <= (self.width / 3).unsigned_abs()
    }
}

/// Where a line goes through a corner: the first pixel, and the one after the last.
fn ringed(length: i64, dark: impl Fn(i64) -> bool) -> Vec<(i64, i64)> {
    let mut found = Vec::new();
    // Where the last runs began; the newest is last.
    let mut starts = [0_i64; CORNER.len()];
    let mut before = false;
    let mut runs = 0_usize;
    for at in 0..=length {
        let now = at < length && dark(at);
        if now == before && at < length {
            continue;
        }
        if before && runs >= CORNER.len() && fits(&starts, at) {
            found.push((starts[0], at));
        }
        starts.rotate_left(1);
        if let Some(newest) = starts.last_mut() {
            *newest = at;
        }
        (before, runs) = (now, runs.saturating_add(1));
    }
    found
}

/// Whether runs that begin here, the last of them up to `end`, are as long as those of a corner, to
/// within half a module.
fn fits(starts: &[i64; CORNER.len()], end: i64) -> bool {
    let whole = end.saturating_sub(starts[0]);
    let ends = starts.iter().skip(1).chain([&end]);
    whole >= CORNER_WIDTH
        && starts.iter().zip(ends).zip(CORNER).all(|((start, end), modules)| {
            let seven = end.saturating_sub(*start).saturating_mul(CORNER_WIDTH);
            seven.abs_diff(modules.saturating_mul(whole))
                <= (whole / 2).saturating_add(CORNER_WIDTH).unsigned_abs()
        })
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::unwrap_used)]
mod tests {
    use image::{GrayImage, Luma};
    use qrcode::{Color, EcLevel, QrCode};

    fn codes(picture: &GrayImage) -> Vec<String> {
        crate::codes(usize::try_from(picture.width()).unwrap(), picture.as_raw())
    }

    /// A code as browsers draw it: solid corners, a dot for each other module, and a hole in the
    /// middle, on a page.
    fn drawn(text: &str, module: u32, offset: u32) -> GrayImage {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        let size = code.width();
        let side = size as u32 * module;
        let mut page =
            GrayImage::from_pixel(side + 2 * offset + 31, side + offset + 57, Luma([255]));
        let corner =
            |x: usize, y: usize| (x < 7 || x >= size - 7) && y < 7 || x < 7 && y >= size - 7;
        let hole = |at: usize| (size / 2 - 3..=size / 2 + 3).contains(&at);
        for (y, x) in (0..size).flat_map(|y| (0..size).map(move |x| (y, x))) {
            if code[(x, y)] == Color::Light || hole(x) && hole(y) {
                continue;
            }
            for (dy, dx) in (0..module).flat_map(|dy| (0..module).map(move |dx| (dy, dx))) {
                let from_middle = |at: u32| f64::from(at) + 0.5 - f64::from(module) / 2.0;
                let far = from_middle(dx).hypot(from_middle(dy)) > f64::from(module) * 0.38;
                if far && !corner(x, y) {
                    continue;
                }
                let (px, py) = (x as u32 * module + dx + offset, y as u32 * module + dy + offset);
                page.put_pixel(px, py, Luma([0]));
            }
        }
        page
    }

    #[test]
    fn a_code_of_dots_with_a_picture_in_it_is_read_from_the_screen() {
        let text = format!("FIDO:/{}", "0123456789".repeat(17));
        for (module, offset) in [(4, 40), (5, 61), (6, 97), (7, 41), (10, 120)] {
            assert_eq!(codes(&drawn(&text, module, offset)), [text.as_str()], "{module}");
        }
    }

    #[test]
    fn a_code_in_a_window_that_fades_in_is_read() {
        let text = format!("FIDO:/{}", "0123456789".repeat(17));
        let page = drawn(&text, 6, 97);
        // How opaque the window is, in percent, over a white page and a grey one.
        for (opaque, ground) in [(60, 255), (30, 255), (20, 255), (40, 235)] {
            let faded = GrayImage::from_fn(page.width(), page.height(), |x, y| {
                let level = u32::from(page.get_pixel(x, y).0[0]);
                Luma([((level * opaque + ground * (100 - opaque)) / 100) as u8])
            });
            assert_eq!(codes(&faded), [text.as_str()], "{opaque} on {ground}");
        }
    }

    /// Pictures of noise, stripes and squares, of all small sizes: nothing is read from them, and
    /// nothing goes wrong.
    #[test]
    fn whatever_is_on_the_screen_nothing_is_made_up() {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 24
        };
        for round in 0..400_u32 {
            let (width, height) = (round % 71 + 1, round % 53 + 1);
            let (grain, kind) = (round % 9 + 1, round % 3);
            let page = GrayImage::from_fn(width, height, |x, y| {
                let light = match kind {
                    0 => noise() > 127,
                    1 => x / grain % 2 == 0,
                    _ => (x / grain + y / grain) % 2 == 0,
                };
                Luma([if light { 255 } else { 0 }])
            });
            assert!(codes(&page).is_empty(), "round {round}");
        }
    }

    #[test]
    fn a_page_without_a_code_has_none() {
        let mut page = drawn("FIDO:/123", 6, 40);
        for (x, y, pixel) in page.enumerate_pixels_mut() {
            if x > 100 || y > 100 {
                *pixel = Luma([255]);
            }
        }
        assert!(codes(&page).is_empty());
    }
}
