//! The hot path: the bytes of one body become an [`Event`] that borrows from them.
//!
//! It is apart from validation because decoding asks only "is it JSON?", and because every core of the product spends
//! its time here. Nothing is allocated per event: the parser's buffers and its tape live in the [`Decoder`], and the
//! tape is walked once, each unknown key skipped by the length of its subtree.
//!
//! What the verdicts are, where JSON itself leaves them open:
//!
//! | body | verdict |
//! |---|---|
//! | integer below -2^63 or above 2^64-1, float beyond f64 | unparseable |
//! | a key twice in one object | the last one wins |
//! | more than 64 levels | unparseable |
//! | not UTF-8, or half of a surrogate pair | unparseable |
//! | not an object, empty, or bytes after the object | unparseable |
//! | a byte order mark before the object | taken: scripts on Windows send one, and their author cannot see it |

use simd_json::{Buffers, Node, StaticNode, Tape};

use super::limits;

/// UTF-8's byte order mark.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The body is no JSON object that this product reads. Deliberately without a position: the answer to the sender has
/// no room for one, and the untouched bytes are in dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("body is not a JSON object of at most {} levels in UTF-8", limits::DEPTH_MAX)]
pub struct Unparseable;

/// What stands at a key that should hold a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field<'a> {
    #[default]
    Missing,
    Null,
    Text(&'a str),
    /// A number, boolean, object or array.
    Other,
}

impl<'a> Field<'a> {
    /// The text, unless it is missing, of another kind or only white space. Not trimmed: keys are compared as sent.
    pub fn filled(self) -> Option<&'a str> {
        match self {
            Self::Text(text) if !text.trim_start().is_empty() => Some(text),
            Self::Text(_) | Self::Missing | Self::Null | Self::Other => None,
        }
    }
}

/// What stands at `payload`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// No such key, or null.
    #[default]
    Missing,
    Object,
    /// Something that is not an object.
    Other,
}

/// One body, decoded and not yet judged. Texts borrow from the bytes that were given to the decoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event<'a> {
    pub routing_key: Field<'a>,
    pub event_action: Field<'a>,
    pub dedup_key: Field<'a>,
    pub client: Field<'a>,
    pub client_url: Field<'a>,
    pub payload: Shape,
    pub summary: Field<'a>,
    pub source: Field<'a>,
    pub severity: Field<'a>,
    pub timestamp: Field<'a>,
    pub component: Field<'a>,
    pub group: Field<'a>,
    pub class: Field<'a>,
    /// `payload.custom_details` is there and not null; [`super::raw::locate`] finds its bytes.
    pub has_details: bool,
    /// `links` is there and not null.
    pub has_links: bool,
    /// `images` is there and not null.
    pub has_images: bool,
}

/// Parses one body after another with the same buffers. One per thread; holds at most about 2 MiB between bodies.
pub struct Decoder {
    buffers: Buffers,
    /// Always empty between calls; kept for its allocation only.
    tape: Tape<'static>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            buffers: Buffers::with_max_depth(limits::BUFFERS_FIRST_BYTES, limits::DEPTH_MAX),
            tape: Tape(Vec::new()),
        }
    }
}

impl Decoder {
    pub fn new() -> Self {
        Self::default()
    }

    /// The event in `bytes`. The bytes are scratch afterwards, whatever the result: escapes are resolved in place, so
    /// the caller keeps the original for dead letters and for [`super::raw::locate`].
    ///
    /// The size of the body is the caller's to check against [`limits::BODY_BYTES_MAX`]: that has its own verdict.
    ///
    /// # Errors
    /// [`Unparseable`] as the table at the head of this module says.
    pub fn decode<'a>(&mut self, bytes: &'a mut [u8]) -> Result<Event<'a>, Unparseable> {
        // The parser checks UTF-8 too, but it hands out `&str` without asking again; a second opinion costs little.
        if std::str::from_utf8(bytes).is_err() {
            return Err(Unparseable);
        }
        let bytes_count = bytes.len();
        let body = if bytes.starts_with(BYTE_ORDER_MARK) { &mut bytes[BYTE_ORDER_MARK.len()..] } else { bytes };
        let mut tape: Tape<'a> = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let event = match simd_json::fill_tape(body, &mut self.buffers, &mut tape) {
            Ok(()) => read_event(&tape.0),
            Err(_) => Err(Unparseable),
        };
        if bytes_count > limits::BUFFERS_KEPT_BYTES_MAX {
            *self = Self::default();
        } else {
            self.tape = tape.reset();
        }
        event
    }
}

/// The members of the object whose header stands at `at`: key, place of the value. Stops where the tape does.
struct Members<'t, 'a> {
    tape: &'t [Node<'a>],
    at: usize,
    left: usize,
}

impl<'t, 'a> Members<'t, 'a> {
    /// `None` if no object stands there.
    fn of(tape: &'t [Node<'a>], at: usize) -> Option<Self> {
        match tape.get(at) {
            Some(Node::Object { len, .. }) => Some(Self { tape, at: at + 1, left: *len }),
            Some(Node::Array { .. } | Node::String(_) | Node::Static(_)) | None => None,
        }
    }
}

impl<'a> Iterator for Members<'_, 'a> {
    type Item = (&'a str, usize);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let Some(Node::String(key)) = self.tape.get(self.at) else { return None };
        let value_at = self.at + 1;
        let subtree = match self.tape.get(value_at)? {
            Node::Object { count, .. } | Node::Array { count, .. } => *count,
            Node::String(_) | Node::Static(_) => 0,
        };
        self.at = value_at + 1 + subtree;
        Some((key, value_at))
    }
}

fn read_event<'a>(tape: &[Node<'a>]) -> Result<Event<'a>, Unparseable> {
    let mut event = Event::default();
    let mut payload_at = None;
    for (key, at) in Members::of(tape, 0).ok_or(Unparseable)? {
        match key {
            "routing_key" => event.routing_key = field(tape, at),
            "event_action" => event.event_action = field(tape, at),
            "dedup_key" => event.dedup_key = field(tape, at),
            "payload" => payload_at = Some(at),
            "client" => event.client = field(tape, at),
            "client_url" => event.client_url = field(tape, at),
            "links" => event.has_links = is_there(tape, at),
            "images" => event.has_images = is_there(tape, at),
            _ => {}
        }
    }
    // Read after the walk, so that of two payloads only the last is seen, and nothing of the first shines through.
    if let Some(at) = payload_at {
        read_payload(tape, at, &mut event);
    }
    Ok(event)
}

fn read_payload<'a>(tape: &[Node<'a>], at: usize, event: &mut Event<'a>) {
    let Some(members) = Members::of(tape, at) else {
        event.payload = if is_there(tape, at) { Shape::Other } else { Shape::Missing };
        return;
    };
    event.payload = Shape::Object;
    for (key, at) in members {
        match key {
            "summary" => event.summary = field(tape, at),
            "source" => event.source = field(tape, at),
            "severity" => event.severity = field(tape, at),
            "timestamp" => event.timestamp = field(tape, at),
            "component" => event.component = field(tape, at),
            "group" => event.group = field(tape, at),
            "class" => event.class = field(tape, at),
            "custom_details" => event.has_details = is_there(tape, at),
            _ => {}
        }
    }
}

fn field<'a>(tape: &[Node<'a>], at: usize) -> Field<'a> {
    match tape.get(at) {
        Some(Node::String(text)) => Field::Text(text),
        Some(Node::Static(StaticNode::Null)) => Field::Null,
        Some(Node::Static(_) | Node::Object { .. } | Node::Array { .. }) => Field::Other,
        None => Field::Missing,
    }
}

fn is_there(tape: &[Node<'_>], at: usize) -> bool {
    !matches!(tape.get(at), None | Some(Node::Static(StaticNode::Null)))
}
