//! A message that only one browser can read. Source: RFC 8291 over RFC 8188's `aes128gcm`, in one record.

use p256::{PublicKey, SecretKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};

/// Size of the one record. Source: RFC 8291, section 4: what every user agent takes.
const RECORD_BYTES: u32 = 4096;
/// Largest message: the record without header, padding delimiter and tag. Source: RFC 8291, section 4.
pub const PLAIN_BYTES_MAX: usize = 3993;

/// A browser's keys, as its subscription gives them.
pub struct Keys {
    pub public: PublicKey,
    pub auth: Vec<u8>,
}

/// What must be drawn anew for every message, and never twice.
pub struct Fresh {
    pub secret: SecretKey,
    pub salt: [u8; 16],
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF with SHA-256, in both its steps.
fn derive(salt: &[u8], secret: &[u8], info: &[&[u8]], out: &mut [u8]) -> Option<()> {
    let key = Salt::new(HKDF_SHA256, salt).extract(secret);
    key.expand(info, Length(out.len())).ok()?.fill(out).ok()
}

/// The body of the push. `None` when the plain text is longer than [`PLAIN_BYTES_MAX`].
pub fn seal(plain: &[u8], keys: &Keys, fresh: &Fresh) -> Option<Vec<u8>> {
    if plain.len() > PLAIN_BYTES_MAX {
        return None;
    }
    let (theirs, ours) = (keys.public.to_sec1_bytes(), fresh.secret.public_key().to_sec1_bytes());
    let shared = fresh.secret.diffie_hellman(&keys.public);
    let mut input = [0; 32];
    derive(&keys.auth, shared.raw_secret_bytes().as_slice(), &[b"WebPush: info\0", &theirs, &ours], &mut input)?;
    let (mut key, mut nonce) = ([0; 16], [0; NONCE_LEN]);
    derive(&fresh.salt, &input, &[b"Content-Encoding: aes128gcm\0"], &mut key)?;
    derive(&fresh.salt, &input, &[b"Content-Encoding: nonce\0"], &mut nonce)?;

    let mut record = Vec::with_capacity(plain.len() + 17);
    record.extend_from_slice(plain);
    // The last record's delimiter.
    record.push(2);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record).ok()?;

    let mut body = Vec::with_capacity(86 + record.len());
    body.extend_from_slice(&fresh.salt);
    body.extend_from_slice(&RECORD_BYTES.to_be_bytes());
    body.push(ours.len() as u8);
    body.extend_from_slice(&ours);
    body.extend_from_slice(&record);
    Some(body)
}
