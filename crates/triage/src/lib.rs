//! Floor 30: the processor's machine. It deduplicates, suppresses, groups, and lives the incident's life.
//!
//! Pure and synchronous: no clock, I/O, thread, randomness, log or metric. Rows come in by [`footprint`], which names
//! what an input must read; [`apply`] changes them and says what to publish and which timers to move.
//!
//! ```text
//!  alert     (new) ──► triggered ──► resolved          hidden while maintenance or a disabled service hides it
//!  incident  (new) ──► triggered ◄─► acknowledged
//!                          └────► resolved ◄───┘       never opens again here, never takes another alert (TR-4)
//! ```
//!
//! Order of judgement: find service → dedup → suppress → group → incident. Every input ends in one
//! [`Outcome`](campanile_model::Outcome).

mod apply;
mod command;
mod effects;
mod footprint;
pub mod grouping;
mod hand;
mod incident;
mod input;
pub mod invariants;
pub mod key;
mod merge;
mod resolve;
mod state;
mod suppress;
mod timer;
mod trigger;

pub use apply::apply;
pub use campanile_model::Named;
pub use campanile_table::Table;
pub use effects::{Addition, AlertRecord, Cause, CommandAnswer, Effects, Publish, Revision, TimerChange};
pub use footprint::{Want, footprint};
pub use grouping::GroupKeys;
pub use input::{Action, Body, Event, Input, Memo, Payload};
pub use key::{AlertKey, CommandKey, GroupKey, Keys, PageKey};
pub use state::{
    Acknowledgement, Alert, AlertRow, Answer, Details, Ids, Incident, Member, Members, PAGE_MEMBERS, ROWS_REMEMBERED,
    State, Verdict,
};
pub use timer::{Timer, TimerKind};
