//! Events API v2, alert events: from the bytes of a body to a checked request, and the exact bytes of the answer.
//!
//! ```text
//!   body ──▶ Decoder::decode ──▶ Event ──▶ validate_request (door) ──▶ Request
//!     │          │                  └────▶ validate_logged  (log)  ──▶ Request
//!     │          └─▶ Unparseable                    └─▶ Vec<Problem> ──▶ answer::invalid
//!     └────▶ raw::locate ──▶ custom_details, links, images as the sender wrote them
//! ```
//!
//! The door and the processor call the same decoder, so a body that the door took can never be refused as
//! unparseable behind it. Source of the format: PagerDuty, "Events API v2", "Send an alert event".

pub mod answer;
pub mod decode;
pub mod limits;
pub mod raw;
pub mod timestamp;
pub mod validate;

pub use decode::{Decoder, Event, Field, Shape, Unparseable};
pub use raw::{RawDetails, RawParts, locate};
pub use validate::{Action, Payload, Problem, Request, validate_logged, validate_request};
