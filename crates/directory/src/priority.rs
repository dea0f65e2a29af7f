//! The account's list of priorities, P1 to P5 unless the directory says otherwise.

use campanile_model::PriorityId;
use compact_str::CompactString;

use crate::problem::Report;

/// Longest name, in characters. Source: ours; a priority is read at a glance.
pub const PRIORITY_NAME_CHARS_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priority {
    pub id: PriorityId,
    pub name: CompactString,
    pub description: String,
    /// `#rrggbb` or a bare hex colour as PagerDuty prints it; only shown.
    pub color: CompactString,
    /// Place in the list; smaller is more urgent.
    pub order: u32,
}

impl Priority {
    /// The list of an account that has written none: P1 to P5 in PagerDuty's colours.
    pub fn defaults() -> [Self; 5] {
        [
            ("P1", "PRIORP1", "a8171c"),
            ("P2", "PRIORP2", "eb6016"),
            ("P3", "PRIORP3", "f9b406"),
            ("P4", "PRIORP4", "555555"),
            ("P5", "PRIORP5", "555555"),
        ]
        .map(|(name, id, color)| Self {
            id: PriorityId::new(id),
            name: CompactString::const_new(name),
            description: String::new(),
            color: CompactString::const_new(color),
            order: u32::from(name.as_bytes()[1] - b'0'),
        })
    }

    pub(crate) fn check(&self, report: &mut Report) {
        report.check_name(&self.name, PRIORITY_NAME_CHARS_MAX);
    }
}
