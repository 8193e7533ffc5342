//! Pictures in few bytes.

/// No side is longer.
const SIDE: usize = 640;

/// The picture that these bytes stand for: its width, and its levels of grey. The first byte says
/// how it is drawn, the second how many points stand in a row; then each bit is a point, drawn as a
/// square of up to eight pixels, or with the highest bit of the first byte each byte is one.
///
/// The next three bits change how dark and light differ: as in a window that fades in, or inverted.
#[must_use]
pub fn levels(bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
    let (&[how, across], points) = bytes.split_first_chunk()?;
    let scale = usize::from(how & 7) + 1;
    let across = usize::from(across);
    let (dark, light) = match how >> 3 & 7 {
        0 | 1 => (0, 255),
        2 => (255, 0),
        3 => (140, 255),
        4 => (200, 255),
        5 => (120, 136),
        6 => (30, 180),
        _ => (64, 64),
    };
    let bit = |at: usize| points.get(at / 8).map(|byte| byte >> (at % 8) & 1 == 1);
    let point = |at: usize| match how & 0x80 {
        0 => bit(at).map(|set| if set { dark } else { light }),
        _ => points.get(at).copied(),
    };
    let many = if how & 0x80 == 0 { points.len() * 8 } else { points.len() };
    let (width, height) = (across * scale, many.checked_div(across)? * scale);
    if width > SIDE || height > SIDE {
        return None;
    }
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let levels = pixels.map(|(x, y)| point(y / scale * across + x / scale).unwrap_or(light));
    Some((width, levels.collect()))
}
