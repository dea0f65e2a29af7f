//! The parts of a body that are kept as the sender wrote them, found without building anything.
//!
//! Apart from the decoder, because the decoder rewrites its bytes: this reads the *original*. It may assume that the
//! bytes are JSON, since the decoder took them; of other bytes it makes no promise but that it ends and does not panic.
//!
//! Two loops do the work, one within texts and one between them. No recursion: to skip an object only its own kind of
//! bracket has to be counted, for in valid JSON the other kind is balanced within.

use super::decode::BYTE_ORDER_MARK;

/// Raw JSON of the parts of one body. A part that stands twice is the last one; a part may be `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawParts<'a> {
    /// `payload.custom_details`: any JSON.
    pub details: Option<&'a [u8]>,
    pub links: Option<&'a [u8]>,
    pub images: Option<&'a [u8]>,
}

/// Finds the parts in the untouched bytes of a body that was decoded.
pub fn locate(original: &[u8]) -> RawParts<'_> {
    let mut parts = RawParts::default();
    let mut cursor = Cursor { bytes: original.strip_prefix(BYTE_ORDER_MARK).unwrap_or(original), at: 0 };
    if !cursor.enter_object() {
        return parts;
    }
    while let Some(key) = cursor.key() {
        if key.is("payload") {
            // A later payload replaces the earlier one whole, details or none.
            parts.details = payload_details(&mut cursor);
        } else if key.is("links") {
            parts.links = cursor.value();
        } else if key.is("images") {
            parts.images = cursor.value();
        } else {
            cursor.value();
        }
    }
    parts
}

/// Reads the payload at the cursor, and leaves the cursor behind it.
fn payload_details<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    if !cursor.enter_object() {
        cursor.value();
        return None;
    }
    let mut details = None;
    while let Some(key) = cursor.key() {
        let value = cursor.value();
        if key.is("custom_details") {
            details = value;
        }
    }
    details
}

/// The raw JSON of `custom_details`, which rules and grouping look into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawDetails<'a>(pub &'a [u8]);

impl RawDetails<'_> {
    /// The value at this path of object keys, as text: a string as it is, a number or boolean as written, an object or
    /// array as JSON without white space. `None` if nothing or null stands there. An empty path is the whole.
    pub fn lookup(&self, path: &[impl AsRef<str>]) -> Option<String> {
        let mut raw = Cursor { bytes: self.0, at: 0 }.value()?;
        for key in path {
            raw = member(raw, key.as_ref())?;
        }
        match raw.first()? {
            b'n' => None,
            b'"' => serde_json::from_slice(raw).ok(),
            b'{' | b'[' => String::from_utf8(compact(raw)).ok(),
            _ => std::str::from_utf8(raw).ok().map(str::to_owned),
        }
    }
}

/// The value at this key of an object; of two, the last.
fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut cursor = Cursor { bytes: object, at: 0 };
    let mut found = None;
    if cursor.enter_object() {
        while let Some(key) = cursor.key() {
            let value = cursor.value();
            if key.is(name) {
                found = value;
            }
        }
    }
    found
}

/// A key with its quotes.
#[derive(Clone, Copy)]
struct Key<'a> {
    quoted: &'a [u8],
    escaped: bool,
}

impl Key<'_> {
    /// Whether it is this name. Only a key with an escape in it is decoded, and thus allocates; no sender is known to
    /// write one.
    fn is(self, name: &str) -> bool {
        match self.quoted {
            _ if self.escaped => serde_json::from_slice::<String>(self.quoted).is_ok_and(|key| key == name),
            [b'"', inner @ .., b'"'] => inner == name.as_bytes(),
            _ => false,
        }
    }
}

/// The JSON without the white space between its tokens; texts and numbers as they were.
fn compact(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        let end = if byte == b'"' { text_end(raw, at).0 } else { at + 1 };
        if !is_space(byte) {
            out.extend_from_slice(&raw[at..end]);
        }
        at = end;
    }
    out
}

/// A place in the bytes. Every method ends at or before the end of the bytes, whatever they are.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Steps behind `{` if it is next. Otherwise stays.
    fn enter_object(&mut self) -> bool {
        self.skip_space();
        let enters = self.peek() == Some(b'{');
        self.at += usize::from(enters);
        enters
    }

    /// The next key of the object that was entered, with its quotes; the cursor stands at its value. `None` behind the
    /// object's end.
    fn key(&mut self) -> Option<Key<'a>> {
        self.skip_space();
        if self.peek() == Some(b',') {
            self.at += 1;
            self.skip_space();
        }
        if self.peek() != Some(b'"') {
            self.at = self.bytes.len().min(self.at + 1);
            return None;
        }
        let start = self.at;
        let (end, escaped) = text_end(self.bytes, start);
        self.at = end;
        self.skip_space();
        if self.peek() == Some(b':') {
            self.at += 1;
        }
        Some(Key { quoted: self.bytes.get(start..end)?, escaped })
    }

    /// The value here, without white space around it; the cursor stands behind it. `None` at the end of the bytes.
    fn value(&mut self) -> Option<&'a [u8]> {
        self.skip_space();
        let start = self.at;
        self.at = match self.peek()? {
            b'"' => text_end(self.bytes, start).0,
            b'{' => nested_end(self.bytes, start, b'}'),
            b'[' => nested_end(self.bytes, start, b']'),
            _ => scalar_end(self.bytes, start),
        };
        self.bytes.get(start..self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// Behind the number, boolean or null that starts here.
fn scalar_end(bytes: &[u8], start: usize) -> usize {
    let ends = |b: &u8| matches!(b, b',' | b'}' | b']') || is_space(*b);
    bytes[start..].iter().position(ends).map_or(bytes.len(), |n| start + n)
}

/// Behind the object or array that starts here.
fn nested_end(bytes: &[u8], start: usize, close: u8) -> usize {
    let open = bytes[start];
    let mut depth = 0usize;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' {
            at = text_end(bytes, at).0;
            continue;
        }
        at += 1;
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        }
    }
    at
}

/// Behind the text whose opening quote stands here, and whether an escape stands in it.
fn text_end(bytes: &[u8], quote_at: usize) -> (usize, bool) {
    let mut at = quote_at + 1;
    let mut escaped = false;
    loop {
        at += plain_bytes(bytes.get(at..).unwrap_or_default());
        match bytes.get(at) {
            Some(b'\\') => {
                escaped = true;
                at += 2;
            }
            Some(_) => return (at + 1, escaped),
            None => return (bytes.len(), escaped),
        }
    }
}

/// How many bytes come before the first quote or backslash. Eight at a time: texts are too short for a library's search
/// to pay its call, and too long for one byte at a time.
fn plain_bytes(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let (words, _) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // A byte of `x` that is zero sets its high bit here. Higher bytes may be set wrongly, the lowest never is.
        let zero = |x: u64| x.wrapping_sub(ONES) & !x & HIGHS;
        let hits = zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\')));
        if hits != 0 {
            return i * 8 + hits.trailing_zeros() as usize / 8;
        }
    }
    let done = words.len() * 8;
    bytes[done..].iter().position(|b| matches!(b, b'"' | b'\\')).map_or(bytes.len(), |n| done + n)
}
