"""Kafka's murmur2, from its definition: it decides which shard is the home of a scope."""

MULTIPLIER = 0x5BD1E995
SEED = 0x9747B28C
MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The hash that `org.apache.kafka.common.utils.Utils.murmur2` gives, made non-negative by its `toPositive`."""
    h = (SEED ^ len(data)) & MASK
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at:at + 4], "little") * MULTIPLIER & MASK
        k ^= k >> 24
        h = (h * MULTIPLIER & MASK) ^ (k * MULTIPLIER & MASK)
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * MULTIPLIER & MASK
    h ^= h >> 13
    h = h * MULTIPLIER & MASK
    return (h ^ (h >> 15)) & 0x7FFFFFFF


def home(scope: str, shards: int) -> int:
    """The shard that owns the state of a scope."""
    return murmur2(scope.encode()) % shards
