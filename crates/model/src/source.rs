//! Where an input first stood in the log.

use crate::time::Timestamp;

/// The first append of an event, carried along when it is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    pub partition: u16,
    pub offset: u64,
    pub at: Timestamp,
    /// How often it was sent on; 0 for an event that was appended here.
    pub hops: u8,
}

impl Source {
    /// Whether this event is older than another of the same key. Places in one partition compare by offset, else
    /// append times compare, and a tie is no proof.
    pub fn is_older_than(self, partition: u16, offset: u64, at: Timestamp) -> bool {
        if self.partition == partition { self.offset < offset } else { self.at < at }
    }
}
