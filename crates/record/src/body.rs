//! The stored form of what triage does not look into: one JSON object with the sender's own members.

use crate::json::Object;

/// Names, quotes, colons and commas of all members.
const NAMES_BYTES: usize = 160;

/// The parts, each as the sender gave it; the raw ones are JSON and are copied byte for byte.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts<'a> {
    pub source: &'a str,
    pub component: Option<&'a str>,
    pub group: Option<&'a str>,
    pub class: Option<&'a str>,
    /// `payload.timestamp` as written; only shown.
    pub timestamp: Option<&'a str>,
    pub client: Option<&'a str>,
    pub client_url: Option<&'a str>,
    pub custom_details: Option<&'a [u8]>,
    pub links: Option<&'a [u8]>,
    pub images: Option<&'a [u8]>,
    /// The summary was longer than it may be and was cut.
    pub summary_cut: bool,
}

impl Parts<'_> {
    /// Bytes of the stored form when nothing has to be escaped; more, when texts hold quotes or controls.
    fn size(&self) -> usize {
        let texts = [self.component, self.group, self.class, self.timestamp, self.client, self.client_url];
        let texts = texts.into_iter().flatten().map(str::len);
        let raws = [self.custom_details, self.links, self.images].into_iter().flatten().map(<[u8]>::len);
        self.source.len() + texts.chain(raws).sum::<usize>() + NAMES_BYTES
    }
}

pub fn encode(parts: &Parts<'_>, out: &mut Vec<u8>) {
    out.reserve(parts.size());
    let mut object = Object::open(out);
    object.text("source", parts.source);
    let texts = [
        ("component", parts.component),
        ("group", parts.group),
        ("class", parts.class),
        ("timestamp", parts.timestamp),
        ("client", parts.client),
        ("client_url", parts.client_url),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            object.text(name, value);
        }
    }
    let raws = [("custom_details", parts.custom_details), ("links", parts.links), ("images", parts.images)];
    for (name, value) in raws {
        if let Some(value) = value {
            object.raw(name, value);
        }
    }
    if parts.summary_cut {
        object.plain("summary_cut", true);
    }
    object.close();
}
