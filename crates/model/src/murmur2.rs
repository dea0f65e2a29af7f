//! The hash that Java's Kafka producers choose partitions by, so that a producer keyed by routing key lands at home.

/// Kafka's murmur2 with its fixed seed, made non-negative as Kafka's `toPositive` does.
/// Source: Apache Kafka, `org.apache.kafka.common.utils.Utils.murmur2`.
pub fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    let mut hash = SEED ^ data.len() as u32;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    for (i, byte) in rest.iter().enumerate() {
        hash ^= u32::from(*byte) << (8 * i);
    }
    if !rest.is_empty() {
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    (hash ^ (hash >> 15)) & 0x7fff_ffff
}

/// The partition that a keyed record goes to among `partitions` (at least 1).
pub fn partition_of(key: &[u8], partitions: u16) -> u16 {
    (murmur2(key) % u32::from(partitions.max(1))) as u16
}
