//! The configuration: one TOML file, environment variables, flags.
//!
//! ```text
//! options (the table) ──► default ◄─ file ◄─ CAMPANILE_… ◄─ flag      the later wins, and its origin is remembered
//!                             └──────────► Resolved ──► Settings      typed, checked, ready for the roles
//! ```
//!
//! Every option is one row of [`options::ALL`]: the file, the environment, `config show` and the checks all read it, so
//! none of them can know a key that another does not.

mod channels;
mod file;
mod form;
pub mod options;
mod resolve;
pub(crate) mod secret;
mod settings;

pub use channels::{Channels, Hidden, Mail, Slack, Twilio, WebPush};
pub(crate) use file::did_you_mean;
pub use form::{Form, size};
pub use options::Opt;
pub use resolve::{Flags, Found, Origin, Resolved, resolve};
pub use settings::{
    Gateway, Keep, Ledger, LogFormat, Logging, Processor, Retention, Settings, default_socket, text_variables,
};
