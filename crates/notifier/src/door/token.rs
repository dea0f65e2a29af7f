//! What a link may do, signed: whoever holds it is taken for the person that it was made for, for one act, until it
//! expires.
//!
//! A token is not kept anywhere. What it brings about has an id derived from its signature, and the processor knows ids
//! for a day, which no token outlives: used twice it does one thing.
//!
//! `base64url(version 1 | purpose 1 | about 1 | id 8 | expires 8 | user length 1 | user | note | HMAC-SHA256 32)`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use campanile_model::{IncidentId, OrderId, Span, Timestamp, UserId, Verb};
use ring::hmac;

const VERSION: u8 = 1;
const TAG_BYTES: usize = 32;
const HEAD_BYTES: usize = 20;
/// How long a token may be used. Source: the processor knows the id of a command for 24 h; a link that lived longer
/// could act twice.
pub const LIFE: Span = Span::hours(24);
/// Longest token, in characters. Source: ours; longer ones are not even decoded.
pub const TOKEN_CHARS_MAX: usize = 2048;
/// Least length of the secret, in bytes. Source: RFC 2104, section 3, asks for the length of the hash; half of it keeps
/// 128 bits.
pub const SECRET_BYTES_MIN: usize = 16;

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    Acknowledge,
    Resolve,
    Escalate,
    /// A provider tells what became of an order. The note is the provider's name.
    Receipt,
    /// A call asks what it shall say. The note is what it says.
    Call,
}

impl Purpose {
    const ALL: [Self; 5] = [Self::Acknowledge, Self::Resolve, Self::Escalate, Self::Receipt, Self::Call];

    const fn byte(&self) -> u8 {
        match self {
            Self::Acknowledge => b'a',
            Self::Resolve => b'r',
            Self::Escalate => b'e',
            Self::Receipt => b's',
            Self::Call => b'c',
        }
    }

    /// What the person asks for, if a person acts.
    pub const fn verb(&self) -> Option<Verb> {
        match self {
            Self::Acknowledge => Some(Verb::Acknowledge),
            Self::Resolve => Some(Verb::Resolve),
            Self::Escalate => Some(Verb::RequestEscalation(None)),
            Self::Receipt | Self::Call => None,
        }
    }
}

/// What an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Everything in it.
    Order(OrderId),
    Incident(IncidentId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub purpose: Purpose,
    pub about: About,
    pub user: UserId,
    pub expires: Timestamp,
    pub note: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the link is not one of ours, or was cut")]
    Forged,
    #[error("the link has expired")]
    Expired,
}

/// A token that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub grant: Grant,
    /// Names the token, in 32 hex digits.
    pub id: String,
}

/// Signs and checks tokens.
#[derive(Clone)]
pub struct Signer(hmac::Key);

impl Signer {
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub fn sign(&self, grant: &Grant) -> String {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + 16 + grant.note.len() + TAG_BYTES);
        let (kind, id) = match grant.about {
            About::Order(id) => (b'o', id.0),
            About::Incident(id) => (b'i', id.0),
        };
        bytes.extend([VERSION, grant.purpose.byte(), kind]);
        bytes.extend(id.to_be_bytes());
        bytes.extend(grant.expires.0.to_be_bytes());
        let user = grant.user.as_str().as_bytes();
        let user = &user[..user.len().min(usize::from(u8::MAX))];
        bytes.push(user.len() as u8);
        bytes.extend(user);
        bytes.extend(grant.note.as_bytes());
        let tag = hmac::sign(&self.0, &bytes);
        bytes.extend(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What the token allows at `now`.
    ///
    /// # Errors
    /// [`TokenError`], to be shown to whoever brought it.
    pub fn check(&self, token: &str, now: Timestamp) -> Result<Checked, TokenError> {
        if token.len() > TOKEN_CHARS_MAX {
            return Err(TokenError::Forged);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError::Forged)?;
        let split = bytes.len().checked_sub(TAG_BYTES).ok_or(TokenError::Forged)?;
        let (payload, tag) = bytes.split_at(split);
        // In constant time; nothing is read before it holds.
        hmac::verify(&self.0, payload, tag).map_err(|_| TokenError::Forged)?;
        let grant = read(payload).ok_or(TokenError::Forged)?;
        if grant.expires <= now {
            return Err(TokenError::Expired);
        }
        let id = tag[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Checked { grant, id })
    }
}

fn read(payload: &[u8]) -> Option<Grant> {
    let number = |from: usize| payload.get(from..from + 8)?.try_into().ok().map(u64::from_be_bytes);
    if *payload.first()? != VERSION {
        return None;
    }
    let purpose = Purpose::ALL.into_iter().find(|purpose| Some(&purpose.byte()) == payload.get(1))?;
    let about = match payload.get(2)? {
        b'o' => About::Order(OrderId(number(3)?)),
        b'i' => About::Incident(IncidentId(number(3)?)),
        _ => return None,
    };
    let expires = Timestamp(number(11)?.cast_signed());
    let end = HEAD_BYTES + usize::from(*payload.get(HEAD_BYTES - 1)?);
    let user = UserId::new(std::str::from_utf8(payload.get(HEAD_BYTES..end)?).ok()?);
    let note = String::from_utf8(payload.get(end..)?.to_vec()).ok()?;
    Some(Grant { purpose, about, user, expires, note })
}
