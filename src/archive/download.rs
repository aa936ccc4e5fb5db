//! An archive on its way over the network, as one stream of bytes.
//!
//! When the connection breaks, the rest is asked for (`Range`), if it still is the rest
//! of the same (`If-Range`; RFC 9110, 13.1.5 and 14.2). Where a server cannot do that,
//! what is known already is read past. Whoever reads sees one stream, or one failure;
//! the archive's digest has the last word on whether the pieces fit.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, Response, StatusCode, Uri, header};
use ureq::{Agent, Body, BodyReader};

use super::http::{Failure, Network, by_status};
use super::retry::{Again, Meter, dice};
use super::unpack::MAX_ARCHIVE;
use crate::error::Result;

/// How often a connection may break although bytes keep coming.
const MOST_BREAKS: u32 = 40;

/// An archive on its way. Nothing is asked for before it is read.
pub(super) struct Download {
    url: String,
    origin: String,
    network: Network,
    line: Arc<Line>,
    agent: Agent,
    body: Option<BodyReader<'static>>,
    entity: Option<Entity>,
    position: u64,
    /// How much of what is known already the body begins with.
    to_skip: u64,
    /// When all of it must be here.
    deadline: Instant,
    meter: Meter,
    /// In a row, without a byte between them.
    failures: u32,
    breaks: u32,
}

/// What tells whether two answers are about the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entity {
    etag: Option<String>,
    modified: Option<String>,
    /// When it was said.
    date: Option<String>,
    length: Option<u64>,
}

/// What the one who reads and the one who waits for it have in common.
#[derive(Debug)]
pub(super) struct Line {
    total: AtomicU64,
    state: Mutex<State>,
    stopped: Condvar,
    agent: Agent,
}

#[derive(Debug, Default)]
struct State {
    is_stopped: bool,
    notes: Vec<String>,
    failure: Option<Failure>,
}

/// There is no length that great.
const UNKNOWN: u64 = u64::MAX;

impl Line {
    /// The announced length, once there is one.
    pub(super) fn total(&self) -> Option<u64> {
        Some(self.total.load(Ordering::Relaxed)).filter(|total| *total != UNKNOWN)
    }

    /// What happened since this was last asked.
    pub(super) fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().notes)
    }

    /// Why reading failed, if it was the network's fault.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.state().failure.take()
    }

    /// Ends a read that waits, for the server or for its own next attempt.
    pub(super) fn stop(&self) {
        self.state().is_stopped = true;
        self.stopped.notify_all();
        self.agent.clone().shutdown();
    }

    /// Waits; says whether that was to the end.
    fn wait(&self, pause: Duration) -> bool {
        let stopped = self.stopped.wait_timeout_while(self.state(), pause, |state| !state.is_stopped);
        let (state, _) = stopped.unwrap_or_else(PoisonError::into_inner);
        !state.is_stopped
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Download {
    /// Prepares to ask for `url`, which must be here at `deadline`.
    pub(super) fn new(url: &str, origin: &str, network: &Network, deadline: Instant) -> Result<Self> {
        let invalid = |_| Failure::never("it is not a valid URL", "check the URL").error(origin);
        let uri: Uri = url.parse().map_err(invalid)?;
        let agent = network.agent(&uri)?;
        let line = Line {
            total: AtomicU64::new(UNKNOWN),
            state: Mutex::default(),
            stopped: Condvar::new(),
            agent: agent.clone(),
        };
        Ok(Self {
            url: url.to_owned(),
            origin: origin.to_owned(),
            network: network.clone(),
            line: Arc::new(line),
            agent,
            body: None,
            entity: None,
            position: 0,
            to_skip: 0,
            deadline,
            meter: Meter::default(),
            failures: 0,
            breaks: 0,
        })
    }

    /// What is to be known of it while it is read.
    pub(super) fn line(&self) -> Arc<Line> {
        Arc::clone(&self.line)
    }

    fn next(&mut self, bytes: &mut [u8]) -> Result<usize, Failure> {
        self.in_time()?;
        if self.body.is_none() {
            self.body = Some(self.ask()?);
        }
        while self.to_skip > 0 {
            let known = usize::try_from(self.to_skip).unwrap_or(usize::MAX).min(bytes.len());
            let (known, _) = bytes.split_at_mut(known);
            match self.receive(known)? {
                0 => return Err(Failure::later("the connection broke")),
                count => self.to_skip -= count as u64,
            }
        }
        let count = self.receive(bytes)?;
        if count == 0 && self.line.total().is_some_and(|total| self.position < total) {
            return Err(Failure::later("the connection broke"));
        }
        self.position += count as u64;
        Ok(count)
    }

    /// The next bytes of the body, new or not, if they come in time and fast enough.
    fn receive(&mut self, bytes: &mut [u8]) -> Result<usize, Failure> {
        self.in_time()?;
        let Some(body) = &mut self.body else { return Ok(0) };
        let waiting = Instant::now();
        let read = body.read(bytes);
        let count = read.map_err(|error| self.network.broken(error))?;
        if self.meter.add(count, waiting.elapsed(), &self.network.patience) {
            let floor = self.network.patience.floor;
            let problem = format!("it is slower than {} KiB a second", floor.div_ceil(1 << 10));
            return Err(Failure::never(problem, "try another mirror"));
        }
        Ok(count)
    }

    fn in_time(&self) -> Result<(), Failure> {
        if self.left().is_zero() { Err(Failure::too_late(&self.network.patience)) } else { Ok(()) }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Asks for what is still to come.
    fn ask(&mut self) -> Result<BodyReader<'static>, Failure> {
        let within = self.agent.get(&self.url).config().timeout_global(Some(self.left()));
        let mut request = within.build();
        if self.position > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", self.position));
            if let Some(mark) = self.entity.as_ref().and_then(Entity::mark) {
                request = request.header(header::IF_RANGE, mark);
            }
        }
        let response = request.call().map_err(|error| self.on_the_way(&error))?;
        let offset = self.offset(&response)?;
        self.to_skip = self.position - offset;
        Ok(response.into_body().into_with_config().limit(u64::MAX).reader())
    }

    /// Why there is no answer; with the proxy that was to bring it, if it does not say so.
    fn on_the_way(&self, error: &ureq::Error) -> Failure {
        let mut failure = self.network.failure(error);
        let uri: Option<Uri> = self.url.parse().ok();
        let proxy =
            self.agent.config().proxy().filter(|proxy| uri.is_some_and(|uri| !proxy.is_no_proxy(&uri)));
        if let (Some(proxy), false) = (proxy, matches!(error, ureq::Error::ConnectProxyFailed(_))) {
            let at = format!("{}:{}", proxy.host(), proxy.port());
            failure.problem = format!("{} (through the proxy {at})", failure.problem);
        }
        failure
    }

    /// Where in the archive the answer begins; at the position, or before it.
    fn offset(&mut self, response: &Response<Body>) -> Result<u64, Failure> {
        let headers = response.headers();
        let (offset, length) = match response.status() {
            StatusCode::OK => (0, response.body().content_length()),
            StatusCode::PARTIAL_CONTENT if self.position > 0 => {
                let range = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
                range.and_then(content_range).ok_or_else(Failure::changed)?
            }
            StatusCode::RANGE_NOT_SATISFIABLE => return Err(Failure::changed()),
            other => return Err(by_status(other.as_u16(), headers)),
        };
        let entity = Entity::of(headers, length);
        let is_same = self.entity.as_ref().is_none_or(|known| known.may_be(&entity));
        if !is_same || offset > self.position {
            return Err(Failure::changed());
        }
        if length.is_some_and(|length| length > MAX_ARCHIVE) {
            let problem = format!("is larger than {} MiB", MAX_ARCHIVE >> 20);
            return Err(Failure::never(problem, "this is not docker's static archive: check the URL"));
        }
        if self.entity.is_none() {
            self.line.total.store(length.unwrap_or(UNKNOWN), Ordering::Relaxed);
            self.entity = Some(entity);
        }
        Ok(offset)
    }

    /// Waits for a better moment, or ends with the failure.
    fn recover(&mut self, mut failure: Failure) -> io::Result<()> {
        self.body = None;
        self.failures += 1;
        self.breaks += 1;
        let pause = match failure.again {
            Again::Later(asked) if self.breaks < MOST_BREAKS => {
                self.network.patience.pause(self.failures, asked, dice())
            }
            _ => None,
        };
        if let Some(pause) = pause {
            if self.failures == 1 {
                let note = format!("{}: {}; trying again", self.origin, failure.problem);
                self.line.state().notes.push(note);
            }
            if self.line.wait(pause.min(self.left())) {
                return Ok(());
            }
        }
        let mut state = self.line.state();
        if state.is_stopped {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if self.position > 0 && failure.again != Again::FromStart {
            failure.problem = format!("{}, after {} bytes", failure.problem, self.position);
        }
        let error = io::Error::other(failure.problem.clone());
        state.failure = Some(failure);
        Err(error)
    }
}

impl Read for Download {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.next(bytes) {
                Ok(count) => {
                    self.failures = if count > 0 { 0 } else { self.failures };
                    return Ok(count);
                }
                Err(failure) => self.recover(failure)?,
            }
        }
    }
}

impl Entity {
    fn of(headers: &HeaderMap, length: Option<u64>) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (etag, modified) = (text(header::ETAG), text(header::LAST_MODIFIED));
        Self { etag, modified, date: text(header::DATE), length }
    }

    /// What `If-Range` may hold: only what stands for the very bytes (RFC 9110, 13.1.5). A
    /// date does if the second that it names was over when the server said so (8.8.2.2).
    fn mark(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|etag| !etag.starts_with("W/"));
        let was_over = |modified: &&str| {
            let date = self.date.as_deref().and_then(moment);
            self.etag.is_none() && moment(modified).zip(date).is_some_and(|(modified, date)| modified < date)
        };
        strong.or_else(|| self.modified.as_deref().filter(was_over))
    }

    /// Whether nothing says that the other is about something else.
    fn may_be(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_none_or(|(one, other)| one == other)
        }
        agree(self.etag.as_ref(), other.etag.as_ref())
            && agree(self.length.as_ref(), other.length.as_ref())
            && (self.etag.as_ref().and(other.etag.as_ref()).is_some()
                || agree(self.modified.as_ref(), other.modified.as_ref()))
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` as numbers that compare as the moments do. The older
/// forms of a date are not read: no server that is in use writes them.
pub(super) fn moment(text: &str) -> Option<[u32; 4]> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let (_, date) = text.trim().strip_suffix(" GMT")?.split_once(", ")?;
    let mut words = date.split(' ');
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let mut clock = words.next()?.splitn(3, ':').map(|digits| digits.parse::<u32>().ok());
    let mut next = |most: u32| clock.next()?.filter(|number| *number <= most);
    let second = next(23)? * 3600 + next(59)? * 60 + next(60)?;
    let month = u32::try_from(MONTHS.find(month)?).ok()?;
    Some([year.parse().ok()?, month, day.parse().ok()?, second])
}

/// `bytes 100-199/200` as (100, 200); the whole may be unknown (`*`).
pub(super) fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, whole) = value.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, _) = range.split_once('-')?;
    let whole = if whole == "*" { None } else { Some(whole.parse().ok()?) };
    Some((first.parse().ok()?, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_where_the_server_says() {
        for (value, expected) in [
            ("bytes 100-199/200", Some((100, Some(200)))),
            ("bytes 0-0/*", Some((0, None))),
            ("bytes */200", None),
            ("items 1-2/3", None),
            ("bytes 1-2", None),
            ("", None),
        ] {
            assert_eq!(content_range(value), expected, "{value}");
        }
    }

    #[test]
    fn moments_compare() {
        let all = [
            "Fri, 31 Dec 1993 23:59:59 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:50:00 GMT",
            "Mon, 07 Nov 1994 00:00:00 GMT",
            "Thu, 01 Dec 1994 00:00:00 GMT",
        ];
        assert!(all.iter().is_sorted_by(|one, other| moment(one).unwrap() < moment(other).unwrap()));
        for text in ["Sun, 06 Nov 1994 2147483648:00:00 GMT", "Sun, 06 Nov 1994 24:00:00 GMT"] {
            assert_eq!(moment(text), None, "{text}");
        }
        for text in ["", "yesterday", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 8 GMT", "Sun, GMT"]
        {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn only_what_stands_for_the_bytes_is_a_mark() {
        let (past, now) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Thu, 01 Dec 1994 08:49:36 GMT");
        let said = |etag: Option<&str>, modified: Option<&str>, date: Option<&str>| Entity {
            etag: etag.map(str::to_owned),
            modified: modified.map(str::to_owned),
            date: date.map(str::to_owned),
            length: None,
        };
        let entity = |etag, modified| said(etag, modified, Some(now));
        assert_eq!(entity(Some("\"a\""), Some(past)).mark(), Some("\"a\""));
        assert_eq!(entity(Some("W/\"a\""), Some(past)).mark(), None);
        assert_eq!(entity(None, Some(past)).mark(), Some(past));
        assert_eq!(entity(None, Some(now)).mark(), None, "it may change again in this second");
        assert_eq!(said(None, Some(past), None).mark(), None);
        assert_eq!(entity(None, Some("yesterday")).mark(), None);
        assert!(entity(Some("a"), None).may_be(&entity(None, None)));
        assert!(!entity(Some("a"), None).may_be(&entity(Some("b"), None)));
        assert!(!entity(None, Some("a")).may_be(&entity(None, Some("b"))));
        assert!(!entity(Some("a"), Some("a")).may_be(&entity(None, Some("b"))));
        assert!(entity(Some("a"), Some("a")).may_be(&entity(Some("a"), Some("b"))));
    }
}
