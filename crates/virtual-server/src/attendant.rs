//! The person in front of an authenticator, or who holds a phone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use towline_virtual::{
    ScriptedPerson,
    person::{Asked, BadRules, Reply, Rules, anything},
};

use crate::{BadMember, Questions, ServiceError, SwitchChange, Switches};

/// Who is told of a question that stays open because nobody consents.
pub(crate) type LeftOpen = Arc<dyn Fn(&Asked) + Send + Sync>;

/// A scripted person: what no rule of theirs is about goes by the switches.
pub(crate) struct Attendant {
    person: ScriptedPerson,
    switches: Arc<Mutex<Switches>>,
    left_open: Option<LeftOpen>,
}

impl Attendant {
    pub(crate) fn new(
        person: ScriptedPerson,
        switches: Switches,
        left_open: Option<LeftOpen>,
    ) -> Self {
        let new = Self { person, switches: Arc::new(Mutex::new(switches)), left_open };
        new.script(None);
        new
    }

    /// The switches, for whatever goes by them later.
    pub(crate) const fn shared_switches(&self) -> &Arc<Mutex<Switches>> {
        &self.switches
    }

    pub(crate) fn switches(&self) -> Switches {
        *lock(&self.switches)
    }

    pub(crate) fn change(&self, change: SwitchChange) -> Switches {
        let switches = self.switches().changed(change);
        *lock(&self.switches) = switches;
        // What was left open because nobody was there is answered now.
        self.person.answers_open(|asked| switches.reply(asked));
        switches
    }

    /// The person does this from now on, and nothing that they were told before.
    pub(crate) fn script(&self, rules: Option<&Rules>) {
        self.person.forget();
        if let Some(rules) = rules {
            rules.teach(&self.person);
        }
        let (switches, left_open) = (self.switches.clone(), self.left_open.clone());
        self.person.when(anything()).does_as(move |asked| {
            let switches = *lock(&switches);
            if let Some(left_open) = left_open.as_ref().filter(|_| !switches.is_user_consenting) {
                left_open(asked);
            }
            switches.reply(asked)
        });
    }

    /// What is open now.
    pub(crate) fn open(&self) -> Vec<Asked> {
        self.person.open()
    }

    pub(crate) fn questions(&self) -> Questions {
        let texts = |asked: Vec<Asked>| asked.iter().map(ToString::to_string).collect();
        Questions {
            open: texts(self.person.open()),
            heard: texts(self.person.heard()),
            unmet: self.person.verify().err().map(|unmet| unmet.to_string()),
        }
    }

    /// Answers what is open, and gives how many questions that were.
    ///
    /// # Errors
    /// [`BadMember`] where the answer fits none of them.
    pub(crate) fn answer(&self, reply: &Reply) -> Result<usize, BadMember> {
        let open = self.person.open();
        let answered = self.person.answers_open(|_| reply.clone());
        if answered == 0 && !open.is_empty() && *reply != Reply::CallOff {
            let asked: Vec<String> = open.iter().map(ToString::to_string).collect();
            let message = format!("it fits nothing of what is asked: {}", asked.join(" "));
            return Err(BadMember::new("answer", message));
        }
        Ok(answered)
    }
}

/// Reads a script of at most so many bytes; an empty one is no rule.
///
/// # Errors
/// [`BadMember`] for a text that is no script.
pub(crate) fn script(rules: &str, most: usize) -> Result<Option<Rules>, BadMember> {
    if rules.len() > most {
        return Err(BadMember::new("rules", format!("a script may have {most} bytes")));
    }
    if rules.trim().is_empty() {
        return Ok(None);
    }
    let bad = |error: BadRules| BadMember::new("rules", error.to_string());
    rules.trim().parse().map(Some).map_err(bad)
}

/// Reads an answer in the words of a script.
///
/// # Errors
/// [`ServiceError::Member`] for anything else.
pub(crate) fn reply(text: &str) -> Result<Reply, ServiceError> {
    let bad = |error: BadRules| BadMember::new("answer", error.to_string());
    Ok(text.parse().map_err(bad)?)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
