//! From a place inside an object to a line and a column of its file.

use super::json::{self, Data, Value};
use campanile_directory::Kind;

/// Line and column, both from 1, of a byte offset; columns count characters.
pub fn line_column(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = &bytes[..offset.min(bytes.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
    (line, column)
}

/// Line and column of the value at a JSON pointer, with the object's wrapper key or without it.
/// What is not there is answered with the nearest place around it, and unreadable bytes with their start.
pub fn position_of(bytes: &[u8], path: &str) -> (usize, usize) {
    let Ok(root) = json::parse(bytes) else { return (1, 1) };
    line_column(bytes, find(&root, path).at)
}

fn find<'v>(root: &'v Value, path: &str) -> &'v Value {
    let mut value = root;
    let mut parts = path.split('/').skip(1).peekable();
    if let Some((wrapper, inside)) = unwrap(root) {
        value = inside;
        parts.next_if(|part| *part == wrapper);
    }
    for part in parts {
        let part = part.replace("~1", "/").replace("~0", "~");
        let below = value.member(&part).or_else(|| value.item(part.parse().ok()?));
        match below {
            Some(below) => value = below,
            None => break,
        }
    }
    value
}

/// The object inside its wrapper key, if it has one: `{"service": {…}}`.
pub(crate) fn unwrap(root: &Value) -> Option<(&str, &Value)> {
    let Data::Object(members) = &root.data else { return None };
    let [member] = members.as_slice() else { return None };
    let is_wrapper = Kind::parse(&member.key).is_some() && matches!(member.value.data, Data::Object(_));
    is_wrapper.then_some((member.key.as_str(), &member.value))
}
