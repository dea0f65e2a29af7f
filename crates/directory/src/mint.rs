//! Names that the directory makes itself: integration keys, secrets of webhooks, and ids of integrations that were given none.
//!
//! A key and the scope of its service agree in the low bits of their murmur2. A producer that keys its records by
//! routing key then reaches the service's home shard for every power-of-two number of partitions and pays no hop.

use campanile_model::murmur2::murmur2;
use campanile_model::text::ROUTING_KEY_CHARS;
use campanile_model::{IntegrationId, RoutingKey, ScopeId, ServiceId};
use compact_str::CompactString;

/// How many low bits of the hashes agree: enough for 4096 partitions, and some 4096 tries to find.
pub const AFFINITY_BITS: u32 = 12;
const AFFINITY_MASK: u32 = (1 << AFFINITY_BITS) - 1;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Crockford's base 32, as in the ids of incidents.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Whether events with this key arrive at the home of this scope without a hop.
pub fn has_affinity(key: &str, scope: &str) -> bool {
    (murmur2(key.as_bytes()) ^ murmur2(scope.as_bytes())) & AFFINITY_MASK == 0
}

/// A new key of 32 lower-case hexadecimal digits for an integration of a service with this scope.
///
/// Entropy is drawn once and counted up from, not drawn for each try: the search then ends whatever the source
/// gives, and all but about 12 of the 128 bits stay unknown to anybody else.
pub fn mint_key(scope: &ScopeId, entropy: &mut dyn FnMut() -> [u8; 16]) -> RoutingKey {
    let wanted = murmur2(scope.as_str().as_bytes()) & AFFINITY_MASK;
    let mut key = [b'0'; ROUTING_KEY_CHARS];
    for (byte, digits) in entropy().iter().zip(key.chunks_exact_mut(2)) {
        digits.copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
    while murmur2(&key) & AFFINITY_MASK != wanted {
        count_up(&mut key);
    }
    RoutingKey::new(key.map(char::from).iter().collect::<String>())
}

/// The next number in hexadecimal digits, around from the highest to zero. Counting in the text itself spares each of
/// the tries its formatting, which would be most of the time for an organisation of 25,000 services.
fn count_up(digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = match *digit {
            b'f' => b'0',
            b'9' => b'a',
            other => other + 1,
        };
        if *digit != b'0' {
            return;
        }
    }
}

/// A new secret of a webhook subscription: 256 bits as 64 lower-case hexadecimal digits, as PagerDuty's are.
pub fn mint_secret(entropy: &mut dyn FnMut() -> [u8; 16]) -> CompactString {
    let bytes = [entropy(), entropy()];
    let digits = bytes.iter().flatten().flat_map(|byte| [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    digits.map(char::from).collect()
}

/// The id of an integration that was written without one: from service and name, so that every apply finds the key
/// that an earlier one minted. By place instead, a new line above would hand each key to its neighbour.
pub fn integration_id(service: &ServiceId, name: &str) -> IntegrationId {
    // FNV-1a, 64 bits: pinned here because the id outlives every hasher that a library may change.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in service.as_str().bytes().chain([0]).chain(name.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    let mut text = String::from("P");
    text.extend((0..13).rev().map(|place| char::from(DIGITS[((hash >> (5 * place)) & 31) as usize])));
    IntegrationId::new(text)
}
