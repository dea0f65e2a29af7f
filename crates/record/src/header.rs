//! Names of headers.

/// The dedup key that the gateway minted for an event that came without one.
pub const DEDUP_KEY: &str = "campanile-dedup-key";
/// Place of a forwarded event's first append: `partition;offset;at;hops`.
pub const SOURCE: &str = "campanile-source";
/// Why bytes went to dead letters: a closed set of words.
pub const REASON: &str = "campanile-reason";
/// More words about it, for people.
pub const DETAIL: &str = "campanile-detail";
/// Where it was noticed: `gateway`, `decode`, `judge`.
pub const STAGE: &str = "campanile-stage";
/// Where the bytes first stood: `topic;partition;offset;at`.
pub const POSITION: &str = "campanile-position";
