//! What the person sees: questions on the terminal, or answered by a script where there is none.

use std::{
    io::{self, BufRead, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use towline::{
    Ask, Person,
    authenticator::{AccountName, Answer, Event, Question},
    crypto::constant_time_eq,
};

/// What unlocks the vault. A real one asks its own lock, and does not know the password.
const MASTER_PASSWORD: &str = "open sesame";

#[derive(Clone)]
pub(crate) enum Dialogs {
    /// Somebody sits at the terminal.
    Terminal,
    /// Nobody does: says yes to everything, and gets the password wrong so many times at first.
    Script { slips: Arc<AtomicU32> },
}

impl Dialogs {
    pub(crate) fn new(slips: u32) -> Self {
        if io::stdin().is_terminal() {
            println!("(The master password is \"{MASTER_PASSWORD}\".)");
            Self::Terminal
        } else {
            Self::Script { slips: Arc::new(slips.into()) }
        }
    }

    /// What the person types; nothing, if they are gone. Reading blocks.
    fn line(&self, question: &Question) -> String {
        let Self::Script { slips } = self else {
            return io::stdin().lock().lines().next().and_then(Result::ok).unwrap_or_default();
        };
        let slip = |left: u32| left.checked_sub(1);
        let typed = match question {
            Question::VerifyUser { .. } => {
                match slips.fetch_update(Ordering::Relaxed, Ordering::Relaxed, slip) {
                    Ok(_) => "open barley",
                    Err(_) => MASTER_PASSWORD,
                }
            }
            Question::ChooseAccount { .. } => "1",
            _ => "yes",
        };
        println!("{typed}");
        typed.to_owned()
    }

    /// Every question is a sentence. What the answer means is for the authenticator to say: it
    /// counts the attempts, and it takes the question away when the site gives up.
    fn answer(&self, question: &Question) -> Answer {
        println!("  vault: {question}");
        match question {
            Question::VerifyUser { attempts_left, .. } => {
                print_prompt(&format!("Master password ({attempts_left} left)"));
                match self.line(question).trim() {
                    "" => Answer::Deny,
                    typed if constant_time_eq(typed.as_bytes(), MASTER_PASSWORD.as_bytes()) => {
                        Answer::Verified
                    }
                    _ => Answer::NotVerified,
                }
            }
            Question::ChooseAccount { accounts, .. } => {
                for (number, account) in (1_usize..).zip(accounts) {
                    println!("    {number}  {:#}", AccountName::new(account));
                }
                print_prompt("Which one?");
                let typed = self.line(question);
                let index = typed.trim().parse::<usize>().ok().and_then(|one| one.checked_sub(1));
                let index = index.filter(|index| *index < accounts.len());
                index.map_or(Answer::Deny, Answer::Account)
            }
            Question::ConfirmPresence { .. } | Question::NothingToUse { .. } => {
                print_prompt("yes or no?");
                match self.line(question).trim() {
                    "y" | "yes" => Answer::Approve,
                    _ => Answer::Deny,
                }
            }
            // A question of a later version: whoever can't show it does not agree to it.
            _ => Answer::Deny,
        }
    }
}

impl Person for Dialogs {
    /// What blocks gets a thread of its own: nothing else stands still meanwhile.
    fn ask(&mut self, ask: Ask) {
        let dialogs = self.clone();
        ask.answer_on_thread(move |question| dialogs.answer(&question));
    }

    fn notice(&mut self, event: &Event) {
        match event {
            Event::Created { rp, user, .. } => {
                let account = AccountName::new(user);
                println!("  vault: saved a passkey of {account} for {}", rp.id.as_str());
            }
            Event::VerificationLocked { .. } => println!("  vault: too many wrong passwords"),
            _ => {}
        }
    }
}

fn print_prompt(text: &str) {
    use io::Write;
    print!("    {text} > ");
    // A terminal that is gone shows nothing, and answers nothing either.
    let _ = io::stdout().flush();
}
