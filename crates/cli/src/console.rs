//! The person at the terminal: lines of standard input, as codes and as answers.

use tokio::sync::mpsc;

/// Lines that wait to be used; typing ahead further blocks the thread that reads, which is no harm.
const WAITING: usize = 16;

/// Standard input, line by line.
pub(crate) struct Console {
    lines: mpsc::Receiver<String>,
}

impl Console {
    /// Starts to read. There can be only one.
    pub(crate) fn new() -> Self {
        let (sender, lines) = mpsc::channel(WAITING);
        // Reading can't be interrupted, so that a thread of its own does it, which the end of the process ends.
        std::thread::spawn(move || {
            for line in std::io::stdin().lines() {
                let Ok(line) = line else { break };
                if sender.blocking_send(line.trim().to_owned()).is_err() {
                    break;
                }
            }
        });
        Self { lines }
    }

    /// The next line that is not empty; `None` at the end of the input. Cancel-safe.
    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            match self.lines.recv().await {
                Some(line) if line.is_empty() => {}
                other => return other,
            }
        }
    }
}

/// What a line means as an answer; `None` for what is neither yes nor no.
pub(crate) fn yes_or_no(line: &str) -> Option<bool> {
    match line.to_ascii_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clear_answers_count() {
        for (line, answer) in
            [("yes", Some(true)), ("Y", Some(true)), ("NO", Some(false)), ("n", Some(false))]
        {
            assert_eq!(yes_or_no(line), answer, "{line}");
        }
        for line in ["", "ye", "yes please", "1", "FIDO:/123"] {
            assert_eq!(yes_or_no(line), None, "{line}");
        }
    }
}
