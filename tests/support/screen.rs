//! The computer's screen, and the phone's camera in front of it: a code crosses the gap as pixels.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use qrcode::{Color, QrCode};
use tokio::sync::{mpsc, watch};
use towline::{
    ComputerStep, Screen,
    client::{Account, BoxFuture, Pin, PinAnswer, PinQuestion},
};

/// The empty border that readers need, in modules.
const QUIET: usize = 4;
/// Pixels per module.
const SCALE: usize = 4;

/// A greyscale picture.
pub struct Picture {
    pub side: usize,
    pub pixels: Vec<u8>,
}

/// Draws a text as a QR code.
pub fn draw(text: &str) -> Picture {
    let code = QrCode::new(text).expect("it fits");
    let (width, modules) = (code.width(), code.to_colors());
    let side = (width + 2 * QUIET) * SCALE;
    let mut pixels = vec![255; side * side];
    for (index, color) in modules.into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = ((index % width + QUIET) * SCALE, (index / width + QUIET) * SCALE);
            for row in y..y + SCALE {
                pixels[row * side + x..row * side + x + SCALE].fill(0);
            }
        }
    }
    Picture { side, pixels }
}

/// Reads the one QR code of a picture.
pub fn read(picture: &Picture) -> String {
    let mut codes = towline_qr::codes(picture.side, &picture.pixels);
    assert_eq!(codes.len(), 1, "one code is on the screen");
    codes.remove(0)
}

/// What is on the computer's screen.
#[derive(Debug, Default)]
pub struct Shown {
    /// The steps as sentences, in order.
    pub sentences: Vec<String>,
    /// The steps as a log would have them.
    pub debug: Vec<String>,
    /// Whether a code is on the screen now.
    pub code: bool,
    /// The linked phones that the person was asked to choose from.
    pub phones: Vec<String>,
    /// The accounts that the person was asked to choose from.
    pub accounts: Vec<Account>,
}

/// The screen of one ceremony. Clones show the same.
#[derive(Debug, Clone)]
pub struct Display {
    pictures: mpsc::UnboundedSender<String>,
    shown: Arc<watch::Sender<Shown>>,
    cancel: Arc<watch::Sender<bool>>,
    /// Which of the linked phones is chosen, where a test says so.
    choice: Option<Choice>,
    /// What is typed when a PIN is asked for, one after the other; then it is called off.
    pins: Arc<Mutex<VecDeque<&'static str>>>,
}

/// How the person chooses among linked phones.
pub type Choice = fn(&[String]) -> Option<usize>;

/// Looks at one display.
pub struct Camera(mpsc::UnboundedReceiver<String>);

impl Camera {
    /// The text of the next code; nothing when the display was switched off without one.
    pub async fn scan(&mut self) -> Option<String> {
        self.0.recv().await
    }
}

impl Display {
    pub fn new() -> (Self, Camera) {
        let (pictures, camera) = mpsc::unbounded_channel();
        let display = Self {
            pictures,
            shown: Arc::default(),
            cancel: Arc::new(watch::Sender::new(false)),
            choice: None,
            pins: Arc::default(),
        };
        (display, Camera(camera))
    }

    /// The person chooses so among linked phones.
    pub fn choosing(self, choice: Choice) -> Self {
        Self { choice: Some(choice), ..self }
    }

    /// The person types these PINs.
    pub fn typing(self, pins: impl IntoIterator<Item = &'static str>) -> Self {
        Self { pins: Arc::new(Mutex::new(pins.into_iter().collect())), ..self }
    }

    /// What only watches and cancels, so that the display itself can be switched off.
    pub fn remote(&self) -> Remote {
        Remote { shown: self.shown.clone(), cancel: self.cancel.clone() }
    }
}

/// Watches a display, and presses its "cancel".
#[derive(Debug, Clone)]
pub struct Remote {
    shown: Arc<watch::Sender<Shown>>,
    cancel: Arc<watch::Sender<bool>>,
}

impl Remote {
    pub fn cancel(&self) {
        self.cancel.send_replace(true);
    }

    pub fn see<T>(&self, look: impl FnOnce(&Shown) -> T) -> T {
        look(&self.shown.borrow())
    }

    pub async fn until(&self, seen: impl FnMut(&Shown) -> bool) {
        self.shown.subscribe().wait_for(seen).await.expect("it holds its own sender");
    }

    pub async fn until_said(&self, sentence: &str) {
        self.until(|shown| shown.sentences.iter().any(|said| said == sentence)).await;
    }
}

impl Screen for Display {
    fn show(&self, step: ComputerStep<'_>) {
        if let ComputerStep::ShowCode(code) = step {
            let scanned = read(&draw(code));
            assert_eq!(scanned, code);
            // Nobody may be looking.
            let _ = self.pictures.send(scanned);
        }
        self.shown.send_modify(|shown| {
            match step {
                ComputerStep::ShowCode(_) => shown.code = true,
                ComputerStep::HideCode => shown.code = false,
                _ => {}
            }
            shown.sentences.push(step.to_string());
            shown.debug.push(format!("{step:?}"));
        });
    }

    fn choose<'a>(&'a self, accounts: &'a [Account]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(async move {
            self.shown.send_modify(|shown| shown.accounts = accounts.to_vec());
            Some(0)
        })
    }

    fn choose_phone<'a>(&'a self, names: &'a [String]) -> BoxFuture<'a, Option<usize>> {
        Box::pin(async move {
            self.shown.send_modify(|shown| shown.phones = names.to_vec());
            match self.choice {
                Some(choice) => choice(names),
                None => (names.len() == 1).then_some(0),
            }
        })
    }

    fn pin<'a>(&'a self, question: &'a PinQuestion) -> BoxFuture<'a, PinAnswer> {
        Box::pin(async move {
            self.shown.send_modify(|shown| shown.sentences.push(question.to_string()));
            let typed = self.pins.lock().unwrap().pop_front();
            typed.map_or(PinAnswer::Cancel, |pin| PinAnswer::Pin(Pin::new(pin)))
        })
    }

    fn cancelled(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut cancel = self.cancel.subscribe();
            // Can't fail: this display holds the sender.
            let _ = cancel.wait_for(|cancel| *cancel).await;
        })
    }
}
