//! Throw-away worker nodes on one machine, for the tests of node-setup.
//!
//! A node is a copy of a small Debian root file system, booted by systemd-nspawn with its own systemd as PID 1, its own
//! network namespace and its own control group. Docker, iptables and the sysctls under `net.*` in it are real. What a
//! node shares with the machine is the kernel, and with it the sysctls under `vm.*` and `fs.*`: those a test may change
//! are put back when the last node is gone (see [`sysctl`]).
//!
//! The module has two storeys. [`Machine`] finds a node by its name on disk, returns errors and outlives the process
//! that booted it: the command line `testbed` is built on it. [`Node`] is a machine that belongs to one test: it panics
//! where a test would have to, at the test's own line, and takes the node away when it is dropped.
//!
//! ```no_run
//! use node_tests::{Node, Suite, wire};
//!
//! let (one, two) = (Node::boot(Suite::Bookworm), Node::builder(Suite::Trixie).name("w2").boot());
//! wire(&one, &two);
//! one.flannel(1, 2);
//! two.flannel(2, 1);
//! let before = one.snapshot();
//! assert!(one.node_setup(&["plan"]).success());
//! assert_eq!(before.diff(&one.snapshot()), [""; 0]);
//! ```
//!
//! `NODE_SETUP_LAB` says where everything is kept; `/dev/shm/lab` makes nodes of memory. `NODE_SETUP_KEEP` leaves the
//! nodes of a test running, and `NODE_SETUP_BIN` names the binary under test.
//!
//! Needs root, and a Debian-like machine whose apt knows a Debian mirror.

/// Debian packages of the tools that people install and manage node-setup with, in one list so that one root file system
/// serves every test of them.
pub const TOOLS: [&str; 16] = [
    "ansible-core",
    "createrepo-c",
    "dnf",
    "puppet-agent",
    "rpm",
    // What Salt needs, which Debian has no longer.
    "python3-dateutil",
    "python3-distro",
    "python3-jmespath",
    "python3-looseversion",
    "python3-msgpack",
    "python3-psutil",
    "python3-pycryptodome",
    "python3-requests",
    "python3-setproctitle",
    "python3-tornado",
    "python3-zmq",
];

mod apt;
pub mod archive;
pub mod base;
pub mod bench;
mod cgroup;
mod host;
mod job;
mod lab;
mod machine;
mod network;
mod node;
mod owner;
mod package;
mod pair;
mod pod;
pub mod powercut;
pub mod powerloss;
mod process;
mod product;
mod prune;
mod readme;
mod report;
mod repository;
mod salt;
pub mod session;
pub mod snapshot;
mod suite;
mod supervisor;
pub mod sysctl;
pub mod torture;
mod wait;
mod watch;
mod worker;

pub use anyhow::{Error, Result};
pub use archive::archive;
pub use base::base;
pub use host::setup;
pub use job::{Job, Output};
pub use machine::Machine;
pub use network::wire;
pub use node::{Builder, Node};
pub use package::{deb, release};
pub use pair::Pair;
pub use product::binary as product_binary;
pub use prune::prune;
pub use readme::{CHINESE, DOCUMENTS, blocks, document, inline, readme, told, typed};
pub use report::Report;
pub use repository::{Repository, SERVED};
pub use salt::salt;
pub use snapshot::Snapshot;
pub use suite::Suite;
