//! What is on the screens of this machine, for a phone that is a program on the computer that shows the code, or that sees its
//! screen.

use crate::exit::Failure;

/// What a person writes instead of a code or a file.
pub(crate) const SCREEN: &str = "screen";

/// The texts of all QR codes on all screens.
#[cfg(feature = "screen")]
pub(crate) fn codes() -> Result<Vec<String>, Failure> {
    let failed = |error: xcap::XCapError| {
        Failure::environment(
            "screen",
            format!("the screen can't be seen ({error}); save a picture of it"),
        )
    };
    let monitors = xcap::Monitor::all().map_err(failed)?;
    if monitors.is_empty() {
        return Err(Failure::environment(
            "screen",
            "there is no screen here; save a picture of it",
        ));
    }
    let mut found: Vec<String> = Vec::new();
    for monitor in monitors {
        let picture = monitor.capture_image().map_err(failed)?;
        let picture = image::DynamicImage::ImageRgba8(picture).into_luma8();
        for code in super::read::codes(&picture) {
            if !found.contains(&code) {
                found.push(code);
            }
        }
    }
    Ok(found)
}

#[cfg(not(feature = "screen"))]
pub(crate) fn codes() -> Result<Vec<String>, Failure> {
    let message = "this program was built without a look at the screen (cargo's feature `screen`); save a picture of it, and give its name";
    Err(Failure::usage("no_screen", message))
}
