//! Floor 30: the notifier's machine. It climbs ladders, assigns, and lays out the pages of each person.
//!
//! Pure and synchronous, in the manner of `triage`: [`footprint`] names the rows that an input needs, [`apply`] changes
//! them and says what to publish and which timers to move. Who is on call is asked of [`OnCall`].
//!
//! ```text
//!  ladder, at the incident's shard                            person, at home(user)
//!  triggered ─► delayed ─► asking ─► climbing ─┬─► asking …    page ─► waiting ─► order ─► sent
//!               (priority)  ▲  (15 s)          ├─► exhausted            (rules,    (retry)
//!                           │                  └─► quiet                 caps, bundle)
//!                           └──── unacknowledged: a new cycle ◄──┘
//! ```
//!
//! A step that falls due is *asked* of the processor by a command that carries the revision seen, and its people are
//! paged when the processor's record comes back. So an acknowledgement and an escalation have one judge and one order.

mod answer;
mod apply;
mod assign;
mod audit;
mod bundle;
mod effects;
mod footprint;
mod handoff;
mod input;
pub mod invariants;
mod key;
mod ladder;
mod notice;
mod oncall;
mod plan;
mod retry;
mod state;
mod step;
pub mod throttle;
mod timer;

pub use apply::apply;
pub use audit::has_a_future;
pub use campanile_table::Table;
pub use effects::{Effects, Errand, Gap, Hop, Notification, Publish, TimerChange, What, Why};
pub use footprint::{Want, footprint};
pub use input::{Cause, Input, News, Notice, Page, Place, Reason, Reply, Report, Standing, Verdict, Withdrawal};
pub use key::{ErrandKey, Keys, PersonKey, RingKey};
pub use oncall::{OnCall, Options, Users, World};
pub use retry::{ATTEMPTS_MAX, next_attempt};
pub use state::{
    Asked, Delivery, Handoff, Ids, Ladder, Order, Person, Policy, ROWS_REMEMBERED, Rung, Stage, State, Waiting,
};
pub use timer::{Timer, TimerKind};
