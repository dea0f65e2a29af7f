//! What came of an input of the notifier: where a ladder stands now, or what became of a page.

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Paging {
    /// Nothing here depends on it.
    Noted,
    /// The priority's delay runs before the first level.
    Delayed,
    /// A step fell due and was asked of the processor.
    Asked,
    /// A level was entered: its people are paged.
    Entered,
    /// A level was entered without the processor's word, which did not come in time.
    Unconfirmed,
    /// Acknowledged, snoozed or resolved: nobody is paged any more.
    Quieted,
    /// Resolved before the priority's delay had ended: nobody was ever paged.
    Saved,
    /// The last level of the last lap has passed.
    Exhausted,
    /// Nobody is on call at any level, and there is no last resort.
    Uncovered,
    /// A page was laid out by its person's rules.
    Planned,
    /// Pages that fell due became an order to a contact method.
    Ordered,
    /// Pages that fell due wait for the person's caps.
    Held,
    /// Pages of a person were taken back before they left.
    Withdrawn,
    /// A provider took an order, or said that it arrived.
    Delivered,
    /// A provider did not take an order; it is tried again.
    Retrying,
    /// An order was given up.
    Failed,
    /// A person answered a page; the processor is asked.
    Answered,
    /// The auditor found a ladder without a future and gave it one.
    Repaired,
}

impl Paging {
    pub const ALL: [Self; 18] = [
        Self::Noted,
        Self::Delayed,
        Self::Asked,
        Self::Entered,
        Self::Unconfirmed,
        Self::Quieted,
        Self::Saved,
        Self::Exhausted,
        Self::Uncovered,
        Self::Planned,
        Self::Ordered,
        Self::Held,
        Self::Withdrawn,
        Self::Delivered,
        Self::Retrying,
        Self::Failed,
        Self::Answered,
        Self::Repaired,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Noted => "noted",
            Self::Delayed => "delayed",
            Self::Asked => "asked",
            Self::Entered => "entered",
            Self::Unconfirmed => "unconfirmed",
            Self::Quieted => "quieted",
            Self::Saved => "saved",
            Self::Exhausted => "exhausted",
            Self::Uncovered => "uncovered",
            Self::Planned => "planned",
            Self::Ordered => "ordered",
            Self::Held => "held",
            Self::Withdrawn => "withdrawn",
            Self::Delivered => "delivered",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::Answered => "answered",
            Self::Repaired => "repaired",
        }
    }
}
