//! What a scripted person does, as a text.

use std::time::Duration;

use towline_virtual::{
    ScriptedPerson,
    person::{
        Reply, When, already_registered, anything, attesting, choosing, confirming, creating,
        identifying, nothing_to_use, signing_in, typing_a_pin, verifying,
    },
};

/// How long a person waits at most, in seconds.
const LONGEST_WAIT: u64 = 86_400;

/// One rule for the person.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    when: When,
    reply: Reply,
    wait: Duration,
    times: Option<usize>,
}

impl Rule {
    /// The person follows it from now on.
    pub(super) fn teach(&self, person: &ScriptedPerson) {
        let rule = person.when(self.when.clone()).waits(self.wait).does(self.reply.clone());
        if let Some(times) = self.times {
            rule.times(times);
        }
    }
}

/// Reads rules: `verifying: fails-the-lock x2; signing-in at example.org: refuses`.
pub(crate) fn rules(text: &str) -> Result<Vec<Rule>, String> {
    let texts = text.split(';').map(str::trim).filter(|text| !text.is_empty());
    let rules: Vec<Rule> = texts.map(rule).collect::<Result<_, _>>()?;
    if rules.is_empty() { Err("there is no rule in it; `agrees` is one".into()) } else { Ok(rules) }
}

fn rule(text: &str) -> Result<Rule, String> {
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
    let (own, reply) = reply(&does).ok_or_else(|| {
        format!(
            "`{does}` is nothing that a person does: agrees, refuses, absent, fails-the-lock, \
             picks=ACCOUNT, picks=#NUMBER, types=PIN, cannot-type, calls-it-off"
        )
    })?;
    let when = which.map_or(Ok(own), when)?;
    Ok(Rule { when, reply, wait: Duration::from_secs(wait), times })
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
        _ => {
            return Err(format!(
                "`{which}` is nothing that a person is asked: anything, creating, signing-in, \
                 already-registered, nothing-to-use, confirming, verifying, choosing, \
                 typing-a-pin, attesting, identifying"
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
        let told = |rule: &Rule| {
            let (when, reply) = (rule.when.to_string(), rule.reply.to_string());
            (when, reply, rule.wait.as_secs(), rule.times)
        };
        rules(text).map(|rules| rules.iter().map(told).collect())
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
