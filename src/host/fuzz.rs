//! What the machine's own programs and daemons say, for the fuzzer.

use super::api::fuzz as api;
use super::listing::{self, Whose};
use super::mounts;

pub(crate) const ANSWER: &[&str] = &[
    "HTTP/1.0 200 OK\r\n",
    "\r\n\r\n",
    "Server: Docker/",
    "[{\"Id\":",
    "\"Names\":[",
    "\"Ports\":[",
    "null",
    "\"PublicPort\":",
    "\"NetworkSettings\":{\"Networks\":{",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

pub(crate) const LISTING: &[&str] = &[
    "*filter\n",
    ":DOCKER - [0:0]\n",
    "-A FORWARD ",
    "-j DOCKER",
    "ufw-",
    "COMMIT\n",
    "# Table `nat' is incompatible",
    ":",
];

pub(crate) const MOUNTINFO: &[&str] = &["\\040", "\\4", "\\777", "\\é", " - ", " "];

pub(crate) fn answers() -> Vec<Vec<u8>> {
    let answer = "HTTP/1.0 200 OK\r\nServer: Docker/28.5.2 (linux)\r\n\r\n\
        [{\"Id\":\"ab\",\"Names\":[\"/x\"],\
        \"Ports\":[{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":8080}],\
        \"NetworkSettings\":{\"Networks\":{\"bridge\":{\"IPAddress\":\"172.30.8.2\"}}},\
        \"HostConfig\":{\"NetworkMode\":\"default\"}}]";
    vec![answer.as_bytes().to_vec()]
}

pub(crate) fn listings() -> Vec<Vec<u8>> {
    let saved = "*filter\n:INPUT DROP [1:60]\n:FORWARD ACCEPT [0:0]\n:DOCKER - [0:0]\n\
        :ufw-user-input - [0:0]\n-A INPUT -j ufw-user-input\n-A FORWARD -o docker0 -j DOCKER\n\
        -A DOCKER -d 172.30.8.2/32 -j ACCEPT\nCOMMIT\n";
    vec![saved.as_bytes().to_vec()]
}

pub(crate) fn mountinfos() -> Vec<Vec<u8>> {
    vec![b"40 1 8:1 / /data/a\\040b rw,nosuid shared:1 - ext4 /dev/sda1 rw\n".to_vec()]
}

pub(crate) fn answer(bytes: &[u8]) -> String {
    api::read(bytes)
}

/// A removal is of a rule or a chain, and of nothing else.
pub(crate) fn listing(bytes: &[u8]) -> String {
    let tables = listing::tables(&String::from_utf8_lossy(bytes));
    let mut found = Vec::new();
    for listing in tables.values().flatten() {
        for whose in [Whose::Docker, Whose::Ufw] {
            for command in listing::removals(listing, whose) {
                assert!(["-D ", "-F ", "-X "].iter().any(|verb| command.starts_with(verb)), "{command:?}");
                assert!(!command.contains('\n'), "{command:?}");
                found.push(command.split(' ').next().unwrap_or_default().to_owned());
            }
        }
        found.push(format!("{:?}", listing::policy_in(listing, "FORWARD")));
        found.push(listing::foreign_rules(listing).count().to_string());
        let _ = listing::restorable("filter", listing);
    }
    found.truncate(8);
    found.join(" ")
}

pub(crate) fn mountinfo(bytes: &[u8]) -> String {
    mounts::tests::read(&String::from_utf8_lossy(bytes)).to_string()
}
