//! Masks secrets in text that others wrote: logs, units, configuration that may be broken.
//!
//! Nothing is known of the form of such a text. So every name that sounds like a secret's is taken
//! for one, whatever stands around it, and what follows it is masked up to where it must have ended.
//! Besides, what is a secret by its own form: who is who in a URL, a private key, a token.
//!
//! A secret may also stand where nothing says so. What was learnt where something did, in a file of
//! settings, is masked wherever it comes up: [`Secrets`].

use std::collections::BTreeSet;

use serde_json::Value;

use super::{MASK, is_secret, redact_text};

/// A shorter value is not masked elsewhere: `admin` and `changeme` are words, too.
const SHORTEST: usize = 8;

/// Text without secrets, and what was masked in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// The text.
    pub text: String,
    /// The secrets.
    pub secrets: Vec<String>,
}

/// Values that are secrets, wherever they stand.
#[derive(Debug, Default)]
pub struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Learns what is secret in `text`, in which names mean what they say.
    pub fn learn(&mut self, text: &str) {
        let found = scrub(text).secrets.into_iter().filter(|secret| secret.len() >= SHORTEST);
        self.0.extend(found);
    }

    /// `text` without them. The longest go first: one may be part of another.
    pub fn mask(&self, text: String) -> String {
        let mut secrets: Vec<&String> = self.0.iter().filter(|secret| text.contains(*secret)).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.iter().fold(text, |text, secret| text.replace(*secret, MASK))
    }
}

/// `value` without secrets, those in the text of its strings too; `name` is what it is the value of.
pub fn scrub_value(name: &str, value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        _ if is_secret(name) => Value::from(MASK),
        Value::Number(_) => value.clone(),
        Value::String(text) => Value::from(scrub(text).text),
        Value::Array(values) => values.iter().map(|value| scrub_value(name, value)).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(name, value)| (name.clone(), scrub_value(name, value))).collect()
        }
    }
}

/// `text` without secrets.
pub fn scrub(text: &str) -> Scrubbed {
    let mut scrubber = Scrubber { rest: text, before: "", done: Scrubbed::default() };
    scrubber.run();
    scrubber.done
}

/// What docker logs of a request to make a container: its environment is in it.
const REQUEST: &str = "form data: ";
const REQUEST_FIELD: &str = "form-data";

/// A key, as PEM frames it.
const KEY_BEGINS: &str = "-----BEGIN ";
const KEY_ENDS: &str = "-----END ";

struct Scrubber<'t> {
    rest: &'t str,
    /// The character before, if it is not of a name.
    before: &'t str,
    done: Scrubbed,
}

impl<'t> Scrubber<'t> {
    fn run(&mut self) {
        while let Some(next) = self.rest.chars().next() {
            if self.request() || self.private_key() || self.user() {
                continue;
            }
            let name = leading(self.rest, is_of_name);
            if name.is_empty() {
                self.before = self.pass(next.len_utf8());
            } else {
                self.name(name);
            }
        }
    }

    /// Copies so many bytes.
    fn pass(&mut self, bytes: usize) -> &'t str {
        let (passed, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.done.text.push_str(passed);
        self.rest = rest;
        passed
    }

    /// Masks so many bytes.
    fn mask(&mut self, bytes: usize) {
        let (masked, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        if !masked.is_empty() {
            self.done.text.push_str(MASK);
            self.done.secrets.push(masked.to_owned());
            self.before = "";
        }
        self.rest = rest;
    }

    fn request(&mut self) -> bool {
        let is_one = self.rest.starts_with(REQUEST);
        if is_one {
            self.pass(REQUEST.len());
            self.mask(line(self.rest).len());
        }
        is_one
    }

    fn private_key(&mut self) -> bool {
        let head = line(within(self.rest, REACH));
        if !head.starts_with(KEY_BEGINS) || !head.contains("PRIVATE KEY") {
            return false;
        }
        self.pass(head.find("KEY-----").map_or(0, |at| at + "KEY-----".len()));
        self.mask(self.rest.find(KEY_ENDS).unwrap_or(self.rest.len()));
        true
    }

    /// `user:password@host` without a scheme, at the beginning of a word. Images have digests in
    /// the place of the host.
    fn user(&mut self) -> bool {
        if self.before.is_empty() && !self.done.text.is_empty() {
            return false;
        }
        let near = within(self.rest, LONGEST_USER);
        if !near.contains('@') {
            return false;
        }
        let word = leading(near, is_of_word);
        let Some((user, host)) = word.rsplit_once('@') else { return false };
        let is_user = user.split_once(':').is_some_and(|(name, password)| {
            !name.is_empty()
                && name.chars().all(is_of_name)
                && !password.is_empty()
                && !password.starts_with("//")
        });
        let is_host =
            host.starts_with(|next: char| next.is_ascii_alphanumeric()) && !host.starts_with("sha256:");
        if is_user && is_host {
            self.mask(user.len());
        }
        is_user && is_host
    }

    /// What a name says of what comes after it.
    fn name(&mut self, name: &'t str) {
        let quote = std::mem::take(&mut self.before);
        let after = self.rest.get(name.len()..).unwrap_or_default();
        if after.starts_with("://") {
            return self.url();
        }
        if is_token(name) {
            return self.mask(name.len());
        }
        self.pass(name.len());
        let (gap, is_header) = gap(after, name);
        let value = after.get(gap..).unwrap_or_default();
        if ["bearer", "basic"].contains(&name.to_ascii_lowercase().as_str()) {
            self.scheme();
        } else if gap > 0 && (is_hidden(name) || is_environment(name, value)) {
            self.pass(gap);
            let is_open = quote.ends_with(QUOTES) && !after.starts_with(QUOTES) && !after.starts_with('\\');
            self.mask_value(if is_open { quote } else { "" }, is_header);
        }
    }

    /// The word after the name of a scheme of authorization.
    fn scheme(&mut self) {
        let word = leading(self.rest.trim_start_matches(' '), is_of_word);
        let gap = self.rest.len() - self.rest.trim_start_matches(' ').len();
        let is_coded = word.len() >= SHORTEST && word.contains(|next: char| !next.is_ascii_lowercase());
        if gap > 0 && is_coded {
            self.pass(gap);
            self.mask(word.len());
        }
    }

    fn url(&mut self) {
        let ends = |next: char| !next.is_whitespace() && !QUOTES.contains(&next) && !"<>\\".contains(next);
        let url = leading(self.rest, ends);
        let shown = redact_text(url);
        if shown != url {
            let user = url.split_once("://").and_then(|(_, rest)| Some(rest.rsplit_once('@')?.0));
            let password = user.and_then(|user| Some(user.split_once(':')?.1));
            self.done.secrets.extend(password.map(str::to_owned));
        }
        self.done.text.push_str(&shown);
        self.rest = self.rest.get(url.len()..).unwrap_or_default();
    }

    /// A value whose name is a secret's. `open` is the quote that stands before the name and that the
    /// value ends with.
    fn mask_value(&mut self, open: &str, is_header: bool) {
        let slashes = leading(self.rest, |next| next == '\\');
        let quoted = self.rest.get(slashes.len()..).unwrap_or_default();
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| quoted.starts_with(quote));
        if let Some(quote) = quote {
            let slashes = slashes.len();
            self.pass(slashes + quote.len());
            // One that never ends is masked up to the end of its line.
            let closing = closing(within(self.rest, REACH), slashes, quote);
            return self.mask(closing.unwrap_or_else(|| line(self.rest).len()));
        }
        let masked = if !open.is_empty() {
            let closing = closing(line(within(self.rest, REACH)), 0, open);
            closing.and_then(|at| self.rest.get(..at)).unwrap_or_else(|| line(self.rest))
        } else if self.rest.starts_with(['[', '{', '(']) {
            line(self.rest)
        } else if is_header {
            leading(self.rest, |next| next != '\n' && !QUOTES.contains(&next))
        } else {
            leading(self.rest, is_of_word)
        };
        self.mask(masked.trim_end_matches('\\').len());
    }
}

const QUOTES: [char; 3] = ['"', '\'', '`'];

/// How far it is looked ahead for what may not come, in bytes: else a line of a megabyte would be
/// gone through once for each of its words.
const REACH: usize = 4096;

/// The same for a user with password and host.
const LONGEST_USER: usize = 256;

fn within(text: &str, reach: usize) -> &str {
    let end = (0..=reach.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

fn is_of_word(next: char) -> bool {
    !next.is_whitespace() && !QUOTES.contains(&next)
}

fn is_of_name(next: char) -> bool {
    next.is_ascii_alphanumeric() || "_.-".contains(next)
}

/// Names of secrets, as far as text that others wrote has more of them than settings do.
fn is_hidden(name: &str) -> bool {
    let name = name.trim_start_matches('-');
    let last = name.rsplit('.').next().unwrap_or(name);
    let lower = last.to_ascii_lowercase();
    is_secret(last)
        || ["pass", "authorization", "cookie", REQUEST_FIELD].contains(&lower.as_str())
        || ["_pass", "-pass", "_pwd", "-pwd", "-authorization", "-cookie", "key-data"]
            .iter()
            .any(|end| lower.ends_with(end))
}

/// The environment of a container in what a daemon logs.
fn is_environment(name: &str, value: &str) -> bool {
    name.eq_ignore_ascii_case("env") && value.starts_with('[')
}

/// How many bytes are between a name and its value, and whether the value goes on to the end of the
/// line. None, if what follows the name is no value.
fn gap(after: &str, name: &str) -> (usize, bool) {
    const NOTHING: (usize, bool) = (0, false);
    let blank = |next| next == ' ' || next == '\t';
    let unquoted = after.trim_start_matches('\\');
    let unquoted = unquoted.strip_prefix(QUOTES).unwrap_or(after);
    let at_sign = unquoted.trim_start_matches(blank);
    let is_flag = name.starts_with("--") && after.starts_with(blank);
    match at_sign.chars().next() {
        Some(sign @ ('=' | ':')) => {
            let value =
                at_sign.get(1..).unwrap_or_default().trim_start_matches(['>', '=']).trim_start_matches(blank);
            let lower = name.to_ascii_lowercase();
            let is_header = sign == ':' && (lower.contains("auth") || lower.ends_with("cookie"));
            if value.is_empty() || value.starts_with('\n') {
                NOTHING
            } else {
                (after.len() - value.len(), is_header)
            }
        }
        Some(next) if is_flag && next != '-' => (after.len() - at_sign.len(), false),
        _ => NOTHING,
    }
}

/// What can only be a token: of Kubernetes' bootstrap, of swarm, or a JSON Web Token.
fn is_token(word: &str) -> bool {
    let is_bootstrap = word.split_once('.').is_some_and(|(id, secret)| {
        let coded = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        id.len() == 6 && secret.len() == 16 && coded(id) && coded(secret)
    });
    let is_web = word.starts_with("eyJ") && word.split('.').count() == 3;
    is_bootstrap || is_web || word.starts_with("SWMTKN-") || word.starts_with("SWMKEY-")
}

fn leading(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    text.split_once(|next| !belongs(next)).map_or(text, |(head, _)| head)
}

/// Where a value ends that such a quote began, with so many backslashes before it: in text within
/// text, one with more of them is part of the value.
fn closing(text: &str, slashes: usize, quote: &str) -> Option<usize> {
    text.match_indices(quote).find_map(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let found = before.len() - before.trim_end_matches('\\').len();
        let ends = if slashes == 0 { found % 2 == 0 } else { found == slashes };
        ends.then(|| at - slashes)
    })
}

/// The rest of the line.
fn line(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_follows_the_name_of_a_secret_is_masked() {
        for (text, shown) in [
            ("export BOOTSTRAP_TOKEN=\"41f7 e4ba\" # once", "export BOOTSTRAP_TOKEN=\"***\" # once"),
            ("ENCRYPTION_KEY='a\"b'\nIFACE=eth0", "ENCRYPTION_KEY='***'\nIFACE=eth0"),
            ("Environment=\"DB_PASSWORD=two words\" A=b", "Environment=\"DB_PASSWORD=***\" A=b"),
            ("ExecStart=/x --token=ab --token cd -v", "ExecStart=/x --token=*** --token *** -v"),
            ("--password --verbose", "--password --verbose"),
            ("{\"a\":1,\"auth\":\"dTpw\",\"b\":2}", "{\"a\":1,\"auth\":\"***\",\"b\":2}"),
            (
                r#"msg="got {\"identitytoken\":\"ab\\\"c\",\"x\":1}""#,
                r#"msg="got {\"identitytoken\":\"***\",\"x\":1}""#,
            ),
            ("\"tokens\": [\"a\", \"b\"]\nx", "\"tokens\": ***\nx"),
            ("Authorization: Bearer abc.def ghi\nx", "Authorization: ***\nx"),
            ("curl -H 'X-Registry-Auth: eyJhIjoi' url", "curl -H 'X-Registry-Auth: ***' url"),
            ("with Bearer abc123xyz, and basic settings", "with Bearer *** and basic settings"),
            ("token = \"\"\"\nsecret\n\"\"\"\nx = 1", "token = \"\"\"***\"\"\"\nx = 1"),
            ("password: p4ss\nuser: me", "password: ***\nuser: me"),
            ("password =\nuser: me", "password =\nuser: me"),
            ("password = \"never closed\nx = 1", "password = \"***\nx = 1"),
            ("net.ipv4.tcp_fastopen_key = 12-34", "net.ipv4.tcp_fastopen_key = ***"),
            ("MYSQL_PASS=x OTHER=y", "MYSQL_PASS=*** OTHER=y"),
            ("client-key-data: LS0t\n", "client-key-data: ***\n"),
            ("token=\\\"abc\\\" x", "token=\\\"***\\\" x"),
        ] {
            assert_eq!(scrub(text).text, shown, "{text}");
        }
    }

    #[test]
    fn what_is_a_secret_by_its_form_is_masked() {
        for (text, shown) in [
            ("GET https://u:p@h:1/a?sig=x failed", "GET https://***@h:1/a?*** failed"),
            ("http_proxy=http://me:p4ss@proxy:3128", "http_proxy=http://***@proxy:3128"),
            ("HTTP_PROXY=me:p4ss@proxy:3128 x", "HTTP_PROXY=***@proxy:3128 x"),
            (
                "pulled busybox:1.36@sha256:0011 by systemd[1]: getty@tty1",
                "pulled busybox:1.36@sha256:0011 by systemd[1]: getty@tty1",
            ),
            ("join 07401b.f395accd246ae52d now", "join *** now"),
            ("SWMTKN-1-abc and eyJh.eyJi.c", "*** and ***"),
            (
                "a\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nb",
                "a\n-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----\nb",
            ),
            ("-----BEGIN CERTIFICATE-----\nMII\n", "-----BEGIN CERTIFICATE-----\nMII\n"),
            ("msg=\"form data: {\\\"Env\\\":[\\\"A=b\\\"]}\"\nx", "msg=\"form data: ***\nx"),
            ("form-data=\"{\\\"Env\\\":[\\\"A=b\\\"]}\" vars=x", "form-data=\"***\" vars=x"),
            ("spec {\"Env\":[\"A=b\"]}\nx", "spec {\"Env\":***\nx"),
        ] {
            assert_eq!(scrub(text).text, shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "time=\"2024-01-02T03:04:05Z\" level=info msg=\"API listen on /run/docker.sock\"",
            "-A DOCKER -d 172.17.0.2/32 ! -i docker0 -p tcp --dport 80 -j ACCEPT",
            "token",
            "the secret is out",
            "2: eth0@if3: <BROADCAST,UP> mtu 1500",
            "Documentation=https://docs.docker.com",
            "ExecStart=/opt/k8s/bin/dockerd $DOCKER_NETWORK_OPTIONS\nEnvironmentFile=-/run/flannel/docker",
            "tlskey=/etc/docker/key.pem 漢字 ✓",
        ] {
            assert_eq!(scrub(text), Scrubbed { text: text.to_owned(), secrets: vec![] });
        }
    }

    #[test]
    fn a_hostile_line_costs_little() {
        let began = std::time::Instant::now();
        for piece in [
            "=",
            "a=",
            "a:",
            "\"",
            "token=a ",
            "\"token=a\" ",
            "-----BEGIN ",
            "bearer ",
            "token=\\",
            "http://",
        ] {
            scrub(&piece.repeat(20_000));
        }
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }

    #[test]
    fn a_value_of_json_is_masked_by_its_name_and_within() {
        let value = json!({"Labels": ["api-token=abc"], "auth": {"x": 1}, "log": "token: x", "n": 3, "secrets": true});
        let shown =
            json!({"Labels": ["api-token=***"], "auth": "***", "log": "token: ***", "n": 3, "secrets": true});
        assert_eq!(scrub_value("", &value), shown);
    }

    #[test]
    fn a_secret_that_was_learnt_is_masked_where_nothing_says_so() {
        let mut secrets = Secrets::default();
        secrets.learn(
            "TOKEN=0123456789\nPASSWORD=short\nproxy=http://me:longenough@proxy\nIFACE=eth0-long-name",
        );
        let text = "kubelet 0123456789 short longenough eth0-long-name".to_owned();
        assert_eq!(secrets.mask(text), "kubelet *** short *** eth0-long-name");
    }
}
