//! What the machine is told about the organisation: the directory, who is on call, and the account's own choices.

use campanile_directory::Snapshot;
use campanile_model::{RoutingKey, ScheduleId, Span, Timestamp, UserId};
use compact_str::CompactString;
use smallvec::SmallVec;

pub type Users = SmallVec<[UserId; 1]>;

/// Who is on call. Must be a function of its arguments and the directory's epoch alone.
pub trait OnCall {
    /// Everyone on call on this schedule at this instant; nobody for a schedule that is not known.
    fn users(&self, schedule: &ScheduleId, at: Timestamp) -> Users;
}

/// The rosters of the organisation itself.
impl OnCall for Snapshot {
    fn users(&self, schedule: &ScheduleId, at: Timestamp) -> Users {
        self.roster(schedule.as_str()).and_then(|roster| roster.on_call(at)).cloned().into_iter().collect()
    }
}

/// The account's choices about paging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long an incident of a priority, by its name, waits for its first level. A priority that is not listed, and
    /// none, wait not at all. Default: P1 0 s, P2 900 s, P3 3600 s.
    pub priority_delays: Vec<(CompactString, Span)>,
    /// Who is paged when nobody is on call at any level. Default: nobody.
    pub last_resort: Vec<UserId>,
    /// Where the incident about a gap goes: an integration's routing key. Default: none, the gap is only told.
    pub gap_routing_key: Option<RoutingKey>,
    /// How long the processor may take to answer before the page goes out unconfirmed. Default: 15 s.
    pub patience: Span,
}

impl Default for Options {
    fn default() -> Self {
        let delays = [("P1", 0), ("P2", 900), ("P3", 3600)];
        Self {
            priority_delays: delays.map(|(name, s)| (CompactString::const_new(name), Span::seconds(s))).to_vec(),
            last_resort: Vec::new(),
            gap_routing_key: None,
            patience: Span::seconds(15),
        }
    }
}

impl Options {
    /// The wait before the first level, of a priority by its name.
    pub fn delay(&self, priority: Option<&str>) -> Span {
        let listed = self.priority_delays.iter().find(|(name, _)| Some(name.as_str()) == priority);
        listed.map_or(Span::ZERO, |(_, delay)| *delay)
    }
}

#[derive(Clone, Copy)]
pub struct World<'a> {
    pub directory: &'a Snapshot,
    pub oncall: &'a dyn OnCall,
    pub options: &'a Options,
}
