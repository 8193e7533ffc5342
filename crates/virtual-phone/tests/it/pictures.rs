//! Codes that cross the gap as pixels.

use std::io::Cursor;

use image::{GrayImage, ImageFormat, Luma};
use qrcode::{Color, QrCode};
use towline_virtual_phone::{FakeComputer, FakePhone, PictureError, Place};

use crate::fakes_meet::{CREATE, GET, ORIGIN};

/// Pixels a module, and the empty border that readers need, in modules.
const SCALE: usize = 4;
const QUIET: usize = 4;

/// A text as a computer draws it, or several side by side.
fn draw(texts: &[&str]) -> GrayImage {
    let codes: Vec<_> = texts.iter().map(|text| QrCode::new(text).unwrap()).collect();
    let sides = codes.iter().map(|code| code.width() + 2 * QUIET);
    let (width, height) = (sides.clone().sum::<usize>(), sides.max().unwrap_or(1));
    let pixels = |modules: usize| u32::try_from(modules * SCALE).unwrap();
    let mut picture = GrayImage::from_pixel(pixels(width.max(1)), pixels(height), Luma([255]));
    let mut left = 0;
    for code in codes {
        for (index, color) in code.to_colors().into_iter().enumerate() {
            let (x, y) = (index % code.width() + left + QUIET, index / code.width() + QUIET);
            for (dx, dy) in (0..SCALE * SCALE).map(|at| (at % SCALE, at / SCALE)) {
                let at = |module: usize, by: usize| u32::try_from(module * SCALE + by).unwrap();
                if color == Color::Dark {
                    picture.put_pixel(at(x, dx), at(y, dy), Luma([0]));
                }
            }
        }
        left += code.width() + 2 * QUIET;
    }
    picture
}

fn png(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn a_picture_of_the_code_is_as_good_as_its_text() {
    let place = Place::open().await.unwrap();
    let (mut phone, computer) = (FakePhone::at(&place).unwrap(), FakeComputer::at(&place));
    let mut screen = computer.create(ORIGIN, CREATE);
    let picture = draw(&[&screen.code().await.unwrap()]);
    assert_eq!(phone.scan_png(&png(&picture)).await.unwrap().requests, 1);
    screen.response().await.unwrap();

    let mut screen = computer.get(ORIGIN, GET);
    let picture = draw(&[&screen.code().await.unwrap(), "https://example.org"]);
    let width = usize::try_from(picture.width()).unwrap();
    assert_eq!(phone.scan_luma(width, picture.as_raw()).await.unwrap().requests, 1);
    screen.response().await.unwrap();
}

#[tokio::test]
async fn a_picture_without_the_code_says_so() {
    let place = Place::open().await.unwrap();
    let mut phone = FakePhone::at(&place).unwrap();
    let mut screen = FakeComputer::at(&place).create(ORIGIN, CREATE);
    let code = screen.code().await.unwrap();
    let mut another = FakeComputer::at(&place).get(ORIGIN, GET);
    let other = another.code().await.unwrap();
    for (texts, found) in [(vec![], 0), (vec!["https://example.org"], 0), (vec![&*code, &other], 2)]
    {
        let error = phone.scan_png(&png(&draw(&texts))).await.unwrap_err();
        assert_eq!(error, PictureError::NotOneCode(found));
    }
    assert!(matches!(phone.scan_png(b"GIF89a").await, Err(PictureError::Unreadable(_))));
    for (width, pixels) in [(0, 4), (3, 4), (4, 0), (usize::MAX, 4)] {
        let error = phone.scan_luma(width, &vec![0; pixels]).await.unwrap_err();
        assert_eq!(error, PictureError::Shape { width, pixels });
    }
    assert!(phone.person().heard().is_empty());
}
