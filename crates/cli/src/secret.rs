//! Passphrases and PINs: from a file, or typed where nobody sees them.

use std::{
    fs,
    io::{self, BufRead as _, IsTerminal as _},
    path::Path,
};

use zeroize::Zeroizing;

use crate::exit::Failure;

/// The secret on the first line of this file; without a file it is asked for. `what` names it,
/// "passphrase" say.
pub(crate) fn read(file: Option<&Path>, what: &str) -> Result<Zeroizing<String>, Failure> {
    match file {
        Some(file) => from_file(file, what),
        None => typed(&format!("The {what}: "), what),
    }
}

/// A new one: who types it does so twice.
pub(crate) fn read_new(file: Option<&Path>, what: &str) -> Result<Zeroizing<String>, Failure> {
    let Some(file) = file else {
        let first = typed(&format!("The new {what}: "), what)?;
        if io::stdin().is_terminal() && typed("Once more: ", what)? != first {
            return Err(Failure::usage("not_the_same", format!("the two are not the same {what}")));
        }
        return Ok(first);
    };
    from_file(file, what)
}

fn from_file(file: &Path, what: &str) -> Result<Zeroizing<String>, Failure> {
    let unusable = |why: String| {
        Failure::usage("passphrase", format!("{} holds no {what}: {why}", file.display()))
    };
    let text = fs::read_to_string(file).map_err(|error| unusable(error.to_string()))?;
    let text = Zeroizing::new(text);
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Zeroizing::new(line.into())),
        _ => Err(unusable("its first line is empty".into())),
    }
}

/// Not shown at a terminal; a script gives it as a line of standard input.
fn typed(prompt: &str, what: &str) -> Result<Zeroizing<String>, Failure> {
    let line = if io::stdin().is_terminal() {
        rpassword::prompt_password(prompt)
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    };
    let line = line.map(Zeroizing::new).map_err(|error| {
        Failure::environment("input", format!("the {what} can't be read: {error}"))
    })?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err(Failure::usage("passphrase", format!("no {what} was given"))),
        given => Ok(Zeroizing::new(given.to_owned())),
    }
}
