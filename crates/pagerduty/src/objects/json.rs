//! JSON with the place of every value, for messages that point at a line.
//!
//! Not simd-json: it forgets where values stood. Configuration is small and read seldom, so this is plain and slow.

/// Deepest nesting of a configuration object. Source: ours; PagerDuty's objects need 7.
const DEPTH_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    /// Byte offset of the first character.
    pub(crate) at: usize,
    pub(crate) data: Data,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    /// As written, checked against JSON's grammar.
    Number(String),
    Text(String),
    List(Vec<Value>),
    Object(Vec<Member>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    /// Byte offset of the key's quote.
    pub(crate) at: usize,
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// Where reading stopped, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: usize,
    pub(crate) message: String,
    pub(crate) help: &'static str,
}

impl Value {
    pub(crate) fn member(&self, key: &str) -> Option<&Self> {
        match &self.data {
            Data::Object(members) => members.iter().find(|member| member.key == key).map(|member| &member.value),
            Data::Null | Data::Bool(_) | Data::Number(_) | Data::Text(_) | Data::List(_) => None,
        }
    }

    pub(crate) fn item(&self, index: usize) -> Option<&Self> {
        match &self.data {
            Data::List(items) => items.get(index),
            Data::Null | Data::Bool(_) | Data::Number(_) | Data::Text(_) | Data::Object(_) => None,
        }
    }

    /// "a string", for sentences.
    pub(crate) fn what(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Bool(_) => "true or false",
            Data::Number(_) => "a number",
            Data::Text(_) => "a string",
            Data::List(_) => "a list",
            Data::Object(_) => "an object",
        }
    }
}

/// The one value that the bytes hold.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, SyntaxError> {
    let text = std::str::from_utf8(bytes).map_err(|error| SyntaxError {
        at: error.valid_up_to(),
        message: "the file is not UTF-8 from here on".to_owned(),
        help: "save it as UTF-8",
    })?;
    let mut parser = Parser { text, at: 0 };
    if text.starts_with('\u{feff}') {
        return Err(parser.error("the file begins with a byte order mark", "save it as UTF-8 without one"));
    }
    let value = parser.value(0)?;
    parser.blank();
    if parser.at < text.len() {
        return Err(parser.error("something follows the end of the object", "a file holds one JSON object"));
    }
    Ok(value)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

type Parsed<T> = Result<T, SyntaxError>;

impl Parser<'_> {
    fn error(&self, message: impl Into<String>, help: &'static str) -> SyntaxError {
        SyntaxError { at: self.at, message: message.into(), help }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn blank(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// What stands here, for a message.
    fn found(&self) -> String {
        match self.text[self.at..].chars().next() {
            Some(character) => format!("found {character:?}"),
            None => "the file ends".to_owned(),
        }
    }

    fn value(&mut self, depth: usize) -> Parsed<Value> {
        self.blank();
        if depth > DEPTH_MAX {
            return Err(self.error(format!("nested deeper than {DEPTH_MAX}"), "no object of PagerDuty's is so deep"));
        }
        let at = self.at;
        let data = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Data::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Value { at, data })
    }

    fn word(&mut self) -> Parsed<Data> {
        for (word, data) in [("null", Data::Null), ("true", Data::Bool(true)), ("false", Data::Bool(false))] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(data);
            }
        }
        let help = match self.peek() {
            Some(b'}' | b']') => "remove the comma before it",
            Some(b'\'') => "JSON's quotes are double",
            Some(b'/' | b'#') => "JSON has no comments",
            _ => "a value is a string in double quotes, a number, true, false, null, a list or an object",
        };
        Err(self.error(format!("expected a value, {}", self.found()), help))
    }

    fn object(&mut self, depth: usize) -> Parsed<Data> {
        self.at += 1;
        let mut members: Vec<Member> = Vec::new();
        self.blank();
        if self.take(b'}') {
            return Ok(Data::Object(members));
        }
        loop {
            self.blank();
            let at = self.at;
            if self.peek() != Some(b'"') {
                let help = match self.peek() {
                    Some(b'}') => "remove the comma before it",
                    Some(b'/' | b'#') => "JSON has no comments",
                    _ => "keys stand in double quotes",
                };
                return Err(self.error(format!("expected a key, {}", self.found()), help));
            }
            let key = self.string()?;
            if members.iter().any(|member| member.key == key) {
                self.at = at;
                return Err(self.error(format!("key \"{key}\" comes twice in one object"), "keep one of the two"));
            }
            self.blank();
            if !self.take(b':') {
                return Err(self.error(
                    format!("expected a colon after \"{key}\", {}", self.found()),
                    "a colon stands between key and value",
                ));
            }
            let value = self.value(depth + 1)?;
            members.push(Member { at, key, value });
            if !self.more(b'}')? {
                return Ok(Data::Object(members));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Parsed<Data> {
        self.at += 1;
        let mut items = Vec::new();
        self.blank();
        if self.take(b']') {
            return Ok(Data::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if !self.more(b']')? {
                return Ok(Data::List(items));
            }
        }
    }

    /// Past a comma, or past the end.
    fn more(&mut self, end: u8) -> Parsed<bool> {
        self.blank();
        if self.take(end) {
            return Ok(false);
        }
        if self.take(b',') {
            return Ok(true);
        }
        let message = format!("expected a comma or {:?}, {}", char::from(end), self.found());
        Err(self.error(message, "a comma stands between two entries; look at the end of the line above too"))
    }

    fn number(&mut self) -> Parsed<Data> {
        let start = self.at;
        self.take(b'-');
        let digits = |parser: &mut Self| {
            let from = parser.at;
            while let Some(b'0'..=b'9') = parser.peek() {
                parser.at += 1;
            }
            parser.at - from
        };
        let zero_first = self.peek() == Some(b'0');
        let whole = digits(self);
        let mut sound = whole == 1 || (whole > 1 && !zero_first);
        if self.take(b'.') {
            sound &= digits(self) > 0;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            sound &= digits(self) > 0;
        }
        let written = self.text[start..self.at].to_owned();
        if sound {
            return Ok(Data::Number(written));
        }
        self.at = start;
        Err(self
            .error(format!("{written:?} is not a number"), "write it like 300, -1 or 0.5; or in quotes as a string"))
    }

    fn string(&mut self) -> Parsed<String> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let run = rest.bytes().position(|byte| byte == b'"' || byte == b'\\' || byte < 0x20).unwrap_or(rest.len());
            text.push_str(&rest[..run]);
            self.at += run;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => {
                    let help = "close the quotes on the same line; write a line break as \\n";
                    return Err(self.error("a control character or line break stands inside a string", help));
                }
                None => {
                    self.at = start;
                    return Err(self.error("the string that begins here never ends", "close its quotes"));
                }
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let letter = self.text.as_bytes().get(self.at + 1).copied();
        let plain = match letter {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.error("unknown escape in a string", "write a backslash itself as \\\\")),
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode(&mut self) -> Parsed<char> {
        let unit = |parser: &Self, at: usize| -> Option<u32> {
            let digits = parser.text.get(at..at + 6)?.strip_prefix("\\u")?;
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
        };
        let first = unit(self, self.at);
        let (code, length) = match first {
            // The first half of a pair; the second follows at once.
            Some(high @ 0xd800..0xdc00) => match unit(self, self.at + 6) {
                Some(low @ 0xdc00..0xe000) => (Some(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)), 12),
                _ => (None, 0),
            },
            other => (other, 6),
        };
        let Some(character) = code.and_then(char::from_u32) else {
            return Err(self.error("\\u is not followed by a character's four digits", "write the character itself"));
        };
        self.at += length;
        Ok(character)
    }
}
