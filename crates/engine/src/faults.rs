//! Faults on purpose. Only behind the feature `faults`; nothing of it is in what ships.
//!
//! `CAMPANILE_MUTATE` names one, so that a test can show that it would be found; the simulator chooses by [`choose`].

/// Whether a command moves log time, which it must not.
#[cfg(not(feature = "faults"))]
pub(crate) const fn door_moves_now() -> bool {
    false
}

#[cfg(feature = "faults")]
mod on {
    use std::sync::{Mutex, PoisonError};

    static CHOSEN: Mutex<Option<bool>> = Mutex::new(None);

    pub(crate) fn door_moves_now() -> bool {
        let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
        *chosen.get_or_insert_with(|| std::env::var("CAMPANILE_MUTATE").as_deref() == Ok("door-moves-now"))
    }

    /// Chooses for the whole process; `""` is none. False: there is no fault of that name here.
    pub fn choose(name: &str) -> bool {
        *CHOSEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(name == "door-moves-now");
        matches!(name, "" | "door-moves-now")
    }
}

#[cfg(feature = "faults")]
pub use on::choose;
#[cfg(feature = "faults")]
pub(crate) use on::door_moves_now;
