//! What systemd knows about units, asked about one by one or about several at once.

use futures_util::future::join_all;
use zbus::OwnedObjectPath;

use super::Systemd;
use super::systemd::{SERVICE_INTERFACE, UNIT_INTERFACE, is_no_such_file, wanting};
use crate::Result;
use crate::resource::Enablement;

/// What systemd knows about a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitFacts {
    /// `loaded`, `not-found`, `masked`, `bad-setting`, …
    pub load_state: String,
    /// `active`, `inactive`, `failed`, `activating`, …
    pub active_state: String,
    /// `running`, `exited`, `auto-restart`, …
    pub sub_state: String,
    /// Whether it starts by itself.
    pub enablement: Enablement,
    /// Up: running, or exited and remaining.
    pub active: bool,
    /// Its file or a drop-in changed after systemd read it.
    pub needs_reload: bool,
    /// Names one start of the unit; empty if it never started.
    pub invocation: Vec<u8>,
    /// A service's main process; 0 if there is none.
    pub main_pid: u32,
    /// How often a service was restarted by itself since it was last started by hand.
    pub restarts: u32,
    /// Why a service's last run ended: `success`, `exit-code`, `timeout`, …
    pub result: String,
    /// When the main process was started, microseconds since the epoch; 0 if never.
    pub started_usec: u64,
    /// The unit's control group, as a path under the hierarchy; empty if it has none.
    pub control_group: String,
}

impl UnitFacts {
    /// Of a unit that does not run; none if it has no file.
    pub fn at_rest(enablement: Option<Enablement>) -> Self {
        Self {
            load_state: if enablement.is_some() { "loaded" } else { "not-found" }.to_owned(),
            active_state: "inactive".to_owned(),
            sub_state: "dead".to_owned(),
            enablement: enablement.unwrap_or(Enablement::Disabled),
            active: false,
            needs_reload: false,
            invocation: Vec::new(),
            main_pid: 0,
            restarts: 0,
            result: String::new(),
            started_usec: 0,
            control_group: String::new(),
        }
    }

    /// Whether there is nothing to stop.
    pub fn is_stopped(&self) -> bool {
        matches!(self.active_state.as_str(), "inactive" | "failed")
    }
}

impl Systemd<'_> {
    /// Everything of interest about a unit, loaded or not.
    pub fn unit(&self, name: &str) -> Result<UnitFacts> {
        self.memory.once(
            |seen| seen.units.get(name).cloned(),
            || self.runtime.block_on(self.ask_unit(name)),
            |seen, found| drop(seen.units.insert(name.to_owned(), found)),
        )
    }

    /// How a unit's file is enabled; `None` if there is no such file.
    pub fn enablement(&self, name: &str) -> Result<Option<Enablement>> {
        self.memory.once(
            |seen| seen.enablements.get(name).copied(),
            || self.runtime.block_on(self.ask_enablement(name)),
            |seen, found| seen.enablements.extend([(name.to_owned(), found)]),
        )
    }

    /// Asks about units, and about the files of others, all at once: systemd answers one after the
    /// other, and nobody waits in between. What it does not answer is asked again when it is needed.
    pub fn look_ahead(&self, units: &[&str], files: &[String]) {
        let (facts, enablements) = self.runtime.block_on(async {
            let facts = join_all(units.iter().map(|name| self.ask_unit(name)));
            let enablements = join_all(files.iter().map(|name| self.ask_enablement(name)));
            tokio::join!(facts, enablements)
        });
        self.memory.change(|seen| {
            let names = units.iter().map(|&name| name.to_owned());
            seen.units.extend(names.zip(facts).filter_map(|(name, facts)| Some((name, facts.ok()?))));
            let found = files.iter().cloned().zip(enablements);
            seen.enablements.extend(found.filter_map(|(name, found)| Some((name, found.ok()?))));
        });
    }

    async fn ask_unit(&self, name: &str) -> Result<UnitFacts> {
        let path: OwnedObjectPath = self.ask_for("LoadUnit", &(name,), || format!("load {name}")).await?;
        let (unit, enablement) =
            tokio::join!(self.properties(&path, UNIT_INTERFACE), self.ask_enablement(name));
        let mut unit = unit?;
        let active_state: String = unit.take("ActiveState")?;
        let mut facts = UnitFacts {
            load_state: unit.take("LoadState")?,
            sub_state: unit.take("SubState")?,
            enablement: match enablement? {
                Some(enablement) => enablement,
                None if !wanting(name).is_empty() => Enablement::Dangling,
                None => Enablement::Disabled,
            },
            active: matches!(active_state.as_str(), "active" | "reloading"),
            active_state,
            needs_reload: unit.take("NeedDaemonReload")?,
            invocation: unit.take("InvocationID")?,
            ..UnitFacts::at_rest(None)
        };
        // Also of one whose file is gone: it may still run.
        if name.ends_with(".service") && (facts.load_state == "loaded" || !facts.is_stopped()) {
            let mut service = self.properties(&path, SERVICE_INTERFACE).await?;
            facts.main_pid = service.take("MainPID")?;
            facts.restarts = service.take("NRestarts").unwrap_or_default();
            facts.result = service.take("Result")?;
            facts.started_usec = service.take("ExecMainStartTimestamp")?;
            facts.control_group = service.take("ControlGroup")?;
        }
        Ok(facts)
    }

    async fn ask_enablement(&self, name: &str) -> Result<Option<Enablement>> {
        let state: Result<String> =
            self.ask_for("GetUnitFileState", &(name,), || format!("tell whether {name} is enabled")).await;
        match state {
            Ok(state) => Ok(Some(match state.as_str() {
                "enabled" | "enabled-runtime" | "alias" => Enablement::Enabled,
                "masked" | "masked-runtime" => Enablement::Masked,
                _ => Enablement::Disabled,
            })),
            Err(error) if is_no_such_file(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
