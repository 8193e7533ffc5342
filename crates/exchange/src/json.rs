//! JSON as the exchange needs it (RFC 8259).
//!
//! A library would do, but for three things: texts here are keys and passwords and are wiped,
//! numbers come back digit for digit, and a member that is there twice is seen.

use std::fmt;

use zeroize::Zeroizing;

/// A value. Members keep their order, also where two have one name. Texts may be secret, so that
/// `Debug` shows none.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// As it was written.
    Number(Box<str>),
    Text(Zeroizing<String>),
    List(Vec<Json>),
    Object(Members),
}

pub(crate) type Members = Vec<(String, Json)>;

/// Why bytes are no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotJson {
    Syntax,
    TooDeep,
    TooMany,
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => f.write_str("a plain value"),
            Self::Text(text) => write!(f, "a text of {} bytes", text.len()),
            Self::List(values) => write!(f, "a list of {}", values.len()),
            Self::Object(members) => write!(f, "an object of {}", members.len()),
        }
    }
}

impl Json {
    /// Reads a whole document; a byte order mark before it is skipped. Lists and objects may be
    /// nested so deep, and there may be so many values: in memory each takes more room than in the
    /// document.
    pub(crate) fn read(bytes: &[u8], depth: usize, most: usize) -> Result<Self, NotJson> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let rest = str::from_utf8(bytes).map_err(|_| NotJson::Syntax)?;
        let mut reader = Reader { rest, left: most };
        let value = reader.value(depth)?;
        reader.space();
        if reader.rest.is_empty() { Ok(value) } else { Err(NotJson::Syntax) }
    }

    /// The value as text, without spaces. The bytes are wiped.
    pub(crate) fn write(&self) -> Zeroizing<Vec<u8>> {
        let mut length = 0_usize;
        self.put(&mut |part| length = length.saturating_add(part.len()));
        // Room for all of it: bytes that had to move would leave a copy behind. One byte more is
        // for the end of the line.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
        self.put(&mut |part| bytes.extend_from_slice(part.as_bytes()));
        bytes
    }

    fn put(&self, to: &mut dyn FnMut(&str)) {
        match self {
            Self::Null => to("null"),
            Self::Bool(value) => to(if *value { "true" } else { "false" }),
            Self::Number(digits) => to(digits),
            Self::Text(text) => put_text(text, to),
            Self::List(values) => {
                to("[");
                let mut between = "";
                for value in values {
                    to(between);
                    value.put(to);
                    between = ",";
                }
                to("]");
            }
            Self::Object(members) => {
                to("{");
                let mut between = "";
                for (name, value) in members {
                    to(between);
                    put_text(name, to);
                    to(":");
                    value.put(to);
                    between = ",";
                }
                to("}");
            }
        }
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Text(Zeroizing::new(text.to_owned()))
    }

    pub(crate) fn object(members: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self::Object(members.collect())
    }

    pub(crate) fn number(number: impl Into<i64>) -> Self {
        Self::Number(number.into().to_string().into())
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Members> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The number, if it is one of 64 bits that is written without a point and an exponent.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// The same for a number with a point, without what is behind that.
    pub(crate) fn as_whole_part(&self) -> Option<i64> {
        let Self::Number(digits) = self else { return None };
        let (whole, behind) = digits.split_once('.').unwrap_or((digits, ""));
        if behind.contains(['e', 'E']) { None } else { whole.parse().ok() }
    }

    /// A member of an object: the first of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        member(self.as_object()?, name)
    }

    /// How deep its lists and objects are nested.
    pub(crate) fn depth(&self) -> usize {
        let within = match self {
            Self::List(values) => values.iter().map(Self::depth).max(),
            Self::Object(members) => members.iter().map(|(_, value)| value.depth()).max(),
            _ => return 0,
        };
        within.unwrap_or_default().saturating_add(1)
    }

    /// A name that an object in here has twice.
    pub(crate) fn twice(&self) -> Option<&str> {
        match self {
            Self::List(values) => values.iter().find_map(Self::twice),
            Self::Object(members) => {
                own_twice(members).or_else(|| members.iter().find_map(|(_, value)| value.twice()))
            }
            _ => None,
        }
    }
}

pub(crate) fn member<'a>(members: &'a Members, name: &str) -> Option<&'a Json> {
    members.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// Whether a name is there twice among the members themselves.
pub(crate) fn has_twice(members: &Members, name: &str) -> bool {
    members.iter().filter(|(known, _)| known == name).nth(1).is_some()
}

/// The first of the names that are there twice among the members themselves.
pub(crate) fn own_twice(members: &Members) -> Option<&str> {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.windows(2).find_map(|pair| match pair {
        [first, second] if first == second => Some(*first),
        _ => None,
    })
}

fn put_text(text: &str, to: &mut dyn FnMut(&str)) {
    to("\"");
    let mut rest = text;
    while let Some(place) = rest.find(|c: char| matches!(c, '"' | '\\' | '\0'..='\x1f')) {
        let (plain, special) = rest.split_at(place);
        to(plain);
        let mut characters = special.chars();
        match characters.next() {
            Some('"') => to("\\\""),
            Some('\\') => to("\\\\"),
            Some('\n') => to("\\n"),
            Some('\r') => to("\\r"),
            Some('\t') => to("\\t"),
            Some(other) => to(&format!("\\u{:04x}", u32::from(other))),
            None => {}
        }
        rest = characters.as_str();
    }
    to(rest);
    to("\"");
}

struct Reader<'a> {
    rest: &'a str,
    /// How many values may still come.
    left: usize,
}

impl<'a> Reader<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn is(&mut self, what: &str) -> bool {
        let rest = self.rest.strip_prefix(what);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, what: &str) -> Result<(), NotJson> {
        if self.is(what) { Ok(()) } else { Err(NotJson::Syntax) }
    }

    fn value(&mut self, depth: usize) -> Result<Json, NotJson> {
        self.space();
        self.left = self.left.checked_sub(1).ok_or(NotJson::TooMany)?;
        match self.rest.as_bytes().first() {
            Some(b'{') => self.object(deeper(depth)?).map(Json::Object),
            Some(b'[') => self.list(deeper(depth)?).map(Json::List),
            Some(b'"') => self.text().map(Json::Text),
            Some(b't') => self.expect("true").map(|()| Json::Bool(true)),
            Some(b'f') => self.expect("false").map(|()| Json::Bool(false)),
            Some(b'n') => self.expect("null").map(|()| Json::Null),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Members, NotJson> {
        self.expect("{")?;
        let mut members = Vec::new();
        self.space();
        if self.is("}") {
            return Ok(members);
        }
        loop {
            self.space();
            let name = self.text()?.to_string();
            self.space();
            self.expect(":")?;
            members.push((name, self.value(depth)?));
            self.space();
            if self.is("}") {
                return Ok(members);
            }
            self.expect(",")?;
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Json>, NotJson> {
        self.expect("[")?;
        let mut values = Vec::new();
        self.space();
        if self.is("]") {
            return Ok(values);
        }
        loop {
            values.push(self.value(depth)?);
            self.space();
            if self.is("]") {
                return Ok(values);
            }
            self.expect(",")?;
        }
    }

    fn text(&mut self) -> Result<Zeroizing<String>, NotJson> {
        self.expect("\"")?;
        // What is read is never longer than what is written, so that nothing has to move.
        let mut text = Zeroizing::new(String::with_capacity(written_length(self.rest)));
        loop {
            let special = |c: char| matches!(c, '"' | '\\' | '\0'..='\x1f');
            let place = self.rest.find(special).ok_or(NotJson::Syntax)?;
            let (plain, rest) = self.rest.split_at(place);
            text.push_str(plain);
            self.rest = rest;
            if self.is("\"") {
                return Ok(text);
            }
            self.expect("\\")?;
            text.push(self.escaped()?);
        }
    }

    /// The character that the escape after a backslash stands for.
    fn escaped(&mut self) -> Result<char, NotJson> {
        let mut characters = self.rest.chars();
        let kind = characters.next().ok_or(NotJson::Syntax)?;
        self.rest = characters.as_str();
        Ok(match kind {
            '"' | '\\' | '/' => kind,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.code_unit()?;
                let units = if (0xd800..0xdc00).contains(&first) {
                    self.expect("\\u")?;
                    [first, self.code_unit()?]
                } else {
                    return char::from_u32(first.into()).ok_or(NotJson::Syntax);
                };
                // Halves of a pair stand for nothing by themselves.
                char::decode_utf16(units).next().and_then(Result::ok).ok_or(NotJson::Syntax)?
            }
            _ => return Err(NotJson::Syntax),
        })
    }

    fn code_unit(&mut self) -> Result<u16, NotJson> {
        let (digits, rest) = self.rest.split_at_checked(4).ok_or(NotJson::Syntax)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotJson::Syntax);
        }
        self.rest = rest;
        u16::from_str_radix(digits, 16).map_err(|_| NotJson::Syntax)
    }

    fn number(&mut self) -> Result<Json, NotJson> {
        let start: &'a str = self.rest;
        self.is("-");
        if !self.is("0") {
            self.digits()?;
        }
        if self.is(".") {
            self.digits()?;
        }
        if self.is("e") || self.is("E") {
            let _ = self.is("+") || self.is("-");
            self.digits()?;
        }
        let length = start.len().saturating_sub(self.rest.len());
        Ok(Json::Number(start.get(..length).unwrap_or_default().into()))
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() == self.rest.len() {
            return Err(NotJson::Syntax);
        }
        self.rest = rest;
        Ok(())
    }
}

fn deeper(depth: usize) -> Result<usize, NotJson> {
    depth.checked_sub(1).ok_or(NotJson::TooDeep)
}

/// How long a text is as it is written, up to its closing mark.
fn written_length(rest: &str) -> usize {
    let mut escaped = false;
    let end = rest.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Json, NotJson> {
        Json::read(text.as_bytes(), 8, 100)
    }

    #[test]
    fn what_is_read_is_written_as_it_was() {
        for text in [
            "null",
            "-0.50e+10",
            "123456789012345678901234567890",
            r#""a\"b\\c\n\t\u0001é😀""#,
            r#"[1,[],{},[true,false,null]]"#,
            r#"{"b":1,"a":2,"b":{"":""}}"#,
        ] {
            assert_eq!(&*read(text).unwrap().write(), text.as_bytes());
        }
        let spaced = "\u{feff} { \"a\" : [ 1 , 2 ] }\r\n";
        assert_eq!(&*read(spaced).unwrap().write(), br#"{"a":[1,2]}"#);
        assert_eq!(read(r#""\ud83d\ude00\/""#).unwrap().as_text(), Some("😀/"));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            " ",
            "nul",
            "01",
            "1.",
            ".5",
            "1e",
            "+1",
            "--1",
            "'a'",
            "\"",
            "\"\\\"",
            "\"\n\"",
            r#""\x""#,
            r#""\u12""#,
            r#""\ud83d""#,
            r#""\ud83dx""#,
            r#""\ude00""#,
            r#""\u+123""#,
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "1 2",
            "{}x",
        ] {
            assert_eq!(read(text), Err(NotJson::Syntax), "{text:?}");
        }
        assert_eq!(Json::read(b"\"\xff\"", 8, 1), Err(NotJson::Syntax));
        assert!(Json::read(b"[[[1]]]", 3, 4).is_ok());
        assert_eq!(Json::read(b"[[[1]]]", 2, 4), Err(NotJson::TooDeep));
        assert_eq!(Json::read(b"[[[1]]]", 3, 3), Err(NotJson::TooMany));
        assert_eq!(read(r#"[1,{"a":[]},2]"#).unwrap().depth(), 3);
    }

    #[test]
    fn a_member_that_is_there_twice_is_seen_at_any_depth() {
        assert_eq!(read(r#"[{"a":{"b":1,"c":1,"b":2}}]"#).unwrap().twice(), Some("b"));
        assert_eq!(read(r#"{"a":{"a":{"a":1}}}"#).unwrap().twice(), None);
        // Escapes do not hide it.
        assert_eq!(read(r#"{"rpId":1,"\u0072pId":2}"#).unwrap().twice(), Some("rpId"));
    }

    #[test]
    fn numbers_are_whole_ones_of_64_bits_or_none() {
        let number = |text| read(text).unwrap().as_integer();
        let whole_part = |text| read(text).unwrap().as_whole_part();
        assert_eq!(whole_part("1780000000.5"), Some(1_780_000_000));
        assert_eq!(whole_part("1.5e3"), None);
        assert_eq!(number("1780000000.5"), None);
        assert_eq!(number("-11644473600"), Some(-11_644_473_600));
        assert_eq!(number("18446744073709551616"), None);
        assert_eq!(number("1e3"), None);
        assert_eq!(number("\"1\""), None);
    }
}
