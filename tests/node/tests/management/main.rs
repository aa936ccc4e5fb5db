//! The module, the state and the class by which configuration management runs node-setup: each with the real tool, in
//! the node that it manages.
#![allow(missing_docs, clippy::expect_used, reason = "a test's name says it, and a test may panic")]

mod ansible;
mod puppet;
mod salt;

use std::path::{Path, PathBuf};
use std::time::Duration;

use node_tests::{Node, Suite, TOOLS};

/// The suite whose tools these are, and the docker that they install.
const SUITE: Suite = Suite::Trixie;

/// A worker with the tools in it.
fn worker() -> Node {
    Node::builder(SUITE).packages(&TOOLS).limit(Duration::from_mins(5)).worker()
}

/// A directory of the repository.
fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(name)
}

/// What docker runs as: a run that changes nothing leaves it alone.
fn docker(node: &Node) -> String {
    node.unit("docker.service", "MainPID")
}

/// Takes away what can be said without flannel, and what the node had of it.
fn without_flannel(node: &Node) {
    node.ok("systemctl -q disable --now flanneld && ip link del flannel.1 && rm -r /run/flannel");
}

/// What a run with a value that dockerd does not accept must say.
const BROKEN: [&str; 2] =
    ["| failed to start daemon: error initializing graphdriver", "the node is as it was before"];
