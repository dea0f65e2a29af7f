//! Writing JSON into a buffer, member by member, without a tree.

use std::fmt::Display;
use std::io::Write;

use campanile_model::Timestamp;

pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

pub(crate) fn text(out: &mut Vec<u8>, value: &str) {
    // Nearly every text is plain; looking at all bytes without stopping lets the compiler do it many at a time.
    let plain = value.bytes().fold(true, |plain, byte| plain & (byte >= 0x20) & (byte != b'"') & (byte != b'\\'));
    if plain {
        out.reserve(value.len() + 2);
        out.push(b'"');
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
    } else {
        // Writing to a vector cannot fail, and a str always has a JSON form.
        let _ = serde_json::to_writer(out, value);
    }
}

impl<'a> Object<'a> {
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    // Inlined, a name of known length is a few moves; called, it was a tenth of writing a record.
    #[inline(always)]
    fn name(&mut self, name: &str) {
        self.out.reserve(name.len() + 4);
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// A word of ours, in quotes: there is nothing in it to escape.
    #[inline(always)]
    pub(crate) fn word(&mut self, name: &str, word: &str) {
        self.name(name);
        self.out.reserve(word.len() + 2);
        self.out.push(b'"');
        self.out.extend_from_slice(word.as_bytes());
        self.out.push(b'"');
    }

    /// An instant, in quotes.
    pub(crate) fn time(&mut self, name: &str, at: Timestamp) {
        self.name(name);
        self.out.push(b'"');
        at.write_rfc3339(self.out);
        self.out.push(b'"');
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        text(self.out, value);
    }

    pub(crate) fn text_or_null(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.null(name),
        }
    }

    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        self.raw(name, if value { b"true" } else { b"false" });
    }

    pub(crate) fn null(&mut self, name: &str) {
        self.raw(name, b"null");
    }

    /// A number, boolean or null, by its own display form.
    pub(crate) fn plain(&mut self, name: &str, value: impl Display) {
        self.name(name);
        let _ = write!(self.out, "{value}");
    }

    /// Something whose display form needs no escaping, in quotes.
    pub(crate) fn quoted(&mut self, name: &str, value: impl Display) {
        self.name(name);
        let _ = write!(self.out, "\"{value}\"");
    }

    /// JSON as it stands.
    pub(crate) fn raw(&mut self, name: &str, json: &[u8]) {
        self.name(name);
        self.out.extend_from_slice(json);
    }

    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) {
        self.name(name);
        let mut object = Object::open(self.out);
        fill(&mut object);
        object.close();
    }

    pub(crate) fn list<T>(&mut self, name: &str, items: impl IntoIterator<Item = T>, write: impl Fn(&mut Vec<u8>, T)) {
        self.name(name);
        self.out.push(b'[');
        for (i, item) in items.into_iter().enumerate() {
            if i > 0 {
                self.out.push(b',');
            }
            write(self.out, item);
        }
        self.out.push(b']');
    }

    /// `{"id", "type", "summary"}`.
    pub(crate) fn reference(&mut self, name: &str, kind: &str, id: &str, summary: &str) {
        self.object(name, |o| {
            o.text("id", id);
            o.word("type", kind);
            o.text("summary", summary);
        });
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }
}
