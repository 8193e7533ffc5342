//! What the person sees: questions on the terminal, or answered by a script where there is none.

use std::io::{self, BufRead, IsTerminal};

use towline::{
    Person,
    authenticator::{AccountName, Answer, Event, Question},
    crypto::constant_time_eq,
};

/// What unlocks the vault. A real one asks its own lock, and does not know the password.
const MASTER_PASSWORD: &str = "open sesame";

pub(crate) enum Dialogs {
    /// Somebody sits at the terminal.
    Terminal,
    /// Nobody does: says yes to everything, and gets the password wrong so many times at first.
    Script { slips: u32 },
}

impl Dialogs {
    pub(crate) fn new(slips: u32) -> Self {
        if io::stdin().is_terminal() {
            println!("(The master password is \"{MASTER_PASSWORD}\".)");
            Self::Terminal
        } else {
            Self::Script { slips }
        }
    }

    /// What the person types; nothing, if they are gone.
    async fn line(&mut self, question: &Question) -> String {
        let Self::Script { slips } = self else {
            // Reading blocks, so it gets a thread of its own: nothing else stands still meanwhile.
            let read = tokio::task::spawn_blocking(|| io::stdin().lock().lines().next());
            return read.await.ok().flatten().and_then(Result::ok).unwrap_or_default();
        };
        let typed = match question {
            Question::VerifyUser { .. } if *slips > 0 => {
                *slips = slips.saturating_sub(1);
                "open barley"
            }
            Question::VerifyUser { .. } => MASTER_PASSWORD,
            Question::ChooseAccount { .. } => "1",
            _ => "yes",
        };
        println!("{typed}");
        typed.to_owned()
    }
}

impl Person for Dialogs {
    /// Every question is a sentence. What the answer means is for the authenticator to say: it
    /// counts the attempts, and it takes the question away when the site gives up, which drops this
    /// future.
    async fn answer(&mut self, question: &Question) -> Answer {
        println!("  vault: {question}");
        match question {
            Question::VerifyUser { attempts_left, .. } => {
                print_prompt(&format!("Master password ({attempts_left} left)"));
                match self.line(question).await.trim() {
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
                let typed = self.line(question).await;
                let index = typed.trim().parse::<usize>().ok().and_then(|one| one.checked_sub(1));
                let index = index.filter(|index| *index < accounts.len());
                index.map_or(Answer::Deny, Answer::Account)
            }
            Question::ConfirmPresence { .. } | Question::NothingToUse { .. } => {
                print_prompt("yes or no?");
                match self.line(question).await.trim() {
                    "y" | "yes" => Answer::Approve,
                    _ => Answer::Deny,
                }
            }
            // A question of a later version: whoever can't show it does not agree to it.
            _ => Answer::Deny,
        }
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
