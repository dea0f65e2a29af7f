//! Nouns: ids that can be read back, time that prints as it should, texts that are cut at a character.

use campanile_model::murmur2::{murmur2, partition_of};
use campanile_model::text::{SUMMARY_CHARS_MAX, cut, longer_than};
use campanile_model::{AlertId, IncidentId, LedgerId, ShardId, Timestamp};
use proptest::prelude::*;

#[test]
fn instants_print_as_rfc_3339() {
    for (ms, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_400_123, "2000-02-29T00:00:00.123Z"),
        (1_772_409_599_999, "2026-03-01T23:59:59.999Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(Timestamp(ms).to_string(), text);
        assert_eq!(Timestamp(ms).rfc3339_seconds().to_string(), format!("{}Z", &text[..19]));
    }
    assert_eq!(Timestamp(253_402_300_800_000).to_string(), "10000-01-01T00:00:00Z");
}

/// Values of Kafka's own unit test of murmur2 (`UtilsTest.testMurmur2`), made non-negative as partitioners do.
#[test]
fn murmur2_is_kafka_s() {
    let known: [(&str, i32); 6] = [
        ("21", -973_932_308),
        ("foobar", -790_332_482),
        ("a-little-bit-long-string", -985_981_536),
        ("a-little-bit-longer-string", -1_486_304_829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
        ("abc", 479_470_107),
    ];
    for (text, hash) in known {
        assert_eq!(murmur2(text.as_bytes()), (hash & 0x7fff_ffff) as u32, "{text}");
    }
    assert_eq!(partition_of(b"abc", 1), 0);
}

#[test]
fn texts_are_cut_at_characters_and_marked() {
    let exact = "ü".repeat(SUMMARY_CHARS_MAX);
    assert_eq!(cut(&exact, SUMMARY_CHARS_MAX), None);
    assert!(!longer_than(&exact, SUMMARY_CHARS_MAX));
    let long = format!("{exact}x");
    assert!(longer_than(&long, SUMMARY_CHARS_MAX));
    let short = cut(&long, SUMMARY_CHARS_MAX).expect("one character too many");
    assert_eq!(short.chars().count(), SUMMARY_CHARS_MAX);
    assert!(short.ends_with("ü…"));
}

#[test]
fn foreign_ids_are_refused() {
    for text in ["", "Q", "P0000000000009", "Q000000000000", "Q00000000000000", "Q000000000000I", "QZZZZZZZZZZZZZ"] {
        assert!(text.parse::<IncidentId>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn derived_ids_read_back_and_tell_their_shard(ledger: u64, shard in 0..1000u16, serial in 0..1u64 << 40) {
        let id = IncidentId::derive(LedgerId(ledger), ShardId(shard), serial);
        prop_assert_eq!((id.shard(), id.serial()), (ShardId(shard), serial));
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        prop_assert_eq!(id.to_string().len(), 14);
        prop_assert_eq!(id.number(), serial * 1000 + u64::from(shard));
        prop_assert_eq!(AlertId::derive(LedgerId(ledger), ShardId(shard), serial).0, id.0);
    }
}
