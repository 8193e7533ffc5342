//! What a scripted person does, as a text: for programs that get their scripts from elsewhere.

use std::{str::FromStr, time::Duration};

use super::{
    Reply, ScriptedPerson, When, already_registered, anything, attesting, choosing, confirming,
    connecting, creating, identifying, nothing_to_use, remembering, signing_in, typing_a_pin,
    verifying,
};

/// How long a person waits at most, in seconds.
const LONGEST_WAIT: u64 = 86_400;

/// Rules for a person, read from a text.
///
/// One rule is `[WHICH [at RPID] [of ACCOUNT]: ][waits=SECONDS ]DOES[ xTIMES]`; several stand
/// behind one another with semicolons between. They are tried in this order.
///
/// ```
/// use towline_virtual::{VirtualAuthenticator, person::Rules};
///
/// let rules: Rules = "verifying: fails-the-lock x2; signing-in at example.org: refuses".parse()?;
/// assert_eq!(rules.len(), 2);
/// let device = VirtualAuthenticator::platform();
/// rules.teach(device.person());
/// # Ok::<(), towline_virtual::person::BadRules>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rules(Vec<TextRule>);

#[derive(Debug, Clone)]
struct TextRule {
    when: When,
    reply: Reply,
    wait: Duration,
    times: Option<usize>,
}

/// The text is no script. It says which word can't be used, and which could.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRules(String);

impl Rules {
    /// How many there are; at least one.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a text without a rule is not read")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The person follows them from now on, after the rules that they have.
    pub fn teach(&self, person: &ScriptedPerson) {
        for rule in &self.0 {
            let taught = person.when(rule.when.clone()).waits(rule.wait).does(rule.reply.clone());
            if let Some(times) = rule.times {
                taught.times(times);
            }
        }
    }
}

impl FromStr for Rules {
    type Err = BadRules;

    fn from_str(text: &str) -> Result<Self, BadRules> {
        let texts = text.split(';').map(str::trim).filter(|text| !text.is_empty());
        let rules: Vec<TextRule> = texts.map(rule).collect::<Result<_, _>>().map_err(BadRules)?;
        if rules.is_empty() {
            return Err(BadRules("there is no rule in it; `agrees` is one".into()));
        }
        Ok(Self(rules))
    }
}

/// What is done, in the words of a script: `refuses`, `picks=alice`.
impl FromStr for Reply {
    type Err = BadRules;

    fn from_str(text: &str) -> Result<Self, BadRules> {
        let (_, reply) = reply(text.trim()).ok_or_else(|| BadRules(unknown(text.trim())))?;
        Ok(reply)
    }
}

fn unknown(does: &str) -> String {
    format!(
        "`{does}` is nothing that a person does: agrees, refuses, absent, fails-the-lock, \
         picks=ACCOUNT, picks=#NUMBER, types=PIN, cannot-type, calls-it-off, is-remembered, \
         decides-later"
    )
}

fn rule(text: &str) -> Result<TextRule, String> {
    // What is typed or picked may have a colon in it, and stands behind the first one then.
    let (which, does) = match text.split_once(':') {
        Some((which, does)) if !which.contains('=') => (Some(which), does),
        _ => (None, text),
    };
    let mut words: Vec<&str> = does.split_whitespace().collect();
    let times = match words.last().and_then(|word| times(word)) {
        Some(times) => {
            words.pop();
            Some(times?)
        }
        None => None,
    };
    let wait = match words.first().and_then(|word| word.strip_prefix("waits=")) {
        Some(seconds) => {
            let seconds = seconds.parse::<u64>().ok().filter(|it| *it <= LONGEST_WAIT);
            words.remove(0);
            seconds.ok_or("waits= takes whole seconds, up to a day, as in `waits=20 agrees`")?
        }
        None => 0,
    };
    let does = words.join(" ");
    let (own, reply) = reply(&does).ok_or_else(|| unknown(&does))?;
    let when = which.map_or(Ok(own), when)?;
    Ok(TextRule { when, reply, wait: Duration::from_secs(wait), times })
}

/// `x2`, or `once`, at the end.
fn times(word: &str) -> Option<Result<usize, String>> {
    if word == "once" {
        return Some(Ok(1));
    }
    let number =
        word.strip_prefix('x').filter(|rest| rest.starts_with(|c: char| c.is_numeric()))?;
    let wrong = || format!("`{word}` is no number of times, as `x2` is");
    Some(number.parse().ok().filter(|it| *it > 0).ok_or_else(wrong))
}

/// What is done, and which questions that is for if nothing else is said.
fn reply(does: &str) -> Option<(When, Reply)> {
    let (word, value) =
        does.split_once('=').map_or((does, None), |(word, value)| (word, Some(value)));
    Some(match (word, value) {
        ("agrees" | "consents", None) => (anything(), Reply::Consent),
        ("refuses", None) => (anything(), Reply::Refuse),
        ("absent" | "ignores-it", None) => (anything(), Reply::Ignore),
        ("calls-it-off", None) => (anything(), Reply::CallOff),
        ("fails-the-lock", None) => (verifying(), Reply::FailTheLock),
        ("is-remembered", None) => (connecting(), Reply::ConnectAndRemember),
        ("decides-later", None) => (connecting(), Reply::ConnectAndDecideLater),
        ("cannot-type", None) => (typing_a_pin(), Reply::CannotType),
        ("types", Some(pin)) => (typing_a_pin(), Reply::Type(pin.to_owned())),
        ("picks", Some(account)) => {
            let reply = match account.strip_prefix('#') {
                Some(number) => Reply::Pick(number.parse::<usize>().ok()?.checked_sub(1)?),
                None if account.is_empty() => return None,
                None => Reply::PickNamed(account.to_owned()),
            };
            (choosing(), reply)
        }
        _ => return None,
    })
}

/// Which questions: `creating at example.org of alice`.
fn when(text: &str) -> Result<When, String> {
    let mut words = text.split_whitespace();
    let which = words.next().unwrap_or_default();
    let mut when = match which {
        "anything" => anything(),
        "creating" => creating(),
        "signing-in" => signing_in(),
        "already-registered" => already_registered(),
        "nothing-to-use" => nothing_to_use(),
        "confirming" => confirming(),
        "verifying" => verifying(),
        "choosing" => choosing(),
        "typing-a-pin" => typing_a_pin(),
        "attesting" => attesting(),
        "identifying" => identifying(),
        "connecting" => connecting(),
        "remembering" => remembering(),
        _ => {
            return Err(format!(
                "`{which}` is nothing that a person is asked: anything, creating, signing-in, \
                 already-registered, nothing-to-use, confirming, verifying, choosing, \
                 typing-a-pin, attesting, identifying; of phones: connecting, remembering"
            ));
        }
    };
    while let Some(word) = words.next() {
        when = match (word, words.next()) {
            ("at", Some(rp_id)) => when.at(rp_id),
            ("of", Some(account)) => when.of(account),
            _ => return Err(format!("`{word}` is neither `at RPID` nor `of ACCOUNT`")),
        };
    }
    Ok(when)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When, what, after how many seconds, and how often.
    type Told = (String, String, u64, Option<usize>);

    fn read(text: &str) -> Result<Vec<Told>, String> {
        let told = |rule: &TextRule| {
            let (when, reply) = (rule.when.to_string(), rule.reply.to_string());
            (when, reply, rule.wait.as_secs(), rule.times)
        };
        let rules: Result<Rules, BadRules> = text.parse();
        rules.map(|rules| rules.0.iter().map(told).collect()).map_err(|bad| bad.to_string())
    }

    #[test]
    fn rules_read_as_sentences() {
        let one = |when: &str, reply: &str, wait, times| {
            Ok(vec![(when.to_owned(), reply.to_owned(), wait, times)])
        };
        assert_eq!(read("agrees"), one("anything", "consents", 0, None));
        assert_eq!(read(" refuses once "), one("anything", "refuses", 0, Some(1)));
        assert_eq!(
            read("fails-the-lock x2"),
            one("verifying the user", "fails the lock", 0, Some(2))
        );
        assert_eq!(
            read("creating at example.org of alice: waits=20 agrees"),
            one("creating a passkey, at example.org, of \"alice\"", "consents", 20, None)
        );
        assert_eq!(
            read("picks=Alice of: x"),
            one("choosing an account", "picks the account \"Alice of: x\"", 0, None)
        );
        assert_eq!(read("picks=#2"), one("choosing an account", "picks account 1", 0, None));
        assert_eq!(read("absent; refuses").unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_rule_is_named() {
        for (text, named) in [
            ("", "no rule"),
            ("sleeps", "`sleeps`"),
            ("picks=#0", "`picks=#0`"),
            ("refuses x0", "`x0`"),
            ("dreaming: refuses", "`dreaming`"),
            ("creating by alice: refuses", "`by`"),
            ("creating at: refuses", "`at`"),
            ("waits=long agrees", "waits="),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(named), "{text}: {refused}");
        }
    }
}
