//! Typed reading of a parsed object: every wrong thing is noted with its place, and reading goes on.
//!
//! A value that was refused is replaced by a default. Nothing sees the default: an object with a fault is never handed out.

use campanile_directory::suggest::did_you_mean;
use campanile_directory::{Kind, Warning};

use super::Fault;
use super::json::{Data, Member, Value};
use super::positions::line_column;

/// Keys that PagerDuty puts into every object it answers with. They say nothing that a writer could change.
const READ_ONLY: [&str; 8] = ["id", "type", "summary", "self", "html_url", "created_at", "updated_at", "deleted_at"];

/// The keys of one kind of object.
pub(crate) struct Keys {
    /// "service", for sentences.
    pub(crate) of: &'static str,
    pub(crate) known: &'static [&'static str],
    /// PagerDuty's own, read-only there and without meaning here.
    pub(crate) ignored: &'static [&'static str],
    /// Writable in PagerDuty and without effect here so far: a warning tells.
    pub(crate) idle: &'static [&'static str],
}

/// An object and the JSON pointer that leads to it.
pub(crate) struct Fields<'v> {
    pub(crate) at: usize,
    pub(crate) path: String,
    members: &'v [Member],
}

impl<'v> Fields<'v> {
    /// `None` for what is absent or null.
    pub(crate) fn get(&self, key: &str) -> Option<&'v Value> {
        self.even_null(key).filter(|value| value.data != Data::Null)
    }

    pub(crate) fn even_null(&self, key: &str) -> Option<&'v Value> {
        self.members.iter().find(|member| member.key == key).map(|member| &member.value)
    }

    pub(crate) fn path_to(&self, key: &str) -> String {
        format!("{}/{key}", self.path)
    }
}

pub(crate) struct Reader<'b> {
    bytes: &'b [u8],
    kind: Kind,
    id: String,
    pub(crate) faults: Vec<Fault>,
    pub(crate) warnings: Vec<Warning>,
}

impl<'b> Reader<'b> {
    pub(crate) fn new(kind: Kind, id: &str, bytes: &'b [u8]) -> Self {
        Self { bytes, kind, id: id.to_owned(), faults: Vec::new(), warnings: Vec::new() }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn fault(&mut self, offset: usize, message: impl Into<String>, help: impl Into<String>) {
        let (line, column) = line_column(self.bytes, offset);
        let help = Some(help.into()).filter(|help| !help.is_empty());
        self.faults.push(Fault { offset, line, column, message: message.into(), help });
    }

    pub(crate) fn warn(&mut self, path: String, message: impl Into<String>, help: &str) {
        let help = Some(help.to_owned()).filter(|help| !help.is_empty());
        self.warnings.push(Warning { kind: self.kind, id: self.id.clone(), path, message: message.into(), help });
    }

    fn wrong_type(&mut self, key: &str, expected: &str, value: &Value) {
        self.fault(
            value.at,
            format!("\"{key}\" must be {expected}, and is {}", value.what()),
            format!("write {expected} here"),
        );
    }

    /// The object's fields; keys that nobody knows are faults.
    pub(crate) fn object<'v>(&mut self, value: &'v Value, path: &str, keys: &Keys) -> Option<Fields<'v>> {
        let Data::Object(members) = &value.data else {
            let key = path.rsplit('/').next().unwrap_or_default();
            self.wrong_type(if key.is_empty() { keys.of } else { key }, "an object", value);
            return None;
        };
        for member in members {
            let key = member.key.as_str();
            if keys.idle.contains(&key) && !is_empty(&member.value) {
                let path = format!("{path}/{key}");
                self.warn(path, format!("\"{key}\" has no effect yet"), "it may stay; a later version will read it");
            } else if !keys.known.contains(&key) && ![keys.ignored, &READ_ONLY, keys.idle].concat().contains(&key) {
                let offer = did_you_mean(key, keys.known.iter().copied());
                self.fault(
                    member.at,
                    format!("unknown {} key \"{key}\"{offer}", keys.of),
                    format!("keys are {}", keys.known.join(", ")),
                );
            }
        }
        Some(Fields { at: value.at, path: path.to_owned(), members })
    }

    /// Notes that a needed key is not there.
    pub(crate) fn missing(&mut self, fields: &Fields<'_>, key: &str, help: &str) {
        let at = fields.even_null(key).map_or(fields.at, |value| value.at);
        self.fault(at, format!("\"{key}\" is missing"), help);
    }

    /// Notes that the value of a key is none of those allowed, or not there at all.
    pub(crate) fn missing_or_wrong(&mut self, fields: &Fields<'_>, key: &str, help: &str) {
        match fields.get(key) {
            Some(value) => self.fault(value.at, format!("\"{key}\" has a value that is not allowed"), help),
            None => self.missing(fields, key, help),
        }
    }

    pub(crate) fn text<'v>(&mut self, fields: &Fields<'v>, key: &str) -> Option<&'v str> {
        let value = fields.get(key)?;
        let Data::Text(text) = &value.data else {
            self.wrong_type(key, "a string", value);
            return None;
        };
        Some(text)
    }

    /// `""` where it is absent.
    pub(crate) fn text_or_empty<'v>(&mut self, fields: &Fields<'v>, key: &str) -> &'v str {
        self.text(fields, key).unwrap_or_default()
    }

    pub(crate) fn need_text<'v>(&mut self, fields: &Fields<'v>, key: &str, help: &str) -> &'v str {
        if fields.get(key).is_none() {
            self.missing(fields, key, help);
        }
        self.text_or_empty(fields, key)
    }

    /// A whole number that fits 32 bits with its sign: every number of a configuration does.
    pub(crate) fn whole(&mut self, fields: &Fields<'_>, key: &str) -> Option<i64> {
        let value = fields.get(key)?;
        let Data::Number(written) = &value.data else {
            self.wrong_type(key, "a whole number", value);
            return None;
        };
        let number = written.parse::<i32>().ok().map(i64::from);
        if number.is_none() {
            let help = "write a whole number without fraction or exponent, at most 2147483647";
            self.fault(value.at, format!("\"{key}\" of {written} is not a whole number in range"), help);
        }
        number
    }

    pub(crate) fn need_whole(&mut self, fields: &Fields<'_>, key: &str, help: &str) -> i64 {
        if fields.get(key).is_none() {
            self.missing(fields, key, help);
        }
        self.whole(fields, key).unwrap_or_default()
    }

    /// Empty where it is absent.
    pub(crate) fn list<'v>(&mut self, fields: &Fields<'v>, key: &str) -> &'v [Value] {
        let Some(value) = fields.get(key) else { return &[] };
        let Data::List(items) = &value.data else {
            self.wrong_type(key, "a list", value);
            return &[];
        };
        items
    }

    /// One of a closed set of words.
    pub(crate) fn choice<T: Copy>(&mut self, fields: &Fields<'_>, key: &str, allowed: &[(&str, T)]) -> Option<T> {
        let word = self.text(fields, key)?;
        let found = allowed.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<_> = allowed.iter().map(|(name, _)| *name).collect();
            let offer = did_you_mean(word, names.iter().copied());
            let at = fields.get(key).map_or(fields.at, |value| value.at);
            self.fault(
                at,
                format!("\"{key}\" cannot be \"{word}\"{offer}"),
                format!("allowed are {}", names.join(", ")),
            );
        }
        found
    }

    pub(crate) fn need_choice<T: Copy>(&mut self, fields: &Fields<'_>, key: &str, allowed: &[(&str, T)]) -> Option<T> {
        if fields.get(key).is_none() {
            let names: Vec<_> = allowed.iter().map(|(name, _)| *name).collect();
            self.missing(fields, key, &format!("allowed are {}", names.join(", ")));
        }
        self.choice(fields, key, allowed)
    }

    /// The id of the object that `key` refers to.
    pub(crate) fn reference<'v>(&mut self, fields: &Fields<'v>, key: &str, kind: Kind) -> Option<&'v str> {
        let value = fields.get(key)?;
        self.reference_in(value, &[kind]).map(|(_, id)| id)
    }

    /// The ids of the objects that the list refers to.
    pub(crate) fn references<'v>(&mut self, fields: &Fields<'v>, key: &str, kind: Kind) -> Vec<&'v str> {
        let items = self.list(fields, key);
        items.iter().filter_map(|item| self.reference_in(item, &[kind]).map(|(_, id)| id)).collect()
    }

    /// A reference as PagerDuty writes them, `{"id", "type"}`, its type short or with `_reference`, or absent where
    /// only one kind can stand. Whatever else an embedded object carries is its own business.
    pub(crate) fn reference_in<'v>(&mut self, value: &'v Value, kinds: &[Kind]) -> Option<(Kind, &'v str)> {
        let names: Vec<_> = kinds.iter().map(|kind| format!("{}_reference", kind.as_str())).collect();
        let example = format!("a reference is {{\"id\": \"P…\", \"type\": \"{}\"}}", names.join("\" or \""));
        let Data::Object(members) = &value.data else {
            self.fault(value.at, format!("a reference must be an object, and is {}", value.what()), example);
            return None;
        };
        let fields = Fields { at: value.at, path: String::new(), members };
        let kind = match self.text(&fields, "type") {
            Some(written) => {
                let short = written.strip_suffix("_reference").unwrap_or(written);
                let found = kinds.iter().copied().find(|kind| is_called(*kind, short));
                if found.is_none() {
                    let at = fields.get("type").map_or(value.at, |it| it.at);
                    let offer = did_you_mean(written, names.iter().map(String::as_str));
                    let message = format!("a reference of type \"{written}\" cannot stand here{offer}");
                    self.fault(at, message, format!("allowed are {}", names.join(", ")));
                }
                found?
            }
            None if kinds.len() > 1 => {
                self.missing(&fields, "type", &example);
                return None;
            }
            None => *kinds.first()?,
        };
        if fields.get("id").is_none() {
            self.missing(&fields, "id", &example);
        }
        self.text(&fields, "id").map(|id| (kind, id))
    }
}

fn is_called(kind: Kind, name: &str) -> bool {
    name == kind.as_str() || (kind == Kind::Service && name == "technical_service")
}

/// What a client sends for "nothing": not worth a warning.
fn is_empty(value: &Value) -> bool {
    match &value.data {
        Data::Null | Data::Bool(false) => true,
        Data::Text(text) => text.is_empty(),
        Data::List(items) => items.is_empty(),
        Data::Object(members) => members.is_empty(),
        Data::Bool(true) | Data::Number(_) => false,
    }
}
