//! What somebody needs to know of a node who has only a ticket: collected, cleaned of secrets,
//! and packed into one archive.
//!
//! A node of which one wants to know is often broken, so nothing here relies on anything. Each
//! collection runs in a thread of its own, with doors of its own, and has a deadline; what fails
//! or hangs is named in the manifest, and the rest is collected all the same. Nothing is changed.

mod archive;
mod table;
mod way;

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub use archive::{Pack, date};
pub use table::TABLE;
pub use way::{Way, text_of};

/// How many collections go on at once: a broken node may be a busy one, too.
const AT_ONCE: usize = 6;

/// How long all of it may take. What has not begun by then is left out.
const LONGEST: Duration = Duration::from_mins(2);

/// What was collected under one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its path in the archive.
    pub name: String,
    /// What it says.
    pub content: Content,
}

/// What a part says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Text that somebody else wrote.
    Text(String),
    /// A document of which the form is known.
    Json(Value),
}

/// Why something is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// This node has no such thing, and need not.
    Absent(String),
    /// It could not be had.
    Failed(String),
}

/// What is to be collected.
pub struct Collection {
    /// Its path in the archive, or the directory there.
    pub name: &'static str,
    /// How long it may take.
    pub limit: Duration,
    /// How it is done.
    pub get: Box<dyn FnOnce() -> Result<Vec<Part>, Lack> + Send>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What was collected.
    pub parts: Vec<Part>,
    /// What was not, and why.
    pub missing: Vec<(String, Lack)>,
}

/// Collects all of it, in the order of the list as far as time allows.
pub fn gather(collections: Vec<Collection>) -> Gathered {
    gather_within(collections, LONGEST)
}

fn gather_within(collections: Vec<Collection>, longest: Duration) -> Gathered {
    let end = Instant::now() + longest;
    let (done, results) = channel();
    let mut names = Vec::new();
    let mut came: BTreeMap<usize, Result<Vec<Part>, Lack>> = BTreeMap::new();
    let mut waiting = collections.into_iter().enumerate();
    let mut running: BTreeMap<usize, (Instant, Duration)> = BTreeMap::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((number, collection)) = waiting.next()
        {
            names.push(collection.name);
            if Instant::now() >= end {
                came.insert(number, Err(Lack::Failed("no time was left for it".to_owned())));
                continue;
            }
            let limit = collection.limit;
            match begin(number, collection, done.clone()) {
                Ok(()) => drop(running.insert(number, (Instant::now() + limit, limit))),
                Err(lack) => drop(came.insert(number, Err(lack))),
            }
        }
        let Some(soonest) = running.values().map(|(deadline, _)| *deadline).min() else { break };
        let patience = soonest.saturating_duration_since(Instant::now());
        if let Ok((number, result)) = results.recv_timeout(patience) {
            // One that comes after its time has been given up.
            if running.remove(&number).is_some() {
                came.insert(number, result);
            }
        } else {
            let late = running.extract_if(.., |_, (deadline, _)| *deadline <= Instant::now());
            came.extend(late.map(|(number, (_, limit))| (number, Err(timed_out(limit)))));
        }
    }
    in_order(names, came)
}

/// A thread that hangs is left behind, and ends with the process.
fn begin(
    number: usize,
    collection: Collection,
    done: Sender<(usize, Result<Vec<Part>, Lack>)>,
) -> Result<(), Lack> {
    let work = move || {
        // Nobody listens any more to one that was given up.
        let _ = done.send((number, (collection.get)()));
    };
    let thread = thread::Builder::new().name("collection".to_owned()).spawn(work);
    thread.map(drop).map_err(|error| Lack::Failed(format!("no thread for it: {error}")))
}

fn timed_out(limit: Duration) -> Lack {
    Lack::Failed(format!("did not end within {} s", limit.as_secs()))
}

fn in_order(names: Vec<&'static str>, came: BTreeMap<usize, Result<Vec<Part>, Lack>>) -> Gathered {
    let mut gathered = Gathered::default();
    for (name, result) in names.into_iter().zip(came.into_values()) {
        match result {
            Ok(parts) => gathered.parts.extend(parts),
            Err(lack) => gathered.missing.push((name.to_owned(), lack)),
        }
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection(
        name: &'static str,
        get: impl FnOnce() -> Result<Vec<Part>, Lack> + Send + 'static,
    ) -> Collection {
        Collection { name, limit: Duration::from_millis(50), get: Box::new(get) }
    }

    fn part(name: &str) -> Part {
        Part { name: name.to_owned(), content: Content::Text(String::new()) }
    }

    #[test]
    fn what_fails_or_hangs_keeps_nothing_else_from_being_collected() {
        let (end, until) = channel::<()>();
        let absent = Lack::Absent("none".to_owned());
        let other = absent.clone();
        let mut all = vec![
            collection("hangs", move || {
                let _ = until.recv();
                Ok(vec![part("late")])
            }),
            collection("absent", || Err(other)),
        ];
        all.extend((0..20).map(|_| collection("one", || Ok(vec![part("one")]))));
        let gathered = gather(all);
        drop(end);
        assert_eq!(gathered.parts, vec![part("one"); 20]);
        let late = Lack::Failed("did not end within 0 s".to_owned());
        assert_eq!(gathered.missing, [("hangs".to_owned(), late), ("absent".to_owned(), absent)]);
    }

    #[test]
    fn when_time_is_over_nothing_more_is_begun() {
        let all = (0..5).map(|_| collection("one", || Ok(vec![part("one")]))).collect();
        let gathered = gather_within(all, Duration::ZERO);
        assert_eq!((gathered.parts.len(), gathered.missing.len()), (0, 5));
    }
}
