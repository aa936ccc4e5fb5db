//! The one idea: undo is not an operation, it is applying the previous state.
//!
//! A [`Resource`] is a thing on the node that can be *read* as a value and *set*
//! to any such value. Given that, a [`Change`] from one state to another is plain
//! data, and planning, applying, undoing and reporting are written here once for
//! all kinds. [`Step`] and [`Wanted`] close over the kinds so that changes can be
//! journaled and read back without type tags of their own.

use std::fmt::{self, Debug, Display};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::resource::{
    Bridge, Chains, File, FileState, Hairpin, Module, Policy, Remains, Rule, Sysctl, Table, Tree, TreeState,
    Unit,
};
use crate::{Error, Result};

/// A thing on the node, named well enough to be found again later.
///
/// `Display` is its name within its kind; kind and name together identify it
/// across runs.
pub trait Resource: Clone + Debug + PartialEq + Display + Serialize + DeserializeOwned {
    /// Everything about it that we own. Absence is one of its values.
    type State: Clone + Debug + PartialEq + Display + Serialize + DeserializeOwned;

    /// Whether a state that somebody else has put it into since keeps undoing
    /// away. Not so where the state is nobody's to keep: whether a unit runs.
    const KEPT: bool = true;

    /// Reads the state the node is in. Changes nothing.
    fn observe(&self, host: &Host) -> Result<Self::State>;

    /// Puts the node into `to`: any state that [`observe`](Self::observe) can return.
    fn converge(&self, host: &Host, to: &Self::State) -> Result<()>;

    /// Whether two states are the same as far as both are known: what is wanted may leave something to the
    /// node, and an old journal may not know all that is looked at now.
    fn agree(one: &Self::State, other: &Self::State) -> bool {
        one == other
    }

    /// Whether `now` is what a change has `left`, but for what becomes different without anybody's having
    /// had it in hand.
    fn is_left(now: &Self::State, left: &Self::State) -> bool {
        Self::agree(now, left)
    }

    /// `to`, and what it leaves to the node as this node has it.
    fn completed(&self, host: &Host, to: Self::State) -> Self::State {
        let _ = host;
        to
    }

    /// The state that it is in where it is as wanted, with what `to` leaves open.
    fn held(&self, host: &Host, to: &Self::State) -> Result<Self::State> {
        let _ = host;
        Ok(to.clone())
    }

    /// The state that `now` will have become once `earlier` was applied.
    ///
    /// Only for plans: a run observes again. Most things are touched by nothing
    /// but their own change.
    fn foresee(&self, now: Self::State, earlier: &[Step]) -> Self::State {
        let _ = earlier;
        now
    }

    /// What undoing goes back to, where a state that was seen cannot be brought
    /// about again: a unit can be restarted, but not made stale.
    fn attainable(seen: &Self::State) -> Self::State {
        seen.clone()
    }

    /// Whether a change that stopped on its way may have left the resource in `now`,
    /// which is neither of its ends. Where it cannot, somebody else has put it there.
    fn between(host: &Host, from: &Self::State, to: &Self::State, now: &Self::State) -> bool {
        let _ = (host, from, to, now);
        true
    }

    /// Whether being put into `to` starts something that uses the rest of the
    /// node. Undoing leaves such steps until all else is back in its place.
    fn starts(to: &Self::State) -> bool {
        let _ = to;
        false
    }

    /// What there is of a state in a root that does not run; nothing of what only a running system has.
    fn offline(state: Self::State) -> Option<Self::State> {
        Some(state)
    }

    /// The difference as text, for kinds whose states are text.
    fn diff(&self, host: &Host, from: &Self::State, to: &Self::State) -> Option<String> {
        let _ = (host, from, to);
        None
    }
}

/// The only unit of work: one resource going from one state to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Change<R: Resource> {
    /// What changes.
    pub on: R,
    /// The state it was found in.
    pub from: R::State,
    /// The state it is put into.
    pub to: R::State,
}

/// A resource and the state it is to have.
#[derive(Clone, Debug, PartialEq)]
pub struct Want<R: Resource> {
    /// The resource.
    pub on: R,
    /// Its wanted state.
    pub to: R::State,
}

/// Where a resource stands, seen from one change to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Where undoing the change would take it to.
    AtFrom,
    /// Where the change would take it to, or what nobody has had in hand since.
    AtTo,
    /// Where the change may have stopped on its way; or where somebody has put it since:
    /// described.
    Between(String),
    /// Where only somebody else can have put it: described.
    Elsewhere(String),
}

impl<R: Resource> Change<R> {
    fn apply(&self, host: &Host) -> Result<()> {
        if R::agree(&self.on.observe(host)?, &self.to) {
            return Ok(());
        }
        self.on.converge(host, &self.to)?;
        let found = self.on.observe(host)?;
        if R::agree(&found, &self.to) {
            return Ok(());
        }
        Err(Error::NotConverged {
            on: self.on.to_string(),
            wanted: self.to.to_string(),
            found: found.to_string(),
        })
    }

    /// As [`apply`](Self::apply), also where it seems to hold already.
    fn enforce(&self, host: &Host) -> Result<()> {
        self.on.converge(host, &self.to)?;
        self.apply(host)
    }

    fn inverse(&self) -> Self {
        Self { on: self.on.clone(), from: self.to.clone(), to: R::attainable(&self.from) }
    }

    fn standing(&self, host: &Host) -> Result<Standing> {
        let now = self.on.observe(host)?;
        // What was stale before is fresh once it is back: the same as after the change.
        let from = R::attainable(&self.from);
        Ok(if R::agree(&now, &from) {
            Standing::AtFrom
        } else if R::is_left(&now, &self.to) || R::is_left(&now, &from) {
            Standing::AtTo
        } else {
            let between = R::between(host, &self.from, &self.to, &now);
            if between { Standing::Between(now.to_string()) } else { Standing::Elsewhere(now.to_string()) }
        })
    }

    fn found(&self, host: &Host, is_done: bool) -> Result<Option<Self>> {
        let now = self.on.observe(host)?;
        Ok(if R::agree(&now, &self.from) {
            None
        } else if is_done || R::agree(&now, &self.to) {
            Some(self.clone())
        } else {
            let ours = R::between(host, &self.from, &self.to, &now);
            ours.then(|| Self { on: self.on.clone(), from: self.from.clone(), to: now })
        })
    }

    fn reached(&self, host: &Host) -> Result<Self> {
        Ok(Self { on: self.on.clone(), from: self.from.clone(), to: self.on.observe(host)? })
    }

    fn is_nothing(&self) -> bool {
        R::agree(&self.from, &self.to)
    }

    /// (a to b) then (b to c) is (a to c).
    fn then(self, later: Self) -> Self {
        Self { on: later.on, from: self.from, to: later.to }
    }
}

impl<R: Resource> Change<R> {
    fn needs_a_system(&self) -> bool {
        let is_on_disk = |state: &R::State| R::offline(state.clone()).as_ref() == Some(state);
        !is_on_disk(&self.from) || !is_on_disk(&self.to)
    }
}

impl<R: Resource> Want<R> {
    fn offline(self) -> Option<Self> {
        Some(Self { to: R::offline(self.to)?, on: self.on })
    }

    fn held(&self, host: &Host) -> Result<Change<R>> {
        let now = self.on.held(host, &self.to)?;
        Ok(Change { on: self.on.clone(), from: now.clone(), to: now })
    }

    fn change(&self, host: &Host, earlier: &[Step]) -> Result<Option<Change<R>>> {
        let from = self.on.foresee(self.on.observe(host)?, earlier);
        let to = self.on.completed(host, self.to.clone());
        Ok((!R::agree(&from, &to)).then(|| Change { on: self.on.clone(), from, to }))
    }
}

/// Names a resource across kinds and runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Name {
    /// The kind, such as `file`.
    pub kind: &'static str,
    /// The name within the kind, such as `/etc/docker/daemon.json`.
    pub on: String,
}

impl Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.on)
    }
}

/// Closes [`Step`] and [`Wanted`] over the kinds: one line a kind.
macro_rules! kinds {
    ($($variant:ident($resource:ident, $kind:literal),)+) => {
        /// A change of any kind.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Step {
            $(
                #[doc = concat!("A change of a ", $kind, ".")]
                #[serde(rename = $kind)]
                $variant(Change<$resource>),
            )+
        }

        /// A wanted state of any kind.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Wanted {
            $(
                #[doc = concat!("The wanted state of a ", $kind, ".")]
                $variant(Want<$resource>),
            )+
        }

        $(
            impl From<Want<$resource>> for Wanted {
                fn from(want: Want<$resource>) -> Self {
                    Self::$variant(want)
                }
            }
        )+

        impl Step {
            /// Kind and name of what it changes.
            pub fn name(&self) -> Name {
                match self {
                    $(Self::$variant(change) => Name { kind: $kind, on: change.on.to_string() },)+
                }
            }

            /// The state before, in words.
            pub fn from(&self) -> String {
                match self {
                    $(Self::$variant(change) => change.from.to_string(),)+
                }
            }

            /// The state after, in words.
            pub fn to(&self) -> String {
                match self {
                    $(Self::$variant(change) => change.to.to_string(),)+
                }
            }

            /// The difference as text, where the kind has one.
            pub fn diff(&self, host: &Host) -> Option<String> {
                match self {
                    $(Self::$variant(change) => change.on.diff(host, &change.from, &change.to),)+
                }
            }

            /// Makes the change, unless it already holds; reads it back.
            pub fn apply(&self, host: &Host) -> Result<()> {
                match self {
                    $(Self::$variant(change) => change.apply(host),)+
                }
            }

            /// Makes the change even if it seems to hold already: a unit that is being
            /// started looks as if it were stopped.
            pub fn enforce(&self, host: &Host) -> Result<()> {
                match self {
                    $(Self::$variant(change) => change.enforce(host),)+
                }
            }

            /// The change that undoes this one.
            #[must_use]
            pub fn inverse(&self) -> Self {
                match self {
                    $(Self::$variant(change) => Self::$variant(change.inverse()),)+
                }
            }

            /// The state that it puts the resource into, as one to be wanted.
            pub fn wanted(&self) -> Wanted {
                match self {
                    $(Self::$variant(change) => {
                        Wanted::$variant(Want { on: change.on.clone(), to: change.to.clone() })
                    })+
                }
            }

            /// Whether a state that somebody else has put it into keeps undoing away.
            pub fn is_kept(&self) -> bool {
                match self {
                    $(Self::$variant(_) => $resource::KEPT,)+
                }
            }

            /// Whether this starts something that uses the rest of the node.
            pub fn starts(&self) -> bool {
                match self {
                    $(Self::$variant(change) => $resource::starts(&change.to),)+
                }
            }

            /// Where the resource stands now.
            pub fn standing(&self, host: &Host) -> Result<Standing> {
                match self {
                    $(Self::$variant(change) => change.standing(host),)+
                }
            }

            /// See [`Attempt::found`].
            fn found(&self, host: &Host, is_done: bool) -> Result<Option<Self>> {
                Ok(match self {
                    $(Self::$variant(change) => change.found(host, is_done)?.map(Self::$variant),)+
                })
            }

            /// The change as far as it came, where nobody else has been at it.
            pub fn reached(&self, host: &Host) -> Result<Self> {
                Ok(match self {
                    $(Self::$variant(change) => Self::$variant(change.reached(host)?),)+
                })
            }

            /// This change followed by a `later` one of the same resource, as one.
            #[must_use]
            pub fn then(self, later: Self) -> Self {
                match (self, later) {
                    $((Self::$variant(first), Self::$variant(later)) => {
                        Self::$variant(first.then(later))
                    })+
                    (_, later) => later,
                }
            }

            /// Whether it, or going back from it, takes more than a root that does not run.
            pub fn needs_a_system(&self) -> bool {
                match self {
                    $(Self::$variant(change) => change.needs_a_system(),)+
                }
            }

            /// Whether it ends where it began.
            pub fn is_nothing(&self) -> bool {
                match self {
                    $(Self::$variant(change) => change.is_nothing(),)+
                }
            }
        }

        impl Wanted {
            /// What of it can be wanted of a root that does not run.
            pub fn offline(self) -> Option<Self> {
                match self {
                    $(Self::$variant(want) => want.offline().map(Self::$variant),)+
                }
            }

            /// That it is so already, as a step from there to there.
            pub fn held(&self, host: &Host) -> Result<Step> {
                Ok(match self {
                    $(Self::$variant(want) => Step::$variant(want.held(host)?),)+
                })
            }

            /// Kind and name of what it is about.
            pub fn name(&self) -> Name {
                match self {
                    $(Self::$variant(want) => Name { kind: $kind, on: want.on.to_string() },)+
                }
            }

            /// The change that brings it about, if one is needed, given that
            /// `earlier` will have been applied before.
            pub fn change(&self, host: &Host, earlier: &[Step]) -> Result<Option<Step>> {
                Ok(match self {
                    $(Self::$variant(want) => want.change(host, earlier)?.map(Step::$variant),)+
                })
            }
        }
    };
}

kinds! {
    File(File, "file"),
    Tree(Tree, "tree"),
    Module(Module, "module"),
    Sysctl(Sysctl, "sysctl"),
    Table(Table, "table"),
    Policy(Policy, "policy"),
    Remains(Remains, "remains"),
    Rule(Rule, "rule"),
    Unit(Unit, "unit"),
    Bridge(Bridge, "bridge"),
    Chains(Chains, "chains"),
    Hairpin(Hairpin, "hairpin"),
}

/// A step that a run was at.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// The step as it was made, or was to be.
    pub step: Step,
    /// Whether it is known to have been made. If not, it may have been, as far as it came.
    pub is_done: bool,
}

impl Attempt {
    /// One that was made.
    pub fn done(step: Step) -> Self {
        Self { step, is_done: true }
    }

    /// One that may have been broken off.
    pub fn begun(step: Step) -> Self {
        Self { step, is_done: false }
    }

    /// What has become of it, if the resource is not where it began: a power cut
    /// can take back also one that was done. One that may have been broken off ends
    /// where it has left the resource.
    pub fn found(&self, host: &Host) -> Result<Option<Step>> {
        self.step.found(host, self.is_done)
    }
}

impl Step {
    /// Whether it makes a place that others put things into. What is in it may keep
    /// undoing from taking it away again.
    pub fn makes_room(&self) -> bool {
        match self {
            Self::Tree(change) => change.to == TreeState::Present,
            Self::File(change) => {
                change.from == FileState::Absent && matches!(change.to, FileState::Directory { .. })
            }
            _ => false,
        }
    }

    /// Whether it takes away what no undoing brings back.
    pub fn loses_data(&self) -> bool {
        matches!(self, Self::Tree(Change { from: TreeState::Present, to: TreeState::Absent, .. }))
    }

    /// The unit that has to run for it, and that undoing it has run again.
    pub fn runs(&self) -> Option<&Unit> {
        match self {
            Self::Bridge(change) => Some(&change.on.docker),
            Self::Chains(change) => Some(&change.on.docker),
            _ => None,
        }
    }

    /// Whether undoing `other` stops what undoing this would have run.
    pub fn is_moot_after(&self, other: &Self) -> bool {
        match other {
            Self::Unit(change) => {
                !change.from.active && self.runs().is_some_and(|unit| unit.name == change.on.name)
            }
            _ => false,
        }
    }
}
