//! The only doors to the outside: files, kernel, netfilter, netlink, systemd,
//! docker's API, other programs.
//!
//! Where the process has [entered](enter) a root that is not running, those to what a running
//! system alone has do not open.
//!
//! The core is synchronous. One current-thread runtime lives in [`Host`], and
//! only the files in this directory know that it exists. Doors are opened when
//! something first goes through them.

mod api;
mod cache;
mod engine;
mod exec;
mod files;
mod fingerprints;
mod flannel;
#[cfg(test)]
pub(crate) mod fuzz;
mod interrupt;
mod kernel;
mod labels;
mod links;
mod listing;
mod manager;
mod memory;
mod mounts;
mod names;
mod netfilter;
mod netlink;
mod owners;
mod peer;
mod processes;
mod root;
mod service;
mod shims;
mod store;
mod systemd;
mod units;

use std::cell::{Cell, OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use zbus::Connection;

use crate::{Error, Result};
use service::Start;

pub use api::{Api, Container, DaemonInfo, Published};
pub use cache::{Cache, Deposit};
pub use exec::{Keep, Output, PATH, Program, find as find_program};
pub use files::{Files, UNIT_DIRECTORY};
pub(crate) use files::{make_private_directory, publish_file};
pub use flannel::DERIVED_OPTIONS;
pub use interrupt::Interrupt;
pub use kernel::{Availability, Kernel};
pub use labels::{Labels, enforces};
pub use links::Links;
pub use listing::Whose;
pub use manager::Manager;
use memory::Memory;
pub use mounts::{Mount, local_points, mounts};
pub use names::addresses;
pub use netfilter::{Backend, Family, LIBRARIES, Netfilter, Tools};
pub use netlink::{Address, Link, Netlink, Route, ipv4_on};
pub use owners::{Stranger, stranger};
pub use peer::{Socket, socket_at};
pub use processes::{is_container, loses_rules, stat};
pub use root::{enter, is_offline, outside, read_proc};
pub use store::{Content, Incoming, Store, Written};
pub use systemd::Systemd;
pub use units::UnitFacts;

/// Where node-setup keeps what it must not forget.
pub const STATE: &str = "/var/lib/node-setup";

/// Where the journals are under `state`.
pub fn journals(state: &Path) -> PathBuf {
    state.join("journal")
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// docker, from its start until it is ready.
    pub ready: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { ready: Duration::from_mins(1) }
    }
}

/// The machine that this runs on, or the root of one that does not run.
#[derive(Debug)]
pub struct Host {
    runtime: Runtime,
    files: Files,
    state: PathBuf,
    limits: Cell<Limits>,
    interrupt: Interrupt,
    bus: OnceCell<Connection>,
    netlink: RefCell<Option<Rc<netlink::Socket>>>,
    tools: OnceCell<Tools>,
    memory: Rc<Memory>,
    started: RefCell<Vec<Start>>,
}

impl Host {
    /// This machine.
    pub fn new(limits: Limits, interrupt: Interrupt) -> Result<Self> {
        Self::with_state(Path::new(STATE), limits, interrupt)
    }

    /// This machine, with what must not be forgotten kept elsewhere.
    pub fn with_state(state: &Path, limits: Limits, interrupt: Interrupt) -> Result<Self> {
        let runtime =
            Builder::new_current_thread().enable_all().build().map_err(Error::io("set up", "the runtime"))?;
        Ok(Self {
            runtime,
            files: Files::new(state),
            state: state.to_owned(),
            limits: Cell::new(limits),
            interrupt,
            bus: OnceCell::new(),
            netlink: RefCell::default(),
            tools: OnceCell::new(),
            memory: Rc::default(),
            started: RefCell::new(Vec::new()),
        })
    }

    /// The same with `SELinux` labels of its own, and not this machine's.
    #[must_use]
    pub fn with_labels(mut self, labels: Labels) -> Self {
        self.files.set_labels(labels);
        self
    }

    /// Files, and the store of contents.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Where node-setup keeps what it must not forget.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Where the journals of all runs are.
    pub fn journals(&self) -> PathBuf {
        journals(&self.state)
    }

    /// Whether this is a root that is not running.
    pub fn is_offline(&self) -> bool {
        root::is_offline()
    }

    /// Which units are enabled in a root that is not running.
    pub fn links(&self) -> Links<'_> {
        Links::new(&self.files, Path::new("/"))
    }

    /// Modules and kernel parameters.
    pub fn kernel(&self) -> Kernel<'_> {
        Kernel { runtime: &self.runtime }
    }

    /// systemd. Fails where the system bus cannot be reached.
    pub fn systemd(&self) -> Result<Systemd<'_>> {
        root::live("systemd")?;
        let bus = get_or_try_init(&self.bus, || Systemd::connect(&self.runtime))?;
        let job_limit = self.limits().ready;
        Ok(Systemd {
            runtime: &self.runtime,
            bus,
            interrupt: &self.interrupt,
            job_limit,
            memory: &self.memory,
        })
    }

    /// Links, addresses and routes.
    pub fn netlink(&self) -> Result<Netlink<'_>> {
        root::live("the kernel's network")?;
        let socket = self.netlink.borrow().clone().filter(|socket| !socket.is_lost());
        let socket = match socket {
            Some(socket) => socket,
            None => Rc::new(netlink::Socket::open(&self.runtime)?),
        };
        *self.netlink.borrow_mut() = Some(Rc::clone(&socket));
        Ok(Netlink { runtime: &self.runtime, socket, memory: &self.memory })
    }

    /// Chain policies and rules.
    pub fn netfilter(&self) -> Result<Netfilter<'_>> {
        root::live("iptables")?;
        let tools = self.tools.get_or_init(|| Tools::find(&self.runtime));
        Ok(Netfilter { runtime: &self.runtime, tools, memory: &self.memory })
    }

    /// From here on the node is only looked at: what was seen once of rules, units, links and
    /// processes, and what docker has said, is not looked up again. Until
    /// [it starts to change](Self::starts_to_change), and only as long as no time is
    /// [let pass](Self::pause). What the policy says of labels, and where there are any, is
    /// looked up once for all.
    pub fn stands_still(&self) {
        self.memory.begin();
    }

    /// The same with these tables, as `iptables-save` has them.
    #[cfg(test)]
    pub(crate) fn stands_still_with(&self, backend: Backend, family: Family, saved: &str) {
        let listings = Rc::new(listing::tables(saved));
        self.memory.begin();
        self.memory.change(|seen| drop(seen.tables.insert((backend, family), listings)));
    }

    /// From here on every look is a new one.
    pub fn starts_to_change(&self) {
        self.memory.end();
    }

    /// Runs another program.
    pub fn run(&self, program: Program) -> Result<Output> {
        root::live("a program")?;
        program.run(&self.runtime)
    }

    /// How long things may take.
    pub fn limits(&self) -> Limits {
        self.limits.get()
    }

    /// From here on this puts back what was done: neither the signal that asked for
    /// it nor a limit that was too short for the new docker ends it.
    pub fn begin_undo(&self) {
        self.starts_to_change();
        self.interrupt.put_off();
        self.started.take();
        self.limits.set(Limits { ready: self.limits().ready.max(Limits::default().ready) });
    }

    /// From here on another run goes on, as if nothing had been put back: it stops when it is asked to,
    /// and has its own limits.
    pub fn end_undo(&self, limits: Limits) {
        self.limits.set(limits);
        self.interrupt.resume();
    }

    /// Whether the run was asked to stop.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Lets a moment pass between two looks at something that is awaited.
    pub fn pause(&self, moment: Duration) {
        self.memory.forget();
        self.runtime.block_on(async { tokio::time::sleep(moment).await });
    }
}

fn get_or_try_init<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    if cell.get().is_none() {
        let _ = cell.set(make()?);
    }
    cell.get()
        .ok_or_else(|| Error::State { path: "memory".into(), problem: "a door did not open".to_owned() })
}
