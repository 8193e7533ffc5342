//! Looks for secrets in a text, in the forms in which programs print bytes.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// How much of a secret is enough to be found: a log that cuts long values short is no excuse. Nine
/// bytes are whole characters of base64, and too many to occur by chance.
const ENOUGH: usize = 9;

/// What must not be found.
#[derive(Default)]
pub struct Secrets {
    bytes: Vec<(String, Vec<u8>)>,
    texts: Vec<(String, String)>,
}

/// A form in which bytes are printed.
type Form = fn(&[u8]) -> String;

const FORMS: [(&str, Form); 7] = [
    ("hex", |bytes| hex(bytes, "", |byte| format!("{byte:02x}"))),
    ("upper-case hex", |bytes| hex(bytes, "", |byte| format!("{byte:02X}"))),
    ("hex with colons", |bytes| hex(bytes, ":", |byte| format!("{byte:02x}"))),
    ("base64url", |bytes| URL_SAFE_NO_PAD.encode(bytes)),
    ("base64", |bytes| STANDARD_NO_PAD.encode(bytes)),
    ("a Debug list", |bytes| hex(bytes, ", ", |byte| format!("{byte}"))),
    ("a Debug list of hex", |bytes| hex(bytes, ", ", |byte| format!("{byte:02x}"))),
];

fn hex(bytes: &[u8], separator: &str, one: impl Fn(&u8) -> String) -> String {
    bytes.iter().map(one).collect::<Vec<_>>().join(separator)
}

impl Secrets {
    pub fn bytes(&mut self, what: &str, secret: &[u8]) {
        assert!(secret.len() >= ENOUGH, "{what} is too short to be told from chance");
        self.bytes.push((what.to_owned(), secret.to_vec()));
    }

    pub fn text(&mut self, what: &str, secret: &str) {
        self.texts.push((what.to_owned(), secret.to_owned()));
    }

    /// The secrets of one kind.
    pub fn of(&self, what: &str) -> Vec<Vec<u8>> {
        self.bytes
            .iter()
            .filter(|(kind, _)| kind == what)
            .map(|(_, secret)| secret.clone())
            .collect()
    }

    /// Which secrets a text gives away, and in which form.
    pub fn find(&self, log: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (what, secret) in &self.bytes {
            // The start, and the end, which is the whole of a value that is printed without its
            // start.
            for part in [&secret[..ENOUGH], &secret[secret.len() - ENOUGH..]] {
                for (name, form) in FORMS {
                    if log.contains(&form(part)) {
                        found.push(format!("{what} as {name}"));
                    }
                }
            }
        }
        for (what, text) in &self.texts {
            if log.contains(text.as_str()) || log.contains(&text.to_uppercase()) {
                found.push(what.clone());
            }
            for (name, form) in FORMS {
                if log.contains(&form(text.as_bytes())) {
                    found.push(format!("{what} as {name}"));
                }
            }
        }
        found
    }

    /// One secret of each kind in each form, to plant.
    pub fn planted(&self) -> Vec<(String, String)> {
        let mut planted = Vec::new();
        let mut kinds: Vec<&str> = Vec::new();
        for (what, secret) in &self.bytes {
            if !kinds.contains(&what.as_str()) {
                kinds.push(what);
                planted.extend(FORMS.iter().map(|(_, form)| (what.clone(), form(secret))));
                planted.push((what.clone(), format!("{:?}", &secret[..12.min(secret.len())])));
                planted.push((
                    what.clone(),
                    hex(&secret[..10.min(secret.len())], "", |byte| format!("{byte:02x}")),
                ));
            }
        }
        planted.extend(self.texts.iter().cloned());
        planted
    }
}
