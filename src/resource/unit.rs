//! systemd units: enabled or not, running or not, and running from what is on disk or not.
//!
//! There is no "daemon-reload step" and no "restart step". A unit that was
//! started from something that has changed since is not `fresh`; a plan shows
//! that, and converging reloads the manager and restarts the unit once.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::file::touches;
use crate::Result;
use crate::change::{Resource, Step};
use crate::host::{Api, Container, Host};

/// A unit and what it is started from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// `docker.service`.
    pub name: String,
    /// The program that its main process executes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<PathBuf>,
    /// The other files that a start reads: unit, configuration, environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<PathBuf>,
    /// What has to happen after a start before it counts as running.
    #[serde(default)]
    pub ready: Readiness,
    /// The containers that run on it and stop with it. Where going back has it run again, so do they.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hanging: Vec<Hanging>,
}

/// A container that hangs on docker, or on its bridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hanging {
    /// Its whole id.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// When a started unit is ready.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Readiness {
    /// When systemd's job for it is done.
    #[default]
    Job,
    /// When, besides, docker's API answers on this socket and the main process
    /// is still the one that systemd started.
    Api(PathBuf),
}

/// Whether systemd starts it by itself. A unit without a file counts as disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enablement {
    /// Nothing starts it at boot.
    Disabled,
    /// Wanted by what its `[Install]` section names.
    Enabled,
    /// Wanted by something, and without a file. Observed and never brought about.
    Dangling,
    /// Cannot be started at all.
    Masked,
}

/// A unit's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitState {
    /// Whether systemd starts it by itself.
    pub enablement: Enablement,
    /// Running, or done and remaining.
    pub active: bool,
    /// Running from what is on disk now. Always true of a unit that is not active.
    pub fresh: bool,
}

impl From<Container> for Hanging {
    fn from(container: Container) -> Self {
        Self { name: container.name().to_owned(), id: container.id }
    }
}

impl UnitState {
    /// Enabled, and running from what is on disk.
    pub const RUNNING: Self = Self { enablement: Enablement::Enabled, active: true, fresh: true };
    /// Stopped, and started by nothing of its own.
    pub const DISABLED: Self = Self::at_rest(Enablement::Disabled);
    /// Stopped, and kept from ever starting.
    pub const MASKED: Self = Self::at_rest(Enablement::Masked);

    /// Not running, and started at boot or not.
    const fn at_rest(enablement: Enablement) -> Self {
        Self { enablement, active: false, fresh: true }
    }

    /// Whether going from one state to another starts the unit, or starts it again.
    pub fn starts_anew(from: &Self, to: &Self) -> bool {
        to.active && !(from.active && from.fresh)
    }
}

impl Unit {
    /// A unit of which nothing but its own state matters.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            program: None,
            inputs: Vec::new(),
            ready: Readiness::Job,
            hanging: Vec::new(),
        }
    }

    /// docker's API, for what takes as long as a container does.
    pub(super) fn api(&self, host: &Host) -> Option<Api> {
        match &self.ready {
            Readiness::Api(socket) => Some(host.patient_api(socket)),
            Readiness::Job => None,
        }
    }

    /// Those that were stopped last, and so were made first, come first: others may
    /// be in their networks. docker may have started some itself, and one may be gone by now.
    pub(super) fn start_again(&self, host: &Host, hanging: &[Hanging]) -> Result<()> {
        hanging.iter().rev().try_for_each(|hanging| match self.api(host) {
            Some(api) if api.is_running(&hanging.id)? == Some(false) => api.start(&hanging.id),
            _ => Ok(()),
        })
    }

    /// Has it run, if it does not.
    pub(super) fn run(&self, host: &Host) -> Result<()> {
        let systemd = host.systemd()?;
        host.reload_for(&self.name)?;
        if systemd.unit(&self.name)?.active {
            return Ok(());
        }
        systemd.rest(&self.name)?;
        host.start(self)
    }

    /// A unit that is about to be started again by itself has to be stopped too.
    ///
    /// docker's containers and what it leaves behind go only when it goes for good:
    /// one that is merely stopped, as it was before, finds them again.
    fn stop(&self, host: &Host, to: &UnitState) -> Result<()> {
        let systemd = host.systemd()?;
        let for_good = to.enablement != Enablement::Enabled;
        if let (Readiness::Api(socket), true) = (&self.ready, for_good) {
            host.stop_containers(socket)?;
        }
        if !systemd.unit(&self.name)?.is_stopped() {
            systemd.stop(&self.name)?;
        }
        match (&self.ready, for_good) {
            (Readiness::Api(socket), true) => host.clear_engine(&self.name, socket),
            _ => Ok(()),
        }
    }

    fn is_started_from(&self, path: &PathBuf) -> bool {
        self.program.as_ref() == Some(path) || self.inputs.contains(path)
    }
}

impl Resource for Unit {
    type State = UnitState;

    const KEPT: bool = false;

    fn observe(&self, host: &Host) -> Result<UnitState> {
        if host.is_offline() {
            return Ok(UnitState::at_rest(host.links().state(&self.name)));
        }
        let unit = host.systemd()?.unit(&self.name)?;
        Ok(UnitState {
            enablement: unit.enablement,
            active: unit.active,
            fresh: !unit.active || host.is_fresh(self, &unit)?,
        })
    }

    fn converge(&self, host: &Host, to: &UnitState) -> Result<()> {
        if host.is_offline() && !to.active {
            return host.links().set(&self.name, to.enablement);
        }
        let systemd = host.systemd()?;
        if !to.active {
            self.stop(host, to)?;
        }
        let enablement = systemd.unit(&self.name)?.enablement;
        if enablement != to.enablement {
            let mut links = Vec::new();
            let set = systemd.set_enablement(&self.name, enablement, to.enablement, &mut links);
            host.files().flush_links(&links);
            set?;
        }
        // Once for its file and its links: each time systemd runs every generator.
        host.reload_for(&self.name)?;
        let now = self.observe(host)?;
        match (to.active, now.active, now.fresh) {
            (false, ..) => return Ok(()),
            (true, false, _) => {
                systemd.rest(&self.name)?;
                host.start(self)?;
            }
            (true, true, false) => host.restart(self)?,
            (true, true, true) => {}
        }
        self.start_again(host, &self.hanging)
    }

    /// Nothing runs, and what is enabled is to run after the boot.
    fn offline(state: UnitState) -> Option<UnitState> {
        Some(UnitState::at_rest(state.enablement))
    }

    fn attainable(seen: &UnitState) -> UnitState {
        let enablement = match seen.enablement {
            Enablement::Dangling => Enablement::Disabled,
            enablement => enablement,
        };
        UnitState { enablement, fresh: true, ..seen.clone() }
    }

    fn starts(to: &UnitState) -> bool {
        to.active
    }

    fn foresee(&self, now: UnitState, earlier: &[Step]) -> UnitState {
        let stale = now.active && touches(earlier, |path| self.is_started_from(path));
        UnitState { fresh: now.fresh && !stale, ..now }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Display for UnitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let enablement = match self.enablement {
            Enablement::Disabled => "disabled",
            Enablement::Enabled => "enabled",
            Enablement::Dangling => "wanted, and without a file",
            Enablement::Masked => "masked",
        };
        let activity = match (self.active, self.fresh) {
            (false, _) => "stopped",
            (true, true) => "running",
            (true, false) => "running from what has changed since",
        };
        write!(f, "{enablement}, {activity}")
    }
}
