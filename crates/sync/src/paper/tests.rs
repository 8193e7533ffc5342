//! Words and codes, as people write and type them.

use std::collections::BTreeSet;

use towline_crypto::rustcrypto;

use super::*;

/// The last of the published vectors for 24 words (those of the reference implementation of
/// BIP-39): 32 bytes and their words.
const ENTROPY: &str = "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f";
const WORDS_OF_IT: &str = "void come effort suffer camp survey warrior heavy shoot primary clutch \
    crush open amazing screen patrol group space point ten exist slush involve unfold";

fn key() -> PaperKey {
    PaperKey::read(WORDS_OF_IT).unwrap()
}

#[test]
fn the_words_are_those_of_the_standard() {
    let (entropy, length) = key().0.to_entropy_array();
    let hex: String = entropy[..length].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, ENTROPY);
    assert_eq!(*key().words(), WORDS_OF_IT);
}

#[test]
fn a_new_key_comes_back_by_its_words_and_by_its_code() {
    let crypto = rustcrypto::provider();
    let key = PaperKey::generate(&crypto).unwrap();
    let id = key.keys(&crypto).unwrap().id();
    for text in [key.words(), key.code()] {
        assert_eq!(PaperKey::read(&text).unwrap().keys(&crypto).unwrap().id(), id);
    }
    let other = PaperKey::generate(&crypto).unwrap();
    assert_ne!(other.keys(&crypto).unwrap().id(), id);
    // The smaller alphabet of QR codes.
    assert!(key.code().chars().all(|it| "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:".contains(it)));
    assert_eq!(key.code().len(), 110);
}

/// The keys have to be the same for ever, or no paper is worth anything. This id was calculated by
/// other means, in Python.
#[test]
fn the_keys_of_these_words_are_these() {
    let keys = key().keys(&rustcrypto::provider()).unwrap();
    let id = [207, 6, 157, 142, 1, 118, 89, 44, 82, 235, 122, 112, 224, 109, 35, 80];
    assert_eq!(keys.id().0, id);
}

#[test]
fn typing_is_forgiven() {
    let shout = WORDS_OF_IT.to_uppercase();
    let numbered: Vec<_> = WORDS_OF_IT
        .split(' ')
        .enumerate()
        .map(|(number, word)| format!("{}. {word}\n", number + 1))
        .collect();
    let short: Vec<_> = WORDS_OF_IT.split(' ').map(|word| &word[..word.len().min(4)]).collect();
    let five: Vec<_> = WORDS_OF_IT.split(' ').map(|word| &word[..word.len().min(5)]).collect();
    for typed in [
        shout,
        format!("  {}\t", WORDS_OF_IT.replace(' ', ",  ")),
        numbered.concat(),
        short.join(" "),
        five.join("-"),
        key().code().to_lowercase(),
        format!(" {}\n", *key().code()),
    ] {
        assert_eq!(*PaperKey::read(&typed).unwrap().words(), WORDS_OF_IT, "{typed}");
    }
}

#[test]
fn which_word_is_wrong_is_said() {
    let with = |place: usize, word: &str| {
        let mut words: Vec<_> = WORDS_OF_IT.split(' ').collect();
        words[place] = word;
        words.join(" ")
    };
    for (typed, error) in [
        (with(4, "kamp"), PaperKeyError::UnknownWord(5)),
        // Three letters are not enough, and more than the word has are another word.
        (with(0, "voi"), PaperKeyError::UnknownWord(1)),
        (with(23, "unfolded"), PaperKeyError::UnknownWord(24)),
        (with(6, "kriger\u{f8}"), PaperKeyError::UnknownWord(7)),
        (with(2, "comeffort"), PaperKeyError::UnknownWord(3)),
        (with(3, "offer"), PaperKeyError::Checksum),
        (with(0, ""), PaperKeyError::WordCount(23)),
        (format!("{WORDS_OF_IT} void"), PaperKeyError::WordCount(25)),
        (String::new(), PaperKeyError::WordCount(0)),
        (key().code()[..109].to_owned(), PaperKeyError::Code),
        (key().code().replace(':', ":9"), PaperKeyError::Code),
        (format!("{CODE}{}", "2048".repeat(24)), PaperKeyError::Code),
        (format!("{CODE}{}", "0001".repeat(24)), PaperKeyError::Code),
        (format!("{CODE}{}", "+001".repeat(24)), PaperKeyError::Code),
    ] {
        assert_eq!(PaperKey::read(&typed).unwrap_err(), error, "{typed}");
        let said = error.to_string();
        assert!(
            !WORDS_OF_IT.split(' ').any(|word| word.len() > 4 && said.contains(word)),
            "{said}"
        );
    }
    // Two neighbours in each other's place.
    let turned = WORDS_OF_IT.replace("come effort", "effort come");
    assert_eq!(PaperKey::read(&turned).unwrap_err(), PaperKeyError::Checksum);
}

#[test]
fn two_words_are_asked_back() {
    let (key, crypto) = (key(), rustcrypto::provider());
    let mut asked = BTreeSet::new();
    for _ in 0..2000 {
        let [first, second] = key.places_to_ask(&crypto).unwrap();
        assert!((1..second).contains(&first) && second <= 24, "{first} {second}");
        asked.extend([first, second]);
    }
    assert_eq!(asked, (1..=24).collect());
    for (place, typed, right) in [
        (1, "void", true),
        (4, " Suff ", true),
        (4, "suf", false),
        (1, "come", false),
        (2, "void", false),
        (1, "void come", false),
        (1, "", false),
        (0, "void", false),
        (25, "void", false),
    ] {
        assert_eq!(key.is_word(place, typed), right, "{place} {typed}");
    }
}

#[test]
fn nothing_of_it_is_shown_by_debug() {
    assert_eq!(format!("{:?}", key()), "PaperKey(24 words)");
}
