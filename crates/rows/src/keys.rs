//! The registry of row kinds and the layout of every key: two bytes of kind, four of prefix, sixteen of identity,
//! all big-endian, so that rows of one kind and one service lie together.

use campanile_model::{IncidentId, ServiceId};
use campanile_triage::{AlertKey, CommandKey, GroupKey, PageKey, Want};

/// Bytes of a key, in one array.
pub type Key = [u8; 22];

/// Two-byte kinds. Never reused; a retired one stays listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Alert,
    Answer,
    Details,
    Group,
    Incident,
    Members,
    // The notifier's; the processor has no such rows.
    Errand,
    Ladder,
    Order,
    Person,
    Ring,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Alert,
        Self::Answer,
        Self::Details,
        Self::Errand,
        Self::Group,
        Self::Incident,
        Self::Ladder,
        Self::Members,
        Self::Order,
        Self::Person,
        Self::Ring,
    ];

    pub const fn bytes(self) -> [u8; 2] {
        match self {
            Self::Alert => *b"al",
            Self::Answer => *b"an",
            Self::Details => *b"de",
            Self::Group => *b"gr",
            Self::Incident => *b"in",
            Self::Members => *b"me",
            Self::Errand => *b"er",
            Self::Ladder => *b"la",
            Self::Order => *b"or",
            Self::Person => *b"pe",
            Self::Ring => *b"ri",
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Answer => "answer",
            Self::Details => "details",
            Self::Group => "group",
            Self::Incident => "incident",
            Self::Members => "members",
            Self::Errand => "errand",
            Self::Ladder => "ladder",
            Self::Order => "order",
            Self::Person => "person",
            Self::Ring => "ring",
        }
    }

    /// What prefix and identity are, for the generated page.
    pub const fn layout(self) -> &'static str {
        match self {
            Self::Alert | Self::Details => "service prefix · 96-bit hash of (service, integration, dedup key)",
            Self::Answer => "0 · 128-bit hash of the command id",
            Self::Group => "scope prefix · 128-bit hash of the grouping and its values",
            Self::Incident | Self::Ladder => "0 · incident id",
            Self::Errand => "0 · 128-bit hash of what is to be sent",
            Self::Order => "0 · order id",
            Self::Person => "0 · 128-bit hash of the user id",
            Self::Ring => "0 · 128-bit hash of (policy, level)",
            Self::Members => "page number · incident id",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

pub(crate) fn key(kind: Kind, prefix: u32, identity: u128) -> Key {
    let mut key = [0; 22];
    key[..2].copy_from_slice(&kind.bytes());
    key[2..6].copy_from_slice(&prefix.to_be_bytes());
    key[6..].copy_from_slice(&identity.to_be_bytes());
    key
}

fn alert_like(kind: Kind, alert: &AlertKey) -> Key {
    key(kind, alert.service, alert.with_service(0).packed())
}

pub fn alert(alert: &AlertKey) -> Key {
    alert_like(Kind::Alert, alert)
}

/// What the keys of all open alerts of a service begin with. Another service may share the prefix, rarely.
pub fn alerts_of(service: &ServiceId) -> [u8; 6] {
    let mut prefix = [0; 6];
    prefix[..2].copy_from_slice(&Kind::Alert.bytes());
    prefix[2..].copy_from_slice(&AlertKey::prefix_of(service).to_be_bytes());
    prefix
}

pub fn details(alert: &AlertKey) -> Key {
    alert_like(Kind::Details, alert)
}

pub fn group(group: &GroupKey) -> Key {
    key(Kind::Group, group.scope, group.hash)
}

pub fn incident(id: &IncidentId) -> Key {
    key(Kind::Incident, 0, u128::from(id.0))
}

pub fn members(page: &PageKey) -> Key {
    key(Kind::Members, page.page, u128::from(page.incident.0))
}

pub fn answer(command: &CommandKey) -> Key {
    key(Kind::Answer, 0, command.0)
}

/// The key of a wanted row.
pub fn of(want: &Want) -> Key {
    match want {
        Want::Alert(k) => alert(k),
        Want::Details(k) => details(k),
        Want::Incident(k) => incident(k),
        Want::Group(k) => group(k),
        Want::Members(k) => members(k),
        Want::Answer(k) => answer(k),
    }
}

/// Kind, prefix and identity; `None` for a kind that this program does not know.
pub(crate) fn parts(key: &Key) -> Option<(Kind, u32, u128)> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.bytes() == key[..2])?;
    let prefix = u32::from_be_bytes(key[2..6].try_into().ok()?);
    let identity = u128::from_be_bytes(key[6..].try_into().ok()?);
    Some((kind, prefix, identity))
}

/// What a key of the processor names; `None` for any other.
pub fn read(key: &Key) -> Option<Want> {
    let (kind, prefix, identity) = parts(key)?;
    let alert = AlertKey::unpack(identity).with_service(prefix);
    Some(match kind {
        Kind::Alert => Want::Alert(alert),
        Kind::Details => Want::Details(alert),
        Kind::Answer => Want::Answer(CommandKey(identity)),
        Kind::Group => Want::Group(GroupKey { scope: prefix, hash: identity }),
        Kind::Incident => Want::Incident(IncidentId(identity as u64)),
        Kind::Members => Want::Members(PageKey { page: prefix, incident: IncidentId(identity as u64) }),
        Kind::Errand | Kind::Ladder | Kind::Order | Kind::Person | Kind::Ring => return None,
    })
}

/// The page docs/reference/keys.md, generated from this registry.
pub fn page() -> String {
    let mut page = String::from(
        "# Row keys\n\nGenerated from `crates/rows/src/keys.rs`; change that and run `cargo xtask docs`.\n\n\
         Every key has 22 bytes: kind (2), prefix (4), identity (16), big-endian. Kinds are never reused.\n\n\
         | kind | bytes | prefix · identity |\n|---|---|---|\n",
    );
    for kind in Kind::ALL {
        let bytes = String::from_utf8_lossy(&kind.bytes()).into_owned();
        page.push_str(&format!("| {} | `{bytes}` | {} |\n", kind.as_str(), kind.layout()));
    }
    page
}
