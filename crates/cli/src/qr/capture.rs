//! What is on the screens of this machine, for a phone that is a program on the computer that shows
//! the code, or that sees its screen.

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
    for look in 0..LOOKS {
        if look > 0 {
            std::thread::sleep(PAUSE);
        }
        for monitor in &monitors {
            let picture = monitor.capture_image().map_err(failed)?;
            let picture = image::DynamicImage::ImageRgba8(picture).into_luma8();
            for code in super::read::codes(&picture) {
                if !found.contains(&code) {
                    found.push(code);
                }
            }
        }
        if !found.is_empty() {
            break;
        }
    }
    Ok(found)
}

/// How often the screen is looked at, and how long between: a window with a code may be about to
/// appear.
#[cfg(feature = "screen")]
const LOOKS: u32 = 3;
#[cfg(feature = "screen")]
const PAUSE: std::time::Duration = std::time::Duration::from_millis(400);

#[cfg(not(feature = "screen"))]
pub(crate) fn codes() -> Result<Vec<String>, Failure> {
    let message = "this program was built without a look at the screen (cargo's feature `screen`); save a picture of it, and give its name";
    Err(Failure::usage("no_screen", message))
}
