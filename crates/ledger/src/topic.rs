//! The topics of a Campanile, by name and by the number that embedded keys carry.

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// Raw alerts: Events API v2 JSON exactly as received.
    Events,
    /// Events forwarded by sibling shards.
    Triage,
    /// What people and the notifier ask of incidents.
    Commands,
    /// One record per revision of an incident, and one answer per command.
    Incidents,
    /// Snapshots of alerts, suppressed ones too.
    Alerts,
    /// Bytes that could not be judged, with the reason.
    DeadLetters,
    /// Configuration objects and epochs. One partition.
    Directory,
    /// What each commit consumed, in order: enough to replay a shard's decisions from its inputs.
    Steps,
    /// Pages and withdrawals on their way to the shard of a person.
    Pages,
    /// What providers and people said of pages.
    Answers,
    /// The history of each page.
    Notifications,
}

impl Topic {
    pub const ALL: [Self; 11] = [
        Self::Events,
        Self::Triage,
        Self::Commands,
        Self::Incidents,
        Self::Alerts,
        Self::DeadLetters,
        Self::Directory,
        Self::Steps,
        Self::Pages,
        Self::Answers,
        Self::Notifications,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "campanile.events",
            Self::Triage => "campanile.triage",
            Self::Commands => "campanile.commands",
            Self::Incidents => "campanile.incidents",
            Self::Alerts => "campanile.alerts",
            Self::DeadLetters => "campanile.dead-letters",
            Self::Directory => "campanile.directory",
            Self::Steps => "campanile.steps",
            Self::Pages => "campanile.pages",
            Self::Answers => "campanile.answers",
            Self::Notifications => "campanile.notifications",
        }
    }

    /// The name without the `campanile.` in front, as labels and command lines use it.
    pub fn short_name(self) -> &'static str {
        self.name().strip_prefix("campanile.").unwrap_or(self.name())
    }

    /// By full name, or without the `campanile.` in front.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name || t.short_name() == name)
    }

    /// Number in embedded keys. Never reused.
    pub const fn number(self) -> u8 {
        match self {
            Self::Events => 1,
            Self::Triage => 2,
            Self::Commands => 3,
            Self::Incidents => 4,
            Self::Alerts => 5,
            Self::DeadLetters => 6,
            Self::Directory => 7,
            Self::Steps => 8,
            Self::Pages => 9,
            Self::Answers => 10,
            Self::Notifications => 11,
        }
    }

    /// Partitions of this topic on a ledger with so many shards.
    pub const fn partitions(self, shards: u16) -> u16 {
        match self {
            Self::Directory => 1,
            Self::Events
            | Self::Triage
            | Self::Commands
            | Self::Incidents
            | Self::Alerts
            | Self::DeadLetters
            | Self::Steps
            | Self::Pages
            | Self::Answers
            | Self::Notifications => shards,
        }
    }
}
