//! Which kernel parameters, in which file, with which values.
//!
//! The guide's file is written if it is absent or ours. A user's own is applied
//! as it is, and what docker needs and it lacks goes to a file of ours behind it.

use std::path::PathBuf;

use super::Sources;
use crate::render;
use crate::resource::File;
use crate::sysctl::{Assignment, LIMITS, RECOMMENDED, REQUIRED};

type Values = Vec<(String, String)>;

/// A file of sysctl.d, and what it is to say; `None` if it is not to be there.
pub(super) struct Fragment {
    pub(super) path: PathBuf,
    pub(super) text: Option<String>,
}

/// The files that are ours.
pub(super) fn fragments(sources: &Sources<'_>) -> Vec<Fragment> {
    let guide = sources.config.sysctl.file.clone();
    let wanted = values(sources);
    let Some(theirs) = theirs(sources) else {
        return vec![Fragment { path: guide, text: Some(text(&wanted)) }];
    };
    let lacking: Values = wanted.into_iter().filter(|pair| !theirs.contains(pair)).collect();
    let text = (!lacking.is_empty()).then(|| text(&lacking));
    vec![Fragment { path: guide.with_file_name("node-setup.conf"), text }]
}

/// What the running kernel is to have. A limit that is higher already is not lowered.
pub(super) fn live_values(sources: &Sources<'_>) -> Values {
    values(sources).into_iter().filter(|(key, value)| !is_exceeded(sources, key, value)).collect()
}

/// Whether docker does not work without it.
pub(super) fn is_required(key: &str) -> bool {
    REQUIRED.iter().any(|(needed, _)| *needed == key)
}

fn values(sources: &Sources<'_>) -> Values {
    let mut values: Values = owned(REQUIRED).collect();
    let theirs = theirs(sources);
    if theirs.is_none() {
        values.extend(owned(RECOMMENDED));
        values.extend(limits(sources));
    }
    for (key, value) in theirs.into_iter().flatten() {
        set(&mut values, key, value);
    }
    for (key, value) in &sources.config.sysctl.values {
        set(&mut values, key.clone(), value.clone());
    }
    values
}

/// The limits that the node does not exceed, and those that our file has already:
/// what it says does not change with the node's present values.
fn limits(sources: &Sources<'_>) -> impl Iterator<Item = (String, String)> {
    let said = said(sources).unwrap_or_default();
    LIMITS.iter().filter_map(move |(key, limit)| {
        let limit = limit.to_string();
        let is_said = said.iter().any(|said| said.key == *key);
        (is_said || !is_exceeded(sources, key, &limit)).then(|| ((*key).to_owned(), limit))
    })
}

fn is_exceeded(sources: &Sources<'_>, key: &str, value: &str) -> bool {
    let is_limit = LIMITS.iter().any(|(limit, _)| *limit == key);
    let present = sources.facts.limits.get(key);
    is_limit && present.zip(value.parse().ok()).is_some_and(|(present, value)| *present > value)
}

/// What the guide's file says, if there is one that is not ours.
fn theirs(sources: &Sources<'_>) -> Option<Values> {
    let file = File(sources.config.sysctl.file.clone());
    if sources.receipt.owned(&file.name()).is_some() {
        return None;
    }
    let mut values = Values::new();
    for Assignment { key, value, .. } in said(sources)? {
        set(&mut values, key.clone(), value.clone());
    }
    Some(values)
}

fn said<'a>(sources: &Sources<'a>) -> Option<&'a [Assignment]> {
    let path = &sources.config.sysctl.file;
    let fragment = sources.facts.sysctls.iter().find(|fragment| fragment.path == *path)?;
    Some(&fragment.assignments)
}

fn text(values: &Values) -> String {
    render::sysctl_d(values.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

fn owned(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
}

fn set(values: &mut Values, key: String, value: String) {
    match values.iter_mut().find(|(known, _)| *known == key) {
        Some((_, known)) => *known = value,
        None => values.push((key, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::tests::with_sources;
    use crate::sysctl;

    fn fragment_of(facts_say: Option<&str>, present: &[(&str, u64)]) -> Vec<(PathBuf, Option<String>)> {
        with_sources(|sources, facts| {
            let path = sources.config.sysctl.file.clone();
            if let Some(text) = facts_say {
                facts.sysctls = vec![sysctl::Fragment { path, assignments: sysctl::parse(text) }];
            }
            facts.limits = present.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
            let sources = Sources { facts, ..*sources };
            fragments(&sources).into_iter().map(|fragment| (fragment.path, fragment.text)).collect()
        })
    }

    #[test]
    fn a_users_own_file_gets_what_it_lacks_in_another() {
        let all = fragment_of(Some("net.ipv4.ip_forward = 1\nvm.swappiness = 10\n"), &[]);
        let [(path, Some(text))] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(path.to_str(), Some("/etc/sysctl.d/node-setup.conf"));
        assert!(text.contains("bridge-nf-call-iptables = 1") && !text.contains("ip_forward"), "{text}");
        assert!(!text.contains("swappiness"), "theirs is applied as it is: {text}");
    }

    #[test]
    fn a_users_file_that_lacks_nothing_gets_no_other() {
        let text = text(&owned(REQUIRED).collect());
        let all = fragment_of(Some(&text), &[]);
        assert_eq!(all, [(PathBuf::from("/etc/sysctl.d/node-setup.conf"), None)]);
    }

    #[test]
    fn a_limit_that_the_node_exceeds_is_left_out() {
        let all = fragment_of(None, &[("fs.file-max", u64::MAX), ("fs.nr_open", 1024)]);
        let text = all[0].1.as_deref().unwrap();
        assert!(!text.contains("fs.file-max") && text.contains("fs.nr_open = 52706963"), "{text}");
    }
}
