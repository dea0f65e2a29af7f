//! Floor 10: who is on call at an instant, and when that changes.
//!
//! ```text
//!  override   ················EEEEEE··········      beats every layer; the newest beats older ones
//!  layer 2    ······CCCCCC······DDDDDD········      beats layer 1 where it has somebody
//!  layer 1    AAAAAAAAAAAAAAABBBBBBBBBBBBBBB··      turns of a rotation, cut by restrictions
//!  ───────────────────────────────────────────
//!  final      AAAAAACCCCCCAAABEEEEEEBBBBBBBB··      the last two columns are a gap: nobody
//! ```
//!
//! Everything is half-open: at the instant of a hand-off the new person is on call. Any instant can be asked for, past or
//! future, and none is reached by stepping from the start of a rotation.
//!
//! Turns and restrictions are written in wall-clock time and follow it over every change of offset. One rule settles what a
//! change of clocks makes doubtful ([`calendar`]): *a wall time means the first instant at which the clock of the zone shows
//! it, or a later time*.
//!
//! PagerDuty's layers (v2) are what is here. A source of shifts is a list of spans with a person, and [`layering`] alone
//! says how sources meet, so that a source of another kind (v3) joins beside `Layer` and not inside it.

pub mod calendar;
pub mod layering;
pub mod restriction;
pub mod roster;
pub mod rotation;

pub use layering::{Layer, Override, Shift, Source};
pub use restriction::Restriction;
pub use roster::{Coverage, Entry, Handoff, Roster, Window};
pub use rotation::{Rotation, Turn};
