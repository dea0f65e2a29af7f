//! The demonstration: an hour of noise on a clock that runs 360 times as fast, through the real gateway, ledger and
//! processor and notifier, counted from what came out.

pub mod funnel;
pub mod organisation;
pub mod pages;
pub mod phone;
pub mod play;
pub mod screen;
pub mod sender;
pub mod story;
