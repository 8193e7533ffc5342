//! The paper key: 24 words that a person writes down, or the same as a code to be scanned.

use std::fmt;

use bip39::{Language, Mnemonic};
use towline_crypto::{CryptoProvider, Error, Secret, zeroize::Zeroizing};

use crate::DeviceKeys;

/// How many words there are.
const WORDS: usize = 24;
/// So many first letters are enough: no two words of the list share them.
const ENOUGH: usize = 4;
/// What the code starts with. It and the digits fit into the smaller alphabet of QR codes.
const CODE: &str = "TOWLINE-PAPER:";
/// Digits of one word in the code: its place in the list, from 0.
const DIGITS: usize = 4;
/// How long the text of the code is.
const CODE_LENGTH: usize = CODE.len() + WORDS * DIGITS;

/// The key on paper: 32 random bytes, and a checksum of 8 bits. The words are those of BIP-39 in
/// English, for all people: wallets, typewriters and half of the world know them, and each is told
/// from all others by its first four letters.
///
/// Whoever has it can read all that lies in the store and change who belongs to the circle. It is
/// shown once, and nowhere kept.
pub struct PaperKey(Box<Mnemonic>);

impl fmt::Debug for PaperKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaperKey(24 words)")
    }
}

/// Why what was typed or scanned is no paper key. Prints as a sentence that says what to do, and
/// never with a word of the key.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PaperKeyError {
    /// A word is not in the list.
    #[error("word {0} is none of the list; look at the paper and type it again")]
    UnknownWord(usize),
    /// There are more words than a paper key has, or fewer.
    #[error("a paper key has 24 words, and these are {0}; type all of them in their order")]
    WordCount(usize),
    /// All words are of the list, and they don't belong together.
    #[error(
        "these are 24 words of the list, but no paper key: one is not the one on the paper, or two \
         are in each other's place; compare them one by one"
    )]
    Checksum,
    /// What was scanned is cut or changed.
    #[error("this is not a whole code of a paper key; scan it again, or type the words")]
    Code,
}

impl PaperKey {
    /// A new one.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate(crypto: &CryptoProvider) -> Result<Self, Error> {
        let secret = Secret::<32>::try_init(|bytes| crypto.random.fill(bytes))?;
        let words = Mnemonic::from_entropy(secret.expose()).map_err(|_| Error::Length)?;
        Ok(Self(Box::new(words)))
    }

    /// Reads what a person typed or scanned: the words, or the code. In words neither the case
    /// matters nor what is between them, such as numbers, and their first four letters are enough.
    ///
    /// # Errors
    /// [`PaperKeyError`] says which word is wrong.
    pub fn read(text: &str) -> Result<Self, PaperKeyError> {
        let text = text.trim();
        let is_code = text.get(..CODE.len()).is_some_and(|head| head.eq_ignore_ascii_case(CODE));
        let places = match text.get(CODE.len()..) {
            Some(digits) if is_code => read_digits(digits)?,
            _ => read_words(text)?,
        };
        let words = Zeroizing::new(joined(places.iter().copied()));
        match Mnemonic::parse_in_normalized(Language::English, &words) {
            Ok(words) => Ok(Self(Box::new(words))),
            Err(_) => Err(if is_code { PaperKeyError::Code } else { PaperKeyError::Checksum }),
        }
    }

    /// The 24 words in their order, with a space between two.
    #[must_use]
    pub fn words(&self) -> Zeroizing<String> {
        Zeroizing::new(joined(self.0.word_indices()))
    }

    /// The text of the code to be printed: the same key, for whoever has a camera.
    #[must_use]
    pub fn code(&self) -> Zeroizing<String> {
        let mut code = Zeroizing::new(String::with_capacity(CODE_LENGTH));
        code.push_str(CODE);
        for place in self.0.word_indices() {
            for unit in [1000, 100, 10, 1] {
                let digit = place.checked_div(unit).and_then(|rest| rest.checked_rem(10));
                let digit = digit.and_then(|digit| u32::try_from(digit).ok());
                code.extend(digit.and_then(|digit| char::from_digit(digit, 10)));
            }
        }
        code
    }

    /// Two words to ask back before the key counts as written down: their places, from 1, in
    /// ascending order.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn places_to_ask(&self, crypto: &CryptoProvider) -> Result<[usize; 2], Error> {
        let [first, distance] = crypto.random.bytes::<2>()?.map(usize::from);
        let first = first % WORDS;
        let distance = (distance % (WORDS - 1)).saturating_add(1);
        let second = first.saturating_add(distance) % WORDS;
        Ok([first.min(second), first.max(second)].map(|place| place.saturating_add(1)))
    }

    /// Whether the word at this place, from 1, is what was typed, as forgiving as [`Self::read`].
    #[must_use]
    pub fn is_word(&self, place: usize, typed: &str) -> bool {
        let word = place.checked_sub(1).and_then(|place| self.0.word_indices().nth(place));
        let mut typed = typed_words(typed);
        let (found, more) = (typed.next(), typed.next());
        word.is_some() && more.is_none() && found.and_then(|word| find(&word)) == word
    }

    /// The keys of the member on paper.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the provider has no ES256.
    pub fn keys(&self, crypto: &CryptoProvider) -> Result<DeviceKeys, Error> {
        let (entropy, length) = self.0.to_entropy_array();
        let entropy = Zeroizing::new(entropy);
        DeviceKeys::from_seed(crypto, entropy.get(..length).ok_or(Error::Length)?)
    }
}

/// The words at these places of the list.
fn joined(places: impl Iterator<Item = usize>) -> String {
    // No word has more than 8 letters: no copy stays behind where the text has grown.
    let mut words = String::with_capacity(WORDS * 9);
    for word in places.filter_map(|place| Language::English.word_list().get(place)) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

/// What was typed as a word each, in small letters.
fn typed_words(text: &str) -> impl Iterator<Item = Zeroizing<String>> + '_ {
    let words = text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty());
    words.map(|word| Zeroizing::new(word.to_lowercase()))
}

/// The place in the list of the word that this is, or that it begins.
fn find(typed: &str) -> Option<usize> {
    if let Some(place) = Language::English.find_word(typed) {
        return Some(usize::from(place));
    }
    let begun = |word: &&str| typed.len() >= ENOUGH && word.starts_with(typed);
    Language::English.word_list().iter().position(begun)
}

fn read_words(text: &str) -> Result<Zeroizing<Vec<usize>>, PaperKeyError> {
    let mut places = Zeroizing::new(Vec::with_capacity(WORDS));
    let mut count = 0_usize;
    for word in typed_words(text) {
        count = count.saturating_add(1);
        let place = find(&word).ok_or(PaperKeyError::UnknownWord(count))?;
        if places.len() < WORDS {
            places.push(place);
        }
    }
    if count == WORDS { Ok(places) } else { Err(PaperKeyError::WordCount(count)) }
}

fn read_digits(digits: &str) -> Result<Zeroizing<Vec<usize>>, PaperKeyError> {
    let mut places = Zeroizing::new(Vec::with_capacity(WORDS));
    if digits.len() != WORDS * DIGITS || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(PaperKeyError::Code);
    }
    for digits in digits.as_bytes().chunks(DIGITS) {
        let place = str::from_utf8(digits).ok().and_then(|digits| digits.parse::<usize>().ok());
        places.push(place.filter(|place| *place < 2048).ok_or(PaperKeyError::Code)?);
    }
    Ok(places)
}

#[cfg(test)]
mod tests;
