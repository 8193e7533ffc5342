//! What browsers make of a value that is not of the type that the standard names: Web IDL's
//! conversions (Web IDL §3.2), one function for each type. A site's JSON reaches WebAuthn through
//! them, so that a number written as text is that number, and an empty list is a dictionary without
//! members.
//!
//! In one thing this is kinder than Web IDL: an optional member that is `null` is absent, whatever
//! its type. Servers write
//! `null` for what they have nothing to say about.

use std::borrow::Cow;

use super::json::{Members, Value};
use crate::Error;

/// A dictionary: the members of an object. Whatever else is an object to JavaScript, a list, has
/// none of the members that dictionaries are looked into for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dictionary<'a>(Option<&'a Members<'a>>);

impl<'a> Dictionary<'a> {
    /// # Errors
    /// [`Error::Options`] for text, numbers and booleans.
    pub(crate) fn of(value: &'a Value<'a>, name: &str) -> Result<Self, Error> {
        match value {
            Value::Object(members) => Ok(Self(Some(members))),
            Value::Null | Value::List(_) => Ok(Self(None)),
            _ => Err(Error::Options(format!("{name} is not an object"))),
        }
    }

    /// A member that may be absent.
    pub(crate) fn optional(&self, name: &str) -> Option<&'a Value<'a>> {
        self.0.and_then(|members| members.get(name)).filter(|value| !matches!(value, Value::Null))
    }

    /// A member that has to be there; `null` is there, and becomes what its type makes of it.
    ///
    /// # Errors
    /// [`Error::Options`] where it is not.
    pub(crate) fn required(&self, name: &str) -> Result<&'a Value<'a>, Error> {
        let member = self.0.and_then(|members| members.get(name));
        member.ok_or_else(|| Error::Options(format!("{name} is missing")))
    }

    /// A member that is a dictionary, empty where it is absent.
    ///
    /// # Errors
    /// [`Error::Options`] as of [`Dictionary::of`].
    pub(crate) fn dictionary(&self, name: &str) -> Result<Self, Error> {
        self.optional(name).map_or(Ok(Self(None)), |value| Self::of(value, name))
    }

    /// A member that is text, if it is there.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.optional(name).map(dom_string)
    }

    /// A member that is a boolean and false where it is absent.
    pub(crate) fn boolean(&self, name: &str) -> bool {
        self.optional(name).is_some_and(boolean)
    }

    /// A member that is a sequence, empty where it is absent.
    ///
    /// # Errors
    /// [`Error::Options`] as of [`sequence`].
    pub(crate) fn sequence(&self, name: &str) -> Result<&'a [Value<'a>], Error> {
        self.optional(name).map_or(Ok(&[]), |value| sequence(value, name))
    }
}

/// `sequence`: only lists can be iterated over.
///
/// # Errors
/// [`Error::Options`] for everything else.
pub(crate) fn sequence<'a>(value: &'a Value<'a>, name: &str) -> Result<&'a [Value<'a>], Error> {
    match value {
        Value::List(values) => Ok(values),
        _ => Err(Error::Options(format!("{name} is not a list"))),
    }
}

/// `record`: the names and values of an object; a list has the places of its values for names.
///
/// # Errors
/// [`Error::Options`] for text, numbers and booleans.
pub(crate) fn record<'a>(
    value: &'a Value<'a>,
    name: &str,
) -> Result<Vec<(String, &'a Value<'a>)>, Error> {
    match value {
        Value::Object(members) => {
            Ok(members.iter().map(|(key, value)| (key.to_string(), value)).collect())
        }
        Value::List(values) => {
            Ok(values.iter().enumerate().map(|(place, value)| (place.to_string(), value)).collect())
        }
        _ => Err(Error::Options(format!("{name} is not an object"))),
    }
}

/// `DOMString`: ToString (ECMA-262 §7.1.17).
pub(crate) fn dom_string<'a>(value: &'a Value<'a>) -> Cow<'a, str> {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => if *value { "true" } else { "false" }.into(),
        Value::Number(number) => number_text(*number).into(),
        Value::Text(text) => Cow::Borrowed(text),
        // Array.prototype.join: what is null is empty there.
        Value::List(values) => {
            let text = |value: &'a Value<'a>| {
                if *value == Value::Null { "".into() } else { dom_string(value) }
            };
            values.iter().map(text).collect::<Vec<_>>().join(",").into()
        }
        Value::Object(_) => "[object Object]".into(),
    }
}

/// `boolean`: ToBoolean (ECMA-262 §7.1.2). The text "false" is true.
pub(crate) fn boolean(value: &Value<'_>) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => *number != 0.0,
        Value::Text(text) => !text.is_empty(),
        Value::List(_) | Value::Object(_) => true,
    }
}

/// `long`: the whole part, modulo 2^32 (ToInt32, ECMA-262 §7.1.6); what is no number is 0.
pub(crate) fn long(value: &Value<'_>) -> i32 {
    const MODULUS: f64 = 4_294_967_296.0;
    let number = number(value);
    if !number.is_finite() {
        return 0;
    }
    // A whole number from 0 to 2^32 - 1, which `as` keeps as it is.
    #[allow(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let bits = number.trunc().rem_euclid(MODULUS) as u32;
    i32::from_ne_bytes(bits.to_ne_bytes())
}

/// `[Clamp] unsigned long`: the nearest that there is; what is no number is 0.
pub(crate) fn clamped_unsigned_long(value: &Value<'_>) -> u32 {
    // This is how `as` does it.
    #[allow(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let clamped = number(value) as u32;
    clamped
}

/// ToNumber (ECMA-262 §7.1.4).
fn number(value: &Value<'_>) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Number(number) => *number,
        Value::Text(text) => text_number(text),
        Value::List(_) | Value::Object(_) => text_number(&dom_string(value)),
    }
}

/// StringToNumber (ECMA-262 §7.1.4.1.1).
fn text_number(text: &str) -> f64 {
    // White space and line terminators of ECMAScript.
    let text = text.trim_matches(|c: char| c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}'));
    let lower = text.get(..2).unwrap_or_default().to_ascii_lowercase();
    let radix = match lower.as_str() {
        "0x" => 16,
        "0o" => 8,
        "0b" => 2,
        _ => return decimal(text),
    };
    let digits = text.get(2..).unwrap_or_default();
    let value = digits.chars().try_fold(0.0_f64, |value, digit| {
        Some(value.mul_add(f64::from(radix), f64::from(digit.to_digit(radix)?)))
    });
    value.filter(|_| !digits.is_empty()).unwrap_or(f64::NAN)
}

fn decimal(text: &str) -> f64 {
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        // Rust knows "inf" and "nan" beyond these.
        _ if text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) => {
            text.parse().unwrap_or(f64::NAN)
        }
        _ => f64::NAN,
    }
}

/// Number::toString (ECMA-262 §6.1.6.1.20): the shortest digits that mean this number, with an
/// exponent only where it is very large or small.
fn number_text(number: f64) -> String {
    if !number.is_finite() {
        return if number > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() };
    }
    // Minus nothing has no sign.
    if number == 0.0 {
        return "0".to_owned();
    }
    if (1e-6..1e21).contains(&number.abs()) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::float_cmp)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value<'_> {
        Value::parse(json).unwrap()
    }

    #[test]
    fn whatever_is_not_a_number_becomes_one_as_in_a_browser() {
        for (json, long_is) in [
            ("-7", -7),
            ("-7.0", -7),
            ("-7.9", -7),
            ("-0.9", 0),
            ("-0", 0),
            ("1e2", 100),
            ("1E400", 0),
            ("-1E400", 0),
            ("1e300", 0),
            ("4294967289", -7),
            ("-4294967303", -7),
            ("2147483648", -2_147_483_648),
            ("null", 0),
            ("true", 1),
            ("false", 0),
            (r#""-7""#, -7),
            (r#"" -257\n""#, -257),
            (r#""\ufeff+7.5e0\u2028""#, 7),
            (r#""0x1F""#, 31),
            (r#""0b11""#, 3),
            (r#""0o17""#, 15),
            (r#""-0x1""#, 0),
            (r#""0x""#, 0),
            (r#""0xg""#, 0),
            (r#""""#, 0),
            (r#"".5e1""#, 5),
            (r#""7.""#, 7),
            (r#"".""#, 0),
            (r#""1_000""#, 0),
            (r#""-7px""#, 0),
            (r#""ES256""#, 0),
            (r#""NaN""#, 0),
            (r#""inf""#, 0),
            (r#""Infinity""#, 0),
            ("[]", 0),
            ("[-7]", -7),
            (r#"["-7"]"#, -7),
            ("[[[-7]]]", -7),
            ("[-7, -8]", 0),
            ("[null]", 0),
            ("{}", 0),
        ] {
            assert_eq!(long(&value(json)), long_is, "{json}");
        }
        for (json, clamped) in [
            ("60000.7", 60_000),
            ("-1", 0),
            ("-1E400", 0),
            ("4294967296", u32::MAX),
            ("1E400", u32::MAX),
            (r#""a minute""#, 0),
        ] {
            assert_eq!(clamped_unsigned_long(&value(json)), clamped, "{json}");
        }
    }

    #[test]
    fn whatever_is_not_text_becomes_text_as_in_a_browser() {
        for (json, text) in [
            ("null", "null"),
            ("true", "true"),
            ("false", "false"),
            ("12", "12"),
            ("12.0", "12"),
            ("-0", "0"),
            ("1e2", "100"),
            ("0.1", "0.1"),
            ("-0.5", "-0.5"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("1.25e22", "1.25e+22"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("-1.5e-9", "-1.5e-9"),
            ("1E400", "Infinity"),
            ("-1E400", "-Infinity"),
            ("9007199254740993", "9007199254740992"),
            ("[]", ""),
            ("[null, 1, [true, \"x\"]]", ",1,true,x"),
            ("{\"a\": 1}", "[object Object]"),
        ] {
            assert_eq!(dom_string(&value(json)), text, "{json}");
        }
    }

    #[test]
    fn everything_is_true_or_false() {
        for json in ["null", "false", "0", "-0", "\"\"", "1e-400"] {
            assert!(!boolean(&value(json)), "{json}");
        }
        for json in ["true", "1", "1E400", "\"false\"", "\"0\"", "\" \"", "[]", "{}"] {
            assert!(boolean(&value(json)), "{json}");
        }
    }

    #[test]
    fn only_objects_are_dictionaries_and_only_lists_are_sequences() {
        for json in ["{}", "[]", "[1]", "null"] {
            assert!(Dictionary::of(&value(json), "it").is_ok(), "{json}");
        }
        for json in ["\"\"", "0", "true", "false"] {
            assert!(Dictionary::of(&value(json), "it").is_err(), "{json}");
            assert!(record(&value(json), "it").is_err(), "{json}");
        }
        for json in ["{}", "{\"0\": 1, \"length\": 1}", "\"abc\"", "0", "null"] {
            assert!(sequence(&value(json), "it").is_err(), "{json}");
        }
    }
}
