//! systemd over D-Bus: units, their state, and jobs awaited to their end.

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::runtime::Runtime;
use zbus::message::Type;
use zbus::{Connection, MatchRule, Message, MessageStream, OwnedObjectPath, OwnedVariant};

use super::exec::Program;
use super::files::UNIT_DIRECTORY;
use super::interrupt::Interrupt;
use super::memory::Memory;
use crate::error::seconds;
use crate::resource::Enablement;
use crate::{Error, Result};

const SYSTEMD: &str = "org.freedesktop.systemd1";
const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";
pub(super) const MANAGER: &str = "/org/freedesktop/systemd1";
pub(super) const MANAGER_INTERFACE: &str = "org.freedesktop.systemd1.Manager";
pub(super) const UNIT_INTERFACE: &str = "org.freedesktop.systemd1.Unit";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
pub(super) const SERVICE_INTERFACE: &str = "org.freedesktop.systemd1.Service";

/// What a unit may at most add to the time that a job has, by the time that it gives its processes to stop.
const LONGEST_STOP: Duration = Duration::from_mins(3);

/// How long a call that starts no job may take.
const CALL: Duration = Duration::from_secs(25);

/// The door to the service manager.
#[derive(Debug)]
pub struct Systemd<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) bus: &'a Connection,
    pub(super) interrupt: &'a Interrupt,
    pub(super) job_limit: Duration,
    pub(super) memory: &'a Memory,
}

impl Systemd<'_> {
    /// Connects to the system bus.
    pub(super) fn connect(runtime: &Runtime) -> Result<Connection> {
        runtime
            .block_on(async {
                tokio::time::timeout(CALL, Connection::system())
                    .await
                    .unwrap_or_else(|_| Err(zbus::Error::Failure("no answer from the system bus".to_owned())))
            })
            .map_err(|source| Error::Bus { action: "answer on the system bus".to_owned(), source })
    }

    /// `daemon-reload`.
    pub fn reload(&self) -> Result<()> {
        self.call("Reload", &(), || "reload its units".to_owned()).map(drop)
    }

    /// Takes a unit from one enablement to another. `links` gets those that systemd made or
    /// removed for that, also if it fails half-way: systemd does not flush them. What they mean it
    /// knows, for any unit, only after a reload.
    pub fn set_enablement(
        &self,
        name: &str,
        from: Enablement,
        to: Enablement,
        links: &mut Vec<PathBuf>,
    ) -> Result<()> {
        let names = &[name][..];
        let action = |verb: &str| format!("{verb} {name}");
        let mut made = |made: Links| links.extend(made.into_iter().map(|(_, link, _)| PathBuf::from(link)));
        if from == Enablement::Masked {
            made(self.call_for("UnmaskUnitFiles", &(names, false), || action("unmask"))?);
        }
        if to == Enablement::Enabled {
            let (_, enabled): (bool, Links) =
                self.call_for("EnableUnitFiles", &(names, false, true), || action("enable"))?;
            made(enabled);
        } else {
            made(self.call_for("DisableUnitFiles", &(names, false), || action("disable"))?);
        }
        if to == Enablement::Masked {
            made(self.call_for("MaskUnitFiles", &(names, false, true), || action("mask"))?);
        }
        Ok(())
    }

    /// Starts a unit and waits for the job's end.
    pub fn start(&self, name: &str) -> Result<()> {
        self.job("StartUnit", "start", name, self.job_limit)
    }

    /// Restarts a unit, or starts it, and waits for the job's end.
    pub fn restart(&self, name: &str) -> Result<()> {
        self.job("RestartUnit", "restart", name, self.job_limit + self.time_to_stop(name))
    }

    /// Stops a unit and waits for the job's end.
    pub fn stop(&self, name: &str) -> Result<()> {
        self.job("StopUnit", "stop", name, self.job_limit + self.time_to_stop(name))
    }

    /// How long systemd waits for a unit that is told to stop, before it kills it.
    fn time_to_stop(&self, name: &str) -> Duration {
        let path: Result<OwnedObjectPath> = self.call_for("LoadUnit", &(name,), || format!("load {name}"));
        let limit: Result<u64> =
            path.and_then(|path| self.property(&path, SERVICE_INTERFACE, "TimeoutStopUSec"));
        limit.map_or(Duration::ZERO, Duration::from_micros).min(LONGEST_STOP)
    }

    /// Brings a unit that failed, or that waits to be started again, to rest: a
    /// start then neither waits for that nor counts as one too many.
    pub fn rest(&self, name: &str) -> Result<()> {
        let unit = self.unit(name)?;
        if !unit.is_stopped() {
            self.stop(name)?;
        }
        self.reset_failed(name)
    }

    /// Sends SIGKILL to every process that is left in a unit's control group.
    pub fn kill_all(&self, name: &str) -> Result<()> {
        self.call("KillUnit", &(name, "all", 9_i32), || format!("kill what is left of {name}")).map(drop)
    }

    /// Makes a unit that failed count as merely stopped, and its starts so far as none.
    pub fn reset_failed(&self, name: &str) -> Result<()> {
        if self.unit(name)?.load_state != "loaded" {
            return Ok(());
        }
        match self.call("ResetFailedUnit", &(name,), || format!("reset {name}")) {
            // One that has not failed, and that nothing refers to, may be unloaded by now.
            Err(error) if is_no_such_file(&error) => Ok(()),
            reset => reset.map(drop),
        }
    }

    /// The last lines that a unit logged in this boot, oldest first.
    pub fn log(&self, name: &str, lines: u32) -> Vec<String> {
        let count = lines.to_string();
        Program::new("journalctl")
            .args(["--unit", name, "--boot", "--output", "cat", "--no-pager", "--quiet", "--lines", &count])
            .run(self.runtime)
            .map(|output| output.stdout.lines().map(str::to_owned).collect())
            .unwrap_or_default()
    }

    /// An error about a unit, with what it logged last.
    pub fn failed(&self, name: &str, problem: impl Into<String>) -> Error {
        Error::Unit { unit: name.to_owned(), problem: problem.into(), log: self.log(name, 10) }
    }

    /// Queues a job and waits for it. The signal of its end is subscribed to
    /// before it is queued: a short job can be over before the call returns.
    fn job(&self, method: &'static str, verb: &str, name: &str, limit: Duration) -> Result<()> {
        let action = || format!("{verb} {name}");
        self.subscribe()?;
        let ended = self.runtime.block_on(async {
            let mut signals = self.job_removed().await?;
            let reply = self.answer(self.manager(method, &(name, "replace"))).await?;
            let job: OwnedObjectPath = reply.body().deserialize()?;
            let wait = async {
                while let Some(signal) = signals.next().await {
                    let signal = signal?;
                    let (_, path, _, result): (u32, OwnedObjectPath, String, String) =
                        signal.body().deserialize()?;
                    if path == job && self.is_from_systemd(&signal).await? {
                        return Ok(result);
                    }
                }
                Err(zbus::Error::Failure("the bus went away".to_owned()))
            };
            tokio::select! {
                ended = tokio::time::timeout(limit, wait) => match ended {
                    Ok(result) => result.map(Ended::Job),
                    Err(_) => Ok(Ended::TooLate),
                },
                signal = self.interrupt.raised() => Ok(Ended::Interrupted(signal)),
            }
        });
        match ended.map_err(|source| Error::Bus { action: action(), source })? {
            Ended::Job(result) if result == "done" => self.settle_parts(name),
            Ended::Job(result) => Err(self.job_failed(name, verb, &result)),
            Ended::Interrupted(signal) => Err(Error::Interrupted { signal }),
            Ended::TooLate => {
                let limit = seconds(limit);
                Err(self.failed(name, format!("did not {verb} within {limit}; --timeout gives it longer")))
            }
        }
    }

    /// Waits until the jobs of units that are part of this one have ended too:
    /// systemd queues them together, and ends this one's first.
    fn settle_parts(&self, name: &str) -> Result<()> {
        let path: OwnedObjectPath = self.call_for("LoadUnit", &(name,), || format!("load {name}"))?;
        let parts: Vec<String> = self.property(&path, UNIT_INTERFACE, "ConsistsOf")?;
        let deadline = Instant::now() + self.job_limit;
        while !parts.is_empty() && Instant::now() < deadline {
            let jobs: Vec<Job> = self.call_for("ListJobs", &(), || "list its jobs".to_owned())?;
            if !jobs.iter().any(|(_, unit, ..)| parts.contains(unit)) {
                break;
            }
            self.interrupt.check()?;
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
        }
        Ok(())
    }

    fn job_failed(&self, name: &str, verb: &str, job_result: &str) -> Error {
        let why = match self.unit(name) {
            Ok(unit) if !unit.result.is_empty() && unit.result != "success" => unit.result,
            Ok(unit) if unit.load_state != "loaded" => unit.load_state,
            _ => job_result.to_owned(),
        };
        self.failed(name, format!("did not {verb}: {why}"))
    }

    /// Asks for signals. Asking twice is an error to systemd, and none to us.
    fn subscribe(&self) -> Result<()> {
        match self.call("Subscribe", &(), || "announce the end of jobs".to_owned()) {
            Err(Error::Bus { source, .. }) if source.to_string().contains("AlreadySubscribed") => Ok(()),
            other => other.map(drop),
        }
    }

    /// Whether systemd itself has sent a signal. Whoever is on the bus can send any signal to one
    /// connection alone, and the bus passes it on whatever that one has subscribed to.
    async fn is_from_systemd(&self, signal: &Message) -> zbus::Result<bool> {
        let reply = self
            .answer(self.bus.call_method(Some(BUS), BUS_PATH, Some(BUS), "GetNameOwner", &SYSTEMD))
            .await?;
        let owner: String = reply.body().deserialize()?;
        Ok(signal.header().sender().is_some_and(|sender| sender.as_str() == owner))
    }

    async fn job_removed(&self) -> zbus::Result<MessageStream> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(SYSTEMD)
            .interface(MANAGER_INTERFACE)
            .member("JobRemoved")
            .build()?;
        MessageStream::for_match_rule(rule, self.bus, NonZeroUsize::new(256)).await
    }

    /// All properties of an interface: one answer takes no longer than one property's.
    pub(super) async fn properties(&self, path: &str, interface: &str) -> Result<Properties> {
        let all = async {
            let reply =
                self.bus.call_method(Some(SYSTEMD), path, Some(PROPERTIES), "GetAll", &interface).await?;
            reply.body().deserialize().map(Properties)
        };
        self.answer(all)
            .await
            .map_err(|source| Error::Bus { action: format!("tell the properties of {path}"), source })
    }

    fn property<T>(&self, path: &str, interface: &str, property: &'static str) -> Result<T>
    where
        T: TryFrom<OwnedVariant>,
        T::Error: Into<zbus::Error>,
    {
        self.runtime.block_on(self.ask_property(path, interface, property))
    }

    /// One property of an interface.
    pub(super) async fn ask_property<T>(
        &self,
        path: &str,
        interface: &str,
        property: &'static str,
    ) -> Result<T>
    where
        T: TryFrom<OwnedVariant>,
        T::Error: Into<zbus::Error>,
    {
        let one = async {
            let reply = self
                .bus
                .call_method(Some(SYSTEMD), path, Some(PROPERTIES), "Get", &(interface, property))
                .await?;
            let value: OwnedVariant = reply.body().deserialize()?;
            T::try_from(value).map_err(Into::into)
        };
        self.answer(one).await.map_err(|source| Error::Bus { action: format!("tell {property}"), source })
    }

    fn call<B>(&self, method: &'static str, body: &B, action: impl Fn() -> String) -> Result<Message>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        self.runtime.block_on(self.ask(method, body, action))
    }

    fn call_for<B, T>(&self, method: &'static str, body: &B, action: impl Fn() -> String) -> Result<T>
    where
        B: serde::Serialize + zbus::DynamicType,
        T: serde::de::DeserializeOwned + zbus::Type,
    {
        self.runtime.block_on(self.ask_for(method, body, action))
    }

    async fn ask<B>(&self, method: &'static str, body: &B, action: impl Fn() -> String) -> Result<Message>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let reply = self.answer(self.manager(method, body)).await;
        reply.map_err(|source| Error::Bus { action: action(), source })
    }

    /// What the manager answers to a call that starts no job.
    pub(super) async fn ask_for<B, T>(
        &self,
        method: &'static str,
        body: &B,
        action: impl Fn() -> String,
    ) -> Result<T>
    where
        B: serde::Serialize + zbus::DynamicType,
        T: serde::de::DeserializeOwned + zbus::Type,
    {
        let reply = self.ask(method, body, &action).await?;
        reply.body().deserialize().map_err(|source| Error::Bus { action: action(), source })
    }

    async fn manager<B>(&self, method: &'static str, body: &B) -> zbus::Result<Message>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        self.bus.call_method(Some(SYSTEMD), MANAGER, Some(MANAGER_INTERFACE), method, body).await
    }

    /// An answer that comes in time. Who has not answered one question, while a node is looked at,
    /// is not waited for at each other.
    async fn answer<T>(&self, call: impl Future<Output = zbus::Result<T>>) -> zbus::Result<T> {
        if self.memory.change(|seen| seen.is_silent).unwrap_or_default() {
            return Err(silence());
        }
        tokio::time::timeout(CALL, call).await.unwrap_or_else(|_| {
            self.memory.change(|seen| seen.is_silent = true);
            Err(silence())
        })
    }
}

fn silence() -> zbus::Error {
    zbus::Error::Failure(format!("no answer within {} s", CALL.as_secs()))
}

/// Properties by name, each taken once.
pub(super) struct Properties(HashMap<String, OwnedVariant>);

impl Properties {
    pub(super) fn take<T>(&mut self, property: &'static str) -> Result<T>
    where
        T: TryFrom<OwnedVariant>,
        T::Error: Into<zbus::Error>,
    {
        let value =
            self.0.remove(property).ok_or_else(|| zbus::Error::Failure("no such property".to_owned()));
        value
            .and_then(|value| T::try_from(value).map_err(Into::into))
            .map_err(|source| Error::Bus { action: format!("tell {property}"), source })
    }
}

/// Number, unit, type, state, and the paths of job and unit.
type Job = (u32, String, String, String, OwnedObjectPath, OwnedObjectPath);

/// What was done (`symlink`, `unlink`), the link, and what it points to.
type Links = Vec<(String, String, String)>;

enum Ended {
    Job(String),
    Interrupted(&'static str),
    TooLate,
}

/// The links by which something wants a unit. systemd itself does not tell of them when
/// the unit's file is gone.
pub(super) fn wanting(name: &str) -> Vec<PathBuf> {
    wanting_in(Path::new(UNIT_DIRECTORY), name)
}

/// The same, below another directory of units.
pub(super) fn wanting_in(units: &Path, name: &str) -> Vec<PathBuf> {
    let is_of_links =
        |path: &PathBuf| path.extension().is_some_and(|kind| kind == "wants" || kind == "requires");
    let links = entries(units).filter(is_of_links).map(|path| path.join(name));
    links.filter(|link| link.is_symlink()).collect()
}

/// The links that are units by themselves.
pub(super) fn links_in(units: &Path) -> impl Iterator<Item = PathBuf> {
    entries(units).filter(|entry| entry.is_symlink())
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// systemd before 252 says `NoSuchUnit` or plain `FileNotFound` for a unit without a file.
pub(super) fn is_no_such_file(error: &Error) -> bool {
    let Error::Bus { source, .. } = error else { return false };
    let text = source.to_string();
    ["FileNotFound", "NoSuchUnit", "No such file"].iter().any(|word| text.contains(word))
}
