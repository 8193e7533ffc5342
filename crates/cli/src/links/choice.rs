//! Which of the linked devices a person means.

use towline::hybrid::link::LinkedPhone;

use crate::exit::Failure;

/// Which linked phone a computer asks.
pub(crate) enum Choice {
    /// A new one, by a code.
    None,
    /// The only one, if there is one alone.
    Only,
    /// This one of them, which is called so.
    This(usize, String),
}

impl Choice {
    /// What `--phone` and `--new-phone` say: a name as it is listed, or a number of the list.
    pub(crate) fn new(
        known: &[LinkedPhone],
        wanted: Option<&str>,
        new_phone: bool,
    ) -> Result<Self, Failure> {
        let names: Vec<String> = known.iter().map(LinkedPhone::display_name).collect();
        Ok(match wanted {
            _ if new_phone => Self::None,
            None => Self::Only,
            Some(wanted) => {
                let index = find(&names, wanted)?;
                let missing = || Failure::usage("no_such_link", nobody(&names, wanted));
                let index = index.ok_or_else(missing)?;
                Self::This(index, names.get(index).cloned().unwrap_or_default())
            }
        })
    }

    /// Which of these is asked.
    pub(crate) fn of(&self, names: &[String]) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Only => (names.len() == 1).then_some(0),
            // The list may have changed since.
            Self::This(index, name) => {
                let same = names.get(*index) == Some(name);
                same.then_some(*index).or_else(|| names.iter().position(|known| known == name))
            }
        }
    }

    /// Why a code is shown though phones are linked, if that needs a word.
    pub(crate) fn why_a_code(&self, names: &[String]) -> Option<String> {
        (matches!(self, Self::Only) && names.len() > 1).then(|| {
            let (count, names) = (names.len(), numbered(names));
            format!("{count} phones are linked: {names}. `--phone` with a name or number asks one.")
        })
    }
}

/// The one that is meant by a number of the list, counted from 1, or by a name, in whatever case.
/// Two of one name are told apart by their numbers only.
pub(super) fn find(names: &[String], wanted: &str) -> Result<Option<usize>, Failure> {
    let number = wanted.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    if let Some(index) = number
        && index < names.len()
    {
        return Ok(Some(index));
    }
    let folded = wanted.to_lowercase();
    let named: Vec<usize> = (0..)
        .zip(names)
        .filter_map(|(index, name)| (name.to_lowercase() == folded).then_some(index))
        .collect();
    // In the same case, if there is one alone.
    let mut exactly =
        named.iter().filter(|index| names.get(**index).is_some_and(|name| name == wanted));
    match (&named[..], exactly.next(), exactly.next()) {
        ([], ..) => Ok(None),
        ([index], ..) | (_, Some(index), None) => Ok(Some(*index)),
        _ => {
            let numbers: Vec<String> =
                named.iter().map(|index| index.saturating_add(1).to_string()).collect();
            let message = format!(
                "{} devices are called {wanted:?}: say which by its number, {}",
                named.len(),
                numbers.join(" or ")
            );
            Err(Failure::usage("ambiguous_link", message))
        }
    }
}

/// Nobody is called so; who else there is.
fn nobody(names: &[String], wanted: &str) -> String {
    match names {
        [] => format!("no phone called {wanted:?} is linked, nor any other; scan a code first"),
        names => format!("no phone called {wanted:?} is linked; linked are: {}", numbered(names)),
    }
}

/// By number too, since two can be of one name.
fn numbered(names: &[String]) -> String {
    let named = (1..).zip(names).map(|(number, name)| format!("{number} {name:?}"));
    named.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["Alice's phone", "Work", "work", "Pixel", "Pixel"].map(str::to_owned).into()
    }

    #[test]
    fn a_name_is_found_in_any_case_and_a_number_as_the_list_counts() {
        for (wanted, index) in [("alice's PHONE", 0), ("Work", 1), ("work", 2), ("1", 0), ("5", 4)]
        {
            assert_eq!(find(&names(), wanted).unwrap(), Some(index), "{wanted}");
        }
        for wanted in ["", "0", "6", "alice", "-1"] {
            assert_eq!(find(&names(), wanted).unwrap(), None, "{wanted}");
        }
    }

    #[test]
    fn two_of_one_name_are_not_taken_for_one_of_them() {
        for wanted in ["Pixel", "pixel", "WORK"] {
            let refused = find(&names(), wanted).unwrap_err();
            assert_eq!(refused.reason, "ambiguous_link", "{wanted}");
        }
        let refused = find(&names(), "pixel").unwrap_err();
        assert!(refused.message.contains("4 or 5"), "{}", refused.message);
    }

    #[test]
    fn a_code_that_is_shown_because_several_are_linked_says_so() {
        let names = names();
        assert_eq!(Choice::Only.of(&names), None);
        let why = Choice::Only.why_a_code(&names).unwrap();
        assert!(why.contains("--phone") && why.contains("1 \"Alice's phone\""), "{why}");
        assert!(why.contains("4 \"Pixel\", 5 \"Pixel\""), "{why}");
        assert_eq!(Choice::Only.of(&names[..1]), Some(0));
        assert_eq!(Choice::Only.why_a_code(&names[..1]), None);
        assert_eq!(Choice::None.why_a_code(&names), None);
    }

    #[test]
    fn a_list_that_changed_meanwhile_does_not_change_who_is_meant() {
        let this = Choice::This(1, "Work".to_owned());
        assert_eq!(this.of(&names()), Some(1));
        assert_eq!(this.of(&names()[1..]), Some(0));
        assert_eq!(this.of(&names()[2..]), None);
        let why = nobody(&names(), "other");
        assert!(why.contains("\"Pixel\""), "{why}");
    }
}
