//! Shards that the group has given to nobody, although it is at rest.
//!
//! A cooperative rebalance takes two rounds: the first takes a shard from one member, the second gives it to another. If
//! the first is killed in between and comes back as the static member that it was, it gets what the first round left it,
//! and no second round comes: the shard is nobody's until the next change of the group. So one member looks, and asks for
//! a round.

use std::time::{Duration, Instant};

use rdkafka::groups::GroupInfo;

/// Between two looks. What is missing at two of them in a row is not just on its way.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(crate) struct Watch {
    looked_at: Instant,
    missing: Vec<u16>,
}

/// What the group says of itself.
pub(crate) struct Standing {
    pub(crate) is_stable: bool,
    /// Client ids of its members.
    pub(crate) members: Vec<String>,
    /// Partitions of the main lane that somebody has.
    pub(crate) given: Vec<u16>,
}

impl Standing {
    /// `None` for a group of another protocol, whose assignments are written otherwise.
    pub(crate) fn of(group: &GroupInfo, topic: &str) -> Option<Self> {
        if group.protocol() != "cooperative-sticky" {
            return (group.state() != "Stable").then(|| Self { is_stable: false, members: vec![], given: vec![] });
        }
        let members = group.members().iter().map(|member| member.client_id().to_owned()).collect();
        let given = group.members().iter().filter_map(|member| partitions(member.assignment()?, topic));
        Some(Self { is_stable: group.state() == "Stable", members, given: given.flatten().collect() })
    }
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self { looked_at: Instant::now(), missing: Vec::new() }
    }

    pub(crate) fn is_due(&mut self) -> bool {
        let is_due = self.looked_at.elapsed() >= LOOK_EVERY;
        if is_due {
            self.looked_at = Instant::now();
        }
        is_due
    }

    /// The shards for whose sake a round is to be asked for, if `me` is the one to ask: of all members the first by name.
    pub(crate) fn look(&mut self, standing: Option<&Standing>, me: &str, shards: u16) -> Vec<u16> {
        let stable = standing.filter(|standing| standing.is_stable && !standing.members.is_empty());
        let is_mine = stable.is_some_and(|standing| standing.members.iter().min().is_some_and(|first| first == me));
        let missing = stable
            .map_or_else(Vec::new, |standing| (0..shards).filter(|shard| !standing.given.contains(shard)).collect());
        let before = std::mem::replace(&mut self.missing, missing);
        if !is_mine || before != self.missing {
            return Vec::new();
        }
        std::mem::take(&mut self.missing)
    }
}

/// Partitions of `topic` in an assignment: version, topics with their partitions, user data; all big-endian. Source:
/// Kafka's ConsumerProtocolAssignment.
fn partitions(mut bytes: &[u8], topic: &str) -> Option<Vec<u16>> {
    let mut found = Vec::new();
    take(&mut bytes, 2)?;
    for _ in 0..number(&mut bytes)? {
        let length = take(&mut bytes, 2)?;
        let name = take(&mut bytes, usize::from(u16::from_be_bytes(length.try_into().ok()?)))?;
        for _ in 0..number(&mut bytes)? {
            let partition = number(&mut bytes)?;
            if name == topic.as_bytes() {
                found.extend(u16::try_from(partition));
            }
        }
    }
    Some(found)
}

fn number(bytes: &mut &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(take(bytes, 4)?.try_into().ok()?))
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(given: &[u16]) -> Standing {
        Standing { is_stable: true, members: vec!["b".to_owned(), "a".to_owned()], given: given.to_vec() }
    }

    #[test]
    fn round_is_asked_for_by_one_member_at_the_second_look_in_a_row() {
        let (mut watch, missing) = (Watch::new(), standing(&[2, 3]));
        assert!(watch.look(Some(&missing), "a", 4).is_empty(), "it may be on its way");
        assert_eq!(watch.look(Some(&missing), "a", 4), [0, 1]);
        assert!(watch.look(Some(&missing), "a", 4).is_empty(), "asked for, and counted anew");
        let mut other = Watch::new();
        assert!(other.look(Some(&missing), "b", 4).is_empty());
        assert!(other.look(Some(&missing), "b", 4).is_empty(), "the first by name asks");
    }

    #[test]
    fn nothing_is_missing_while_the_group_moves_or_is_unknown() {
        let mut watch = Watch::new();
        assert!(watch.look(Some(&standing(&[0])), "a", 2).is_empty());
        let moving = Standing { is_stable: false, ..standing(&[0]) };
        assert!(watch.look(Some(&moving), "a", 2).is_empty());
        assert!(watch.look(Some(&standing(&[0])), "a", 2).is_empty(), "the looks were not in a row");
        assert!(watch.look(None, "a", 2).is_empty());
        assert!(watch.look(Some(&standing(&[0, 1])), "a", 2).is_empty());
        assert!(watch.look(Some(&standing(&[0, 1])), "a", 2).is_empty());
    }

    #[test]
    fn assignment_tells_the_partitions_of_one_topic() {
        let bytes = b"\x00\x03\x00\x00\x00\x02\x00\x01d\x00\x00\x00\x01\x00\x00\x00\x09\x00\x04main\x00\x00\x00\x02\
            \x00\x00\x00\x00\x00\x00\x00\x02\xff\xff\xff\xff";
        assert_eq!(partitions(bytes, "main"), Some(vec![0, 2]));
        assert_eq!(partitions(bytes, "d"), Some(vec![9]));
        assert_eq!(partitions(&bytes[..20], "main"), None, "cut short");
        assert_eq!(partitions(b"\x00\x03\x00\x00\x00\x00\xff\xff\xff\xff", "main"), Some(vec![]));
    }
}
