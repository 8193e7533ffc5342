//! JSON as `JSON.parse` of ECMAScript reads it (ECMA-262 §25.5.1), which is how options reach a
//! browser: a number too large is infinity, half of a surrogate pair is a character that can't be
//! shown, the last of two members of one name counts.

mod plain;

use std::borrow::Cow;

use self::plain::end_of_plain;

/// How deep lists and objects may nest; options need six levels.
const MAX_DEPTH: usize = 128;

/// Up to so many members are looked through one by one.
const FEW: usize = 16;

/// A JSON value, or what JavaScript makes of it. Texts without escapes stay where they are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    /// Never NaN, which JSON can't write.
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(Members<'a>),
}

impl<'a> Value<'a> {
    /// Reads a text.
    ///
    /// # Errors
    /// What stands there in place of JSON, and where.
    pub(crate) fn parse(text: &'a str) -> Result<Self, String> {
        let mut parser = Parser { text, position: 0 };
        let value = parser.value(0)?;
        parser.space();
        if parser.rest().is_empty() { Ok(value) } else { Err(parser.fail("text after the end")) }
    }

    /// Takes a member out of an object.
    pub(crate) fn take(&mut self, name: &str) -> Option<Self> {
        match self {
            Self::Object(members) => members.find(name).map(|place| members.0.remove(place).1),
            _ => None,
        }
    }
}

/// The members of an object, in the order of their names, of which each is there once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Members<'a> {
    pub(crate) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0.get(self.find(name)?).map(|(_, value)| value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Cow<'a, str>, Value<'a>)> {
        self.0.iter()
    }

    fn find(&self, name: &str) -> Option<usize> {
        // Among few, most names differ in their lengths, which is soon seen.
        if self.0.len() <= FEW {
            return self.0.iter().position(|(known, _)| known == name);
        }
        self.0.binary_search_by(|(known, _)| (**known).cmp(name)).ok()
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Members<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(members: I) -> Self {
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        // Those of one name are in the order in which they came.
        members.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                std::mem::swap(later, earlier);
            }
            is_same
        });
        Self(members)
    }
}

struct Parser<'a> {
    text: &'a str,
    /// In bytes, always at a character's beginning.
    position: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// The byte that comes next.
    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn fail(&self, what: &str) -> String {
        format!("it is not JSON: {what} at byte {}", self.position)
    }

    /// Takes `count` bytes, which must end where a character ends.
    fn take(&mut self, count: usize) -> &'a str {
        let taken = self.rest().get(..count).unwrap_or_default();
        self.position = self.position.saturating_add(taken.len());
        taken
    }

    /// Takes this text, which is ASCII, if it is what comes next.
    fn skip(&mut self, text: &str) -> bool {
        let rest = self.text.as_bytes().get(self.position..).unwrap_or_default();
        let there = rest.starts_with(text.as_bytes());
        if there {
            self.position = self.position.saturating_add(text.len());
        }
        there
    }

    /// Takes all bytes that are as `wanted` says, which must be ASCII.
    fn run(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let count = self.rest().bytes().take_while(|byte| byte.is_ascii() && wanted(*byte)).count();
        self.take(count)
    }

    fn space(&mut self) {
        while matches!(self.next(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.position = self.position.saturating_add(1);
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, String> {
        if depth > MAX_DEPTH {
            return Err(self.fail("too many levels"));
        }
        self.space();
        match self.next() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ if self.skip("null") => Ok(Value::Null),
            _ if self.skip("true") => Ok(Value::Bool(true)),
            _ if self.skip("false") => Ok(Value::Bool(false)),
            _ => Err(self.fail("no value")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value<'a>, String> {
        let mut values = Vec::new();
        self.take(1);
        self.space();
        if self.skip("]") {
            return Ok(Value::List(values));
        }
        loop {
            values.push(self.value(depth.saturating_add(1))?);
            self.space();
            if self.skip("]") {
                return Ok(Value::List(values));
            }
            if !self.skip(",") {
                return Err(self.fail("a list without an end"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, String> {
        let mut members = Vec::new();
        self.take(1);
        self.space();
        if self.skip("}") {
            return Ok(Value::Object(Members(members)));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            if !self.skip(":") {
                return Err(self.fail("a member without a value"));
            }
            members.push((name, self.value(depth.saturating_add(1))?));
            self.space();
            if self.skip("}") {
                return Ok(Value::Object(members.into_iter().collect()));
            }
            if !self.skip(",") {
                return Err(self.fail("an object without an end"));
            }
        }
    }

    fn number(&mut self) -> Result<Value<'a>, String> {
        let start = self.position;
        self.skip("-");
        let whole = self.run(|byte| byte.is_ascii_digit());
        let mut complete = whole == "0" || !(whole.is_empty() || whole.starts_with('0'));
        if self.skip(".") {
            complete &= !self.run(|byte| byte.is_ascii_digit()).is_empty();
        }
        if self.skip("e") || self.skip("E") {
            let _ = self.skip("+") || self.skip("-");
            complete &= !self.run(|byte| byte.is_ascii_digit()).is_empty();
        }
        // Rust reads this form as ECMAScript does: the nearest double, and infinity for what is too
        // large.
        let number = self.text.get(start..self.position).and_then(|text| text.parse().ok());
        number.filter(|_| complete).map(Value::Number).ok_or_else(|| self.fail("no number"))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, String> {
        if !self.skip("\"") {
            return Err(self.fail("no text"));
        }
        let mut text = Cow::Borrowed(self.plain());
        loop {
            if self.skip("\"") {
                return Ok(text);
            }
            if !self.skip("\\") {
                return Err(self.fail("a text without an end"));
            }
            text.to_mut().push(self.escaped()?);
            text.to_mut().push_str(self.plain());
        }
    }

    /// Takes what stands for itself in a text.
    fn plain(&mut self) -> &'a str {
        let rest = self.rest();
        // None of these bytes is part of a longer character.
        self.take(end_of_plain(rest.as_bytes()).unwrap_or(rest.len()))
    }

    /// What follows a backslash.
    fn escaped(&mut self) -> Result<char, String> {
        let escape = self.rest().chars().next().unwrap_or_default();
        let plain = match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                self.take(1);
                return self.unicode();
            }
            _ => return Err(self.fail("an escape that does not exist")),
        };
        self.take(1);
        Ok(plain)
    }

    /// The character of one `\u`, or of two that are a surrogate pair. Half a pair can't be part of
    /// a Rust text: it is what a browser makes of it where it leaves the page as UTF-8.
    fn unicode(&mut self) -> Result<char, String> {
        let first = self.unit()?;
        if let Some(c) = char::from_u32(first.into()) {
            return Ok(c);
        }
        let after = self.position;
        if self.skip("\\u") {
            let units = [first, self.unit()?];
            if let [Ok(c)] = char::decode_utf16(units).collect::<Vec<_>>().as_slice() {
                return Ok(*c);
            }
            self.position = after;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn unit(&mut self) -> Result<u16, String> {
        let digits =
            self.rest().get(..4).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.take(4);
        unit.ok_or_else(|| self.fail("no character"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What another reader of JSON made of it.
    fn of(value: serde_json::Value) -> Value<'static> {
        match value {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(value),
            serde_json::Value::Number(value) => Value::Number(value.as_f64().unwrap()),
            serde_json::Value::String(value) => Value::Text(value.into()),
            serde_json::Value::Array(values) => Value::List(values.into_iter().map(of).collect()),
            serde_json::Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| (name.into(), of(value)));
                Value::Object(members.collect())
            }
        }
    }

    #[test]
    fn what_json_parse_takes_and_others_do_not_is_read() {
        for (text, value) in [
            ("1E400", Value::Number(f64::INFINITY)),
            ("-1E400", Value::Number(f64::NEG_INFINITY)),
            ("1e-400", Value::Number(0.0)),
            (r#""\ud83d""#, Value::Text("\u{fffd}".into())),
            (r#""\ude00x""#, Value::Text("\u{fffd}x".into())),
            (r#""\ud83d\u0041""#, Value::Text("\u{fffd}A".into())),
            (r#""\ud83d\ud83d\ude00""#, Value::Text("\u{fffd}\u{1f600}".into())),
            (
                r#"{"a": 1, "a": null}"#,
                Value::Object([("a".into(), Value::Null)].into_iter().collect()),
            ),
        ] {
            assert_eq!(Value::parse(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_json_parse_refuses_is_refused() {
        for text in [
            "",
            " ",
            "nul",
            "NaN",
            "Infinity",
            "undefined",
            "+1",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "1e+",
            "0x1",
            "'a'",
            "\"",
            "\"a",
            "\"\n\"",
            r#""\x""#,
            r#""\u12""#,
            r#""\u+123""#,
            r#""\ud83d\u1""#,
            "[",
            "[1",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "1 1",
            "\u{feff}1",
            "\u{a0}1",
            "/*c*/1",
            "\"é",
            "\"\\é\"",
        ] {
            assert!(Value::parse(text).is_err(), "{text}");
        }
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Value::parse(&deep(100)).is_ok());
        assert!(Value::parse(&deep(1_000_000)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_another_reader_does(text in any::<String>()) {
            if let Ok(value) = serde_json::from_str(&text) {
                prop_assert_eq!(Value::parse(&text), Ok(of(value)));
            }
        }

        #[test]
        fn any_near_json_is_read_as_another_reader_does(text in r#"[\[\]{}:,"\\u0-9a-f .eE+\-ntrl\r\n]{0,12}"#) {
            match serde_json::from_str(&text) {
                Ok(value) => prop_assert_eq!(Value::parse(&text), Ok(of(value))),
                Err(_) => {
                    // What only this one takes: numbers out of range, and half surrogate pairs.
                    let more = text.contains(['e', 'E']) || text.contains("\\u");
                    prop_assert!(more || Value::parse(&text).is_err(), "{}", text);
                }
            }
        }
    }
}
