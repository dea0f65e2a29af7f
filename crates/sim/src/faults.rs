//! Mutations: faults that a build with the feature `faults` can be given, and that the simulation must find.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    CommitBeforeState,
    GenerationMinusOne,
    ReusedProducer,
    PositionTooHigh,
    NoProbe,
    OutSeqForSeq,
    DoorMovesNow,
    HomeFromPartitions,
    WipeBeforeVerify,
}

impl Mutation {
    pub const ALL: [Self; 9] = [
        Self::CommitBeforeState,
        Self::GenerationMinusOne,
        Self::ReusedProducer,
        Self::PositionTooHigh,
        Self::NoProbe,
        Self::OutSeqForSeq,
        Self::DoorMovesNow,
        Self::HomeFromPartitions,
        Self::WipeBeforeVerify,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CommitBeforeState => "commit-before-state",
            Self::GenerationMinusOne => "generation-minus-one",
            Self::ReusedProducer => "reused-producer",
            Self::PositionTooHigh => "position-too-high",
            Self::NoProbe => "no-probe",
            Self::OutSeqForSeq => "out-seq-for-seq",
            Self::DoorMovesNow => "door-moves-now",
            Self::HomeFromPartitions => "home-from-partitions",
            Self::WipeBeforeVerify => "wipe-before-verify",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mutation| mutation.as_str() == name)
    }
}

/// Puts the fault, or none, into the code under test, for the whole process. False: this build has none.
#[cfg(feature = "faults")]
pub fn choose(mutation: Option<Mutation>) -> bool {
    let name = mutation.map_or("", Mutation::as_str);
    let ledger = campanile_ledger_kafka::faults::choose(name);
    let engine = campanile_engine::faults::choose(name);
    let here = matches!(mutation, Some(Mutation::HomeFromPartitions));
    ledger || engine || here
}

#[cfg(not(feature = "faults"))]
pub fn choose(mutation: Option<Mutation>) -> bool {
    mutation.is_none()
}
