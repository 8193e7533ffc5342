//! The person at the terminal: lines of standard input, as codes and as answers.

use std::time::Instant;

use tokio::sync::mpsc;

/// Lines that wait to be used; typing ahead further blocks the thread that reads, which is no harm.
const WAITING: usize = 16;

/// Standard input, line by line.
pub(crate) struct Console {
    lines: mpsc::Receiver<(Instant, String)>,
}

impl Console {
    /// Starts to read. There can be only one.
    pub(crate) fn new() -> Self {
        let (sender, lines) = mpsc::channel(WAITING);
        // Reading can't be interrupted, so that a thread of its own does it, which the end of the process ends.
        std::thread::spawn(move || {
            for line in std::io::stdin().lines() {
                let Ok(line) = line else { break };
                if sender.blocking_send((Instant::now(), line.trim().to_owned())).is_err() {
                    break;
                }
            }
        });
        Self { lines }
    }

    /// The next line that is not empty; `None` at the end of the input. Cancel-safe.
    pub(crate) async fn line(&mut self) -> Option<String> {
        self.line_since(None).await
    }

    /// The same, without the lines that were typed before that instant.
    pub(crate) async fn line_since(&mut self, since: Option<Instant>) -> Option<String> {
        loop {
            let (typed, line) = self.lines.recv().await?;
            if !line.is_empty() && since.is_none_or(|since| typed >= since) {
                return Some(line);
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

    #[tokio::test]
    async fn what_was_typed_before_a_question_is_not_its_answer() {
        let (sender, lines) = mpsc::channel(WAITING);
        let mut console = Console { lines };
        let asked = Instant::now();
        let earlier = asked.checked_sub(std::time::Duration::from_secs(1)).unwrap();
        for (typed, line) in [(earlier, "yes"), (asked, ""), (asked, "no")] {
            sender.send((typed, line.to_owned())).await.unwrap();
        }
        assert_eq!(console.line_since(Some(asked)).await.as_deref(), Some("no"));
        sender.send((earlier, "a code".into())).await.unwrap();
        assert_eq!(console.line().await.as_deref(), Some("a code"));
        sender.send((earlier, "yes".into())).await.unwrap();
        drop(sender);
        assert_eq!(console.line_since(Some(asked)).await, None);
    }

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
