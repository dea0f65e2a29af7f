//! Codes of the errors that a person must act on. A program reads the code; a person looks it up in docs/errors.
//!
//! A code is never reused, and its meaning never changes; a retired one stays listed.

use std::fmt;

/// One error that people meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    BusyPort,
    DataLocked,
    DamagedLedger,
    DiskFull,
    BadConfiguration,
    BadDirectory,
}

impl ErrorCode {
    pub const ALL: [Self; 6] = [
        Self::BusyPort,
        Self::DataLocked,
        Self::DamagedLedger,
        Self::DiskFull,
        Self::BadConfiguration,
        Self::BadDirectory,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BusyPort => "CAMP0001",
            Self::DataLocked => "CAMP0002",
            Self::DamagedLedger => "CAMP0003",
            Self::DiskFull => "CAMP0004",
            Self::BadConfiguration => "CAMP0005",
            Self::BadDirectory => "CAMP0006",
        }
    }

    /// What happened, in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BusyPort => "the address to listen on is in use",
            Self::DataLocked => "the data directory is in use by another process",
            Self::DamagedLedger => "the data directory is damaged",
            Self::DiskFull => "the disk is full",
            Self::BadConfiguration => "the configuration cannot be used",
            Self::BadDirectory => "the organisation's folder has mistakes",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
