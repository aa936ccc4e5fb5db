//! How the program ends: its exit codes, which are part of its contract.

/// An exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// As it was to be.
    Done,
    /// It failed, and was taken back.
    Failed,
    /// The command line or the configuration is wrong.
    Usage,
    /// Nothing was begun.
    Refused,
    /// It failed, and something of it is left.
    NotRestored,
    /// A check failed.
    Check,
    /// Something is to be done.
    Pending,
    /// Somebody else is at it.
    Locked,
}

impl Exit {
    /// Every one of them.
    pub const ALL: &[Self] = &[
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Refused,
        Self::NotRestored,
        Self::Check,
        Self::Pending,
        Self::Locked,
    ];

    /// The number that a shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotRestored => 4,
            Self::Check => 5,
            Self::Pending => 6,
            // EX_TEMPFAIL of sysexits.h: try again.
            Self::Locked => 75,
        }
    }

    /// What it means, in one line.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, or nothing to do",
            Self::Failed => "failed; the node is as it was before",
            Self::Usage => "wrong usage or configuration",
            Self::Refused => "refused by preflight; nothing was touched",
            Self::NotRestored => "failed, and not everything could be put back",
            Self::Check => "a check failed",
            Self::Pending => "changes are pending (plan --exit-code)",
            Self::Locked => "another run holds the lock",
        }
    }

    /// The name under which it is explained.
    pub fn id(self) -> String {
        format!("exit-{}", self.code())
    }
}
