//! Masks what must not be seen.
//!
//! daemon.json may hold a proxy's password or a log driver's token, an
//! archive's URL a signature. Whatever is shown to people or written to a
//! report goes through here; what is put on the node does not.

mod scrub;

use serde_json::Value;

pub use scrub::{Scrubbed, Secrets, scrub, scrub_value};

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// `value` as it may be shown, `name` being what it is the value of. Rather
/// masks too much than too little.
pub fn redact(name: &str, value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        _ if is_secret(name) => Value::from(MASK),
        Value::Number(_) => value.clone(),
        Value::String(text) => Value::from(redact_text(text)),
        Value::Array(values) => values.iter().map(|value| redact(name, value)).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(name, value)| (name.clone(), redact(name, value))).collect()
        }
    }
}

/// `text` without the user and password of a URL, its query, or the value of
/// a `NAME=value` whose name is a secret's.
pub fn redact_text(text: &str) -> String {
    if let Some((name, _)) = text.split_once('=')
        && !name.contains("://")
        && is_secret(name)
    {
        return format!("{name}={MASK}");
    }
    without_query(&without_user(text))
}

/// Text of any length, such as a diff, an error or a log, with each word in it
/// redacted, and the value of each JSON member whose name is a secret's.
pub fn redact_prose(text: &str) -> String {
    text.split_inclusive('\n').map(redact_line).collect()
}

fn redact_line(line: &str) -> String {
    if let Some(masked) = mask_member(line) {
        return masked;
    }
    let word = |piece: &str| {
        let body = piece.trim_end_matches(BETWEEN_WORDS);
        let end = piece.get(body.len()..).unwrap_or_default();
        format!("{}{end}", redact_text(body))
    };
    line.split_inclusive(BETWEEN_WORDS).map(word).collect()
}

const BETWEEN_WORDS: [char; 5] = [' ', '\t', '\n', '"', '\''];

/// `+  "splunk-token": "abc",` as `+  "splunk-token": "***",`.
fn mask_member(line: &str) -> Option<String> {
    let (head, rest) = line.split_once('"')?;
    let (name, value) = rest.split_once("\":")?;
    let is_value = !value.trim_start().starts_with(['{', '[']);
    let end = if value.trim_end().ends_with(',') { ",\n" } else { "\n" };
    (is_secret(name) && is_value).then(|| format!("{head}\"{name}\": \"{MASK}\"{end}"))
}

/// Whether a setting, a variable or a daemon.json key of this name holds a
/// secret, as far as its name says so.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let secret = ["password", "passwd", "passphrase", "secret", "token", "credential", "apikey"];
    secret.iter().any(|word| name.contains(word))
        || name == "auth"
        || ["-key", "_key", "-auth", "_auth"].iter().any(|end| name.ends_with(end))
}

/// A password may hold `/` and `@` unescaped: everything up to the last `@` goes.
fn without_user(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    match rest.rsplit_once('@') {
        Some((user, host)) if !scheme.is_empty() || user.contains(':') => format!("{scheme}{MASK}@{host}"),
        _ => text.to_owned(),
    }
}

fn without_query(text: &str) -> String {
    match text.split_once('?') {
        Some((address, _)) if address.contains("://") => format!("{address}?{MASK}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_diff_is_masked_word_by_word() {
        let diff = "@@ -1,2 +1,3 @@\n-Documentation=http://docs.docker.io\n+Documentation=https://docs.docker.com\n\
                    +  \"http-proxy\": \"http://u:p@proxy:3128\",\n+  \"splunk-token\": \"abc\",\n@@ -9 +9 @@\n";
        let masked = "@@ -1,2 +1,3 @@\n-Documentation=http://docs.docker.io\n+Documentation=https://docs.docker.com\n\
                      +  \"http-proxy\": \"http://***@proxy:3128\",\n+  \"splunk-token\": \"***\",\n@@ -9 +9 @@\n";
        assert_eq!(redact_prose(diff), masked);
    }

    #[test]
    fn secrets_are_masked_and_the_rest_is_left() {
        for (name, value, shown) in [
            ("http-proxy", json!("http://u:p@proxy:3128"), json!("http://***@proxy:3128")),
            ("http-proxy", json!("http://u:p/a@s@proxy:3128/"), json!("http://***@proxy:3128/")),
            ("http-proxy", json!("http://user@proxy"), json!("http://***@proxy")),
            ("http-proxy", json!("u:p@proxy:3128"), json!("***@proxy:3128")),
            ("http-proxy", json!("http://proxy:3128"), json!("http://proxy:3128")),
            ("no-proxy", json!("localhost,10.0.0.0/8"), json!("localhost,10.0.0.0/8")),
            ("docker.archive", json!("https://s3/d.tgz?X-Amz-Signature=ab"), json!("https://s3/d.tgz?***")),
            (
                "log-opts",
                json!({"splunk-token": "t", "tag": "x"}),
                json!({"splunk-token": "***", "tag": "x"}),
            ),
            (
                "registry",
                json!({"auths": {"hub": {"auth": "dTpw"}}}),
                json!({"auths": {"hub": {"auth": "***"}}}),
            ),
            ("labels", json!(["rack=7", "api-token=abc"]), json!(["rack=7", "api-token=***"])),
            ("access-key", json!(12345), json!("***")),
            ("registry-mirrors", json!(["https://u:p@m"]), json!(["https://***@m"])),
            ("tlskey", json!("/etc/docker/key.pem"), json!("/etc/docker/key.pem")),
            ("authorization-plugins", json!(["opa"]), json!(["opa"])),
            ("live-restore", json!(true), json!(true)),
        ] {
            assert_eq!(redact(name, &value), shown, "{name}: {value}");
        }
    }
}
