//! Faults on purpose. Only behind the feature `faults`; nothing of it is in what ships.
//!
//! `CAMPANILE_MUTATE` names one fault, so that a test can show that it would be found; the simulator chooses by [`choose`].

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "faults"), allow(dead_code, reason = "named by the code that the feature would switch on"))]
pub(crate) enum Fault {
    None,
    /// Record and offset are committed in a transaction of their own, before what they speak of.
    CommitBeforeState,
    /// Offsets are sent with the metadata of a consumer that is in no group.
    GenerationMinusOne,
    /// After an unknown outcome the same producer sends the batch again.
    ReusedProducer,
    /// The table says that it holds more of the changelog than it does.
    PositionTooHigh,
    /// A producer is made anew without asking the group.
    NoProbe,
    /// An unknown outcome is judged by the number of published incidents.
    OutSeqForSeq,
    /// A directory that is not continued is deleted at once.
    WipeBeforeVerify,
}

#[cfg(not(feature = "faults"))]
pub(crate) const fn chosen() -> Fault {
    Fault::None
}

#[cfg(feature = "faults")]
mod on {
    use std::sync::{Mutex, PoisonError};

    use super::Fault;

    static CHOSEN: Mutex<Option<Fault>> = Mutex::new(None);

    fn named(name: &str) -> Option<Fault> {
        Some(match name {
            "commit-before-state" => Fault::CommitBeforeState,
            "generation-minus-one" => Fault::GenerationMinusOne,
            "reused-producer" => Fault::ReusedProducer,
            "position-too-high" => Fault::PositionTooHigh,
            "no-probe" => Fault::NoProbe,
            "out-seq-for-seq" => Fault::OutSeqForSeq,
            "wipe-before-verify" => Fault::WipeBeforeVerify,
            "" => Fault::None,
            _ => return None,
        })
    }

    pub(crate) fn chosen() -> Fault {
        let mut chosen = CHOSEN.lock().unwrap_or_else(PoisonError::into_inner);
        *chosen.get_or_insert_with(|| {
            let name = std::env::var("CAMPANILE_MUTATE").unwrap_or_default();
            // Another crate's fault, if it is none of ours.
            named(&name).unwrap_or(Fault::None)
        })
    }

    /// Chooses for the whole process; `""` is none. False: there is no fault of that name here.
    pub fn choose(name: &str) -> bool {
        let found = named(name);
        *CHOSEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.unwrap_or(Fault::None));
        found.is_some()
    }
}

#[cfg(feature = "faults")]
pub use on::choose;
#[cfg(feature = "faults")]
pub(crate) use on::chosen;
