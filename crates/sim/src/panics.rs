//! Panics of the code under test are breaches, told as such; the unwinding of a killed process's tasks is nothing to tell.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Keeps panics from the terminal: they come back as breaches.
pub fn quiet() {
    if std::env::var_os("SIM_LOUD").is_some() {
        return;
    }
    std::panic::set_hook(Box::new(|_| {}));
}

/// Runs a step, and makes its panic a breach.
pub(crate) fn guarded<T>(step: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| format!("panicked: {}", text(panic.as_ref())))
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
