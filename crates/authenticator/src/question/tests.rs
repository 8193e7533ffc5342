//! Every question and its sentence.

use towline_ctap::{Permissions, Rp, RpId, RpIdHash, TemplateId, User, UserHandle};

use super::{Answer, Purpose, Question};

const RP_ID: &str = "bank.example";

/// What names on questions want to be taken for.
const LURE: &str = "accounts.example.net";

fn rp_id() -> RpId {
    RpId::new(RP_ID).unwrap()
}

fn rp(name: &str) -> Rp {
    Rp { id: rp_id(), name: Some(name.into()) }
}

fn user(id: &[u8], name: &str) -> User {
    User { id: UserHandle::new(id).unwrap(), name: Some(name.into()), display_name: None }
}

/// Each purpose, in each of its forms, for accounts of this name, with what is said of it by a
/// device that wants a touch.
fn purposes(name: &str) -> Vec<(Purpose, String)> {
    let account = || user(b"1", name);
    let shown = super::AccountName::new(&account()).to_string();
    let already = |holder| Purpose::AlreadyRegistered { rp: rp(name), user: account(), holder };
    let application = RpIdHash::new([7; 32]);
    let told = "The site is told so, whatever you answer.";
    let sign_in_with_that = format!("No second one is made: sign in with that one. {told}");
    let has = "This device already has a passkey for bank.example.";
    let why = "It asks so to find the device that you mean, or because the site wants what this one can't do. No passkey is \
               made or used yet.";
    let deleted = "Delete every passkey on this device? The accounts that have no other way in can't be signed in to \
                   afterwards.";
    let either = "The passkey is made either way.";
    vec![
        (
            Purpose::Create { rp: rp(name), user: account(), replaces: false },
            format!("Create a passkey for bank.example? Account: {shown}."),
        ),
        (
            Purpose::Create { rp: rp(name), user: account(), replaces: true },
            format!(
                "Replace your passkey for bank.example? Account: {shown}. The old one is deleted."
            ),
        ),
        (already(None), format!("{has} {sign_in_with_that}")),
        (already(Some(account())), format!("{has} Account: {shown}. {sign_in_with_that}")),
        (
            already(Some(user(b"2", name))),
            format!("{has} It is of another account. Account: {shown}. {sign_in_with_that}"),
        ),
        (
            Purpose::Use { rp_id: rp_id(), user: Some(account()) },
            format!("Sign in to bank.example? Account: {shown}."),
        ),
        (Purpose::Use { rp_id: rp_id(), user: None }, "Sign in to bank.example?".into()),
        (
            Purpose::SelectDevice { rp_id: Some(rp_id()) },
            format!("Use this device for bank.example? {why}"),
        ),
        (
            Purpose::SelectDevice { rp_id: None },
            format!("Use this device? The computer does not say for which site. {why}"),
        ),
        (
            Purpose::Attest { rp: rp(name) },
            format!("Let bank.example know which model of device this is? {either}"),
        ),
        (
            Purpose::Identify { rp: rp(name) },
            format!(
                "Let bank.example know exactly which device this is? It can tell it from all others from then on. {either}"
            ),
        ),
        (
            Purpose::RegisterU2f { application, tells_model: false },
            "Register this device with a website that does not say its name?".into(),
        ),
        (
            Purpose::RegisterU2f { application, tells_model: true },
            "Register this device with a website that does not say its name? It learns which model of device this is.".into(),
        ),
        (Purpose::UseU2f { application }, "Sign in to a website that does not say its name?".into()),
        (
            Purpose::Authorize { rp_id: Some(rp_id()), permissions: Permissions::MC | Permissions::GA },
            "Let this computer create passkeys, sign in for bank.example?".into(),
        ),
        (
            Purpose::Authorize { rp_id: None, permissions: Permissions::empty() },
            "Let this computer use this device?".into(),
        ),
        (Purpose::Reset { long_touch: false }, deleted.into()),
        (
            Purpose::Reset { long_touch: true },
            format!("{deleted} Touch it for five seconds to agree."),
        ),
    ]
}

/// Each question that is not about one of the purposes.
fn others(name: &str) -> Vec<(Question, &'static str)> {
    let accounts = vec![user(b"1", name), user(b"2", name)];
    vec![
        (
            Question::ChooseAccount { rp_id: rp_id(), accounts },
            "Which account do you want to use on bank.example?",
        ),
        (
            Question::NothingToUse { rp_id: rp_id() },
            "No passkey for bank.example on this device. Use the device that has it, or sign in another way. Let the site know?",
        ),
        (
            Question::EnrollFingerprint { template: TemplateId::new(&[1]), samples_left: 3 },
            "Touch the fingerprint sensor with the finger that you want to use. Touches left: 3.",
        ),
        (
            Question::VendorCommand { command: 9, params: name.into() },
            "Let this computer run the manufacturer's command 9 on this device?",
        ),
    ]
}

/// A kind that is not in the table is one that nobody has read.
fn kind(purpose: &Purpose) -> usize {
    match purpose {
        Purpose::Create { .. } => 0,
        Purpose::AlreadyRegistered { .. } => 1,
        Purpose::Use { .. } => 2,
        Purpose::SelectDevice { .. } => 3,
        Purpose::Attest { .. } => 4,
        Purpose::Identify { .. } => 5,
        Purpose::RegisterU2f { .. } => 6,
        Purpose::UseU2f { .. } => 7,
        Purpose::Authorize { .. } => 8,
        Purpose::Reset { .. } => 9,
    }
}

fn touch(purpose: Purpose) -> Question {
    Question::ConfirmPresence { purpose }
}

fn unlock(purpose: Purpose, failed_before: bool) -> Question {
    Question::VerifyUser { purpose, attempts_left: 2, failed_before }
}

#[test]
fn every_question_has_its_sentence() {
    let mut kinds: Vec<usize> = Vec::new();
    for (purpose, sentence) in purposes("alice") {
        kinds.push(kind(&purpose));
        assert_eq!(touch(purpose).to_string(), sentence);
    }
    kinds.dedup();
    assert_eq!(kinds, (0..=9).collect::<Vec<_>>());
    for (question, sentence) in others("alice") {
        assert_eq!(question.to_string(), sentence);
    }
}

#[test]
fn what_is_only_told_is_not_asked() {
    let user = user(b"1", "alice");
    let already = Purpose::AlreadyRegistered { rp: rp("x"), user, holder: None };
    let advice = "This device already has a passkey for bank.example. No second one is made: sign in with that one.";
    assert_eq!(
        touch(already.clone()).to_string(),
        format!("{advice} The site is told so, whatever you answer.")
    );
    // A no to the screen lock keeps it from the site.
    assert_eq!(
        unlock(already, false).to_string(),
        format!("{advice} The site is told so when you confirm with your screen lock.")
    );
    for (purpose, sentence) in purposes("alice") {
        assert_eq!(sentence.contains('?'), kind(&purpose) != 1, "{sentence}");
    }
}

#[test]
fn the_screen_lock_is_asked_for_after_the_same_sentence() {
    for (purpose, _) in purposes("alice") {
        let sentence = purpose.to_string();
        let first = unlock(purpose.clone(), false).to_string();
        assert!(
            first.starts_with(&sentence) && first.ends_with("with your screen lock."),
            "{first}"
        );
        let again = unlock(purpose, true).to_string();
        assert_eq!(again, format!("That did not work; try again. {first}"));
    }
}

/// Names that want to speak for another site, or to push the true one out of sight.
fn hostile() -> Vec<String> {
    vec![
        format!("{}{LURE}", " ".repeat(150)),
        format!("{}{LURE}", "\u{3164}\u{2800}\u{a0}".repeat(50)),
        format!("alice\". Sign in to {LURE}? Account: \"bob"),
        format!("alice”. Sign in to {LURE}? Account: “bob"),
        format!("? {LURE}\u{202e}elpmaxe.knab"),
        format!("\u{2066}\u{200f}{LURE}"),
        format!("a\r\n\n\u{2028}\u{2029}\u{b}\u{c}{LURE}?\x1b[2J\x1b[8m\u{9b}8m\u{7f}"),
        format!("{LURE} {}", "x".repeat(65_536)),
        format!("{LURE}{}", "\u{301}".repeat(65_536)),
        format!("{}{LURE}", "\u{200b}".repeat(65_536)),
        format!("{LURE}\t{}", "👩‍👩‍👧".repeat(4_000)),
    ]
}

#[test]
fn the_rp_id_stands_first_and_alone_whatever_names_say() {
    for name in hostile() {
        for (purpose, sentence) in purposes(&name) {
            for question in [touch(purpose.clone()), unlock(purpose.clone(), true)] {
                let text = question.to_string();
                assert!(text.chars().count() < 450, "{text}");
                assert!(text.chars().all(harmless), "{text:?}");
                assert!(!text.contains("  "), "{text:?}");
                let Some(lure) = text.find(LURE) else { continue };
                // What comes before the name, with a whole sentence about the site.
                let before = &text[..lure];
                let site = before.find(RP_ID).unwrap_or_else(|| panic!("{text}"));
                assert!(before[site + RP_ID.len()..].starts_with(['?', '.']), "{text}");
                // All of the name stands between two marks, and there are no others.
                assert_eq!(text.matches('"').count(), 2, "{text}");
                assert!(before.matches('"').count() == 1, "{text}");
            }
            assert_eq!(touch(purpose).to_string(), sentence);
        }
        for (question, sentence) in others(&name) {
            assert_eq!(question.to_string(), sentence);
        }
    }
}

/// Not a character that restyles, reorders or breaks a line.
fn harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}')
        && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{3164}')
}

#[test]
fn what_a_site_calls_itself_is_not_shown() {
    for (purpose, _) in purposes("alice") {
        let named = match purpose {
            Purpose::Create { user, replaces, .. } => {
                Purpose::Create { rp: rp(LURE), user, replaces }
            }
            Purpose::AlreadyRegistered { user, holder, .. } => {
                Purpose::AlreadyRegistered { rp: rp(LURE), user, holder }
            }
            Purpose::Attest { .. } => Purpose::Attest { rp: rp(LURE) },
            Purpose::Identify { .. } => Purpose::Identify { rp: rp(LURE) },
            _ => continue,
        };
        assert!(!named.to_string().contains(LURE));
    }
}

#[test]
fn an_account_without_a_name_is_called_that() {
    for name in ["", "   ", "\u{200b}\u{3164}\n"] {
        let purpose = Purpose::Create { rp: rp(""), user: user(b"1", name), replaces: false };
        assert_eq!(
            purpose.to_string(),
            "Create a passkey for bank.example? The account has no name."
        );
    }
    let mut named = user(b"1", " ");
    named.display_name = Some("Alice".into());
    let purpose = Purpose::Use { rp_id: rp_id(), user: Some(named) };
    assert_eq!(purpose.to_string(), "Sign in to bank.example? Account: \"Alice\".");
}

#[test]
fn a_yes_is_no_proof_that_the_person_was_verified() {
    for (purpose, _) in purposes("alice") {
        assert_eq!(unlock(purpose.clone(), false).agreement(), None);
        assert_eq!(touch(purpose).agreement(), Some(Answer::Approve));
    }
    for (question, _) in others("alice") {
        let seen = matches!(question, Question::NothingToUse { .. }).then_some(Answer::Approve);
        assert_eq!(question.agreement(), seen, "{question}");
    }
}
