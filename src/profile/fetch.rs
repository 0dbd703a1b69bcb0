use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use granit_parser::{Event, Parser};
use serde_json::{Map, Value};

use super::interpolate::Environment;
use super::set;
use super::values_file::Keys;
use super::values_from::{Origin, ValuesFrom};
use crate::files;
use crate::process::{self, Program};
use crate::wording;
use crate::yaml::lenient;

/// Values files are small; more than this is none.
const LARGEST: usize = 1024 * 1024;
/// Lines of what a program that failed said last: sops takes a dozen to tell which key it lacks.
const SAID: usize = 12;
/// What shorter words a message happens to hold says nothing of a secret.
const SHORTEST: usize = 4;

/// Values that were fetched for one layer.
#[derive(Clone, PartialEq)]
pub struct Fetched {
    pub secret: Secret,
    /// The scalars in it, to be kept out of messages.
    pub words: Vec<String>,
}

/// Not to be shown: it has no `Debug` of its own.
#[derive(Clone, PartialEq)]
pub enum Secret {
    /// A whole values file, which helm gets as it is.
    File(Vec<u8>),
    /// One text at its place.
    Map(Map<String, Value>),
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fetched(..)")
    }
}

/// Why values could not be fetched, without anything of what was fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FetchError {
    /// A lower-case fragment, one line.
    pub message: String,
    pub hints: Vec<String>,
}

impl FetchError {
    fn new(message: String) -> FetchError {
        FetchError {
            message,
            hints: Vec::new(),
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> FetchError {
        self.hints.push(hint.into());
        self
    }
}

/// Fetches one layer: reads the variable or the file, or runs the program, on a leash if there is one.
///
/// # Errors
/// What is not there, a program that fails or takes too long, and what is no values file.
pub async fn fetch(
    from: &ValuesFrom,
    environment: &Environment<'_>,
    leash: Option<&Path>,
) -> Result<Fetched, FetchError> {
    let what = from.origin.title();
    let bytes = match &from.origin {
        Origin::Env(name) => match environment(name).map(OsString::into_string) {
            Some(Ok(text)) => text.into_bytes(),
            Some(Err(_)) => return Err(FetchError::new(format!("{what} is not UTF-8"))),
            None => return Err(FetchError::new(format!("{what} is not set"))),
        },
        Origin::File(path) => files::read(path, LARGEST as u64)
            .map_err(|error| FetchError::new(format!("{what} can't be read: {error}")))?,
        Origin::Sops(path) => decrypted(path, &what, leash).await?,
        Origin::Command {
            words,
            folder,
            timeout,
        } => {
            let mut program = Program::new(Path::new(&words[0])).args(&words[1..]);
            program.directory = Some(folder.clone()).filter(|folder| folder.is_dir());
            printed(program, &what, *timeout, leash).await?
        }
    };
    if bytes.len() > LARGEST {
        return Err(FetchError::new(format!(
            "{what} gives more than 1 MiB, which no values are"
        )));
    }
    let text =
        String::from_utf8(bytes).map_err(|_| FetchError::new(format!("{what} gives no UTF-8")))?;
    layer(text, from.path.as_deref(), &what)
}

fn layer(text: String, path: Option<&[String]>, what: &str) -> Result<Fetched, FetchError> {
    let Some(path) = path else {
        let words = scalars(&text).ok_or_else(|| {
            FetchError::new(format!("{what} gives no YAML map"))
                .hint("for a single text say with `path` where it goes")
        })?;
        return Ok(Fetched {
            secret: Secret::File(text.into_bytes()),
            words,
        });
    };
    // Editors and programs end a line that nobody means.
    let text = text
        .strip_suffix('\n')
        .map_or(text.as_str(), |it| it.strip_suffix('\r').unwrap_or(it));
    let mut map = Map::new();
    set::insert(&mut map, path, Value::String(text.to_owned()));
    Ok(Fetched {
        secret: Secret::Map(map),
        words: telling(std::iter::once(text)),
    })
}

/// The scalars of a YAML map without its keys; `None` for anything else.
fn scalars(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    // For each collection around: of a map, whether the next node is a key.
    let mut around: Vec<Option<bool>> = Vec::new();
    let mut is_map = None;
    let mut keys = Keys::default();
    for event in Parser::new_from_str(&lenient(text)) {
        let event = event.ok()?.0;
        if keys.take(&event).is_some() {
            return None;
        }
        let begins = match &event {
            Event::MappingStart(..) => Some(Some(true)),
            Event::SequenceStart(..) => Some(None),
            _ => None,
        };
        match event {
            Event::MappingEnd | Event::SequenceEnd => {
                around.pop();
            }
            Event::MappingStart(..)
            | Event::SequenceStart(..)
            | Event::Scalar(..)
            | Event::Alias(..) => {
                is_map.get_or_insert(begins == Some(Some(true)));
                let is_key = match around.last_mut() {
                    Some(Some(key)) => std::mem::replace(key, !*key),
                    _ => false,
                };
                if let Event::Scalar(text, ..) = event
                    && !is_key
                {
                    found.push(text.into_owned());
                }
                around.extend(begins);
            }
            _ => {}
        }
    }
    (is_map == Some(true)).then(|| telling(found.iter().map(String::as_str)))
}

/// Each line that is long enough to give something away.
fn telling<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let lines = texts.flat_map(str::lines).map(str::trim);
    let tells = |line: &&str| line.len() >= SHORTEST && !matches!(*line, "true" | "false" | "null");
    let mut lines: Vec<String> = lines.filter(tells).map(str::to_owned).collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

async fn decrypted(path: &Path, what: &str, leash: Option<&Path>) -> Result<Vec<u8>, FetchError> {
    // sops would wait for the writer of a named pipe as well as we would.
    if let Err(error) = files::open(path) {
        let message = match error.kind() {
            io::ErrorKind::NotFound => format!("{what} is not there"),
            _ => format!("{what} can't be read: {error}"),
        };
        return Err(FetchError::new(message));
    }
    let sops = which::which("sops").map_err(|_| {
        FetchError::new("`sops` is not on the PATH".to_owned())
            .hint("it decrypts the files under `valuesFrom: [{sops: ...}]`: https://getsops.io")
    })?;
    let program = Program::new(&sops).args(["--decrypt", "--output-type", "yaml"]);
    printed(program.args([path]), what, Duration::from_secs(60), leash).await
}

/// Runs a program to its end and returns what it printed to stdout.
async fn printed(
    mut program: Program,
    what: &str,
    limit: Duration,
    leash: Option<&Path>,
) -> Result<Vec<u8>, FetchError> {
    program.keep = LARGEST as u64 + 1;
    // Not its whole tree: it changes nothing, and decrypters start agents that are to live on with what
    // they were told (`gpg-agent`, started by gpg whenever none is at work).
    program.leash = leash.map(Path::to_owned);
    let ended = program
        .run_within(limit)
        .await
        .map_err(|error| FetchError::new(format!("{what} can't be started: {error}")))?;
    let Some(ended) = ended else {
        let limit = wording::duration(limit);
        return Err(
            FetchError::new(format!("{what} was still at work after {limit}"))
                .hint("give it a longer `timeout`"),
        );
    };
    if ended.status.success() {
        return Ok(ended.stdout);
    }
    let said = process::lines(&ended.stderr);
    let first = said.len().saturating_sub(SAID);
    let words: Vec<&str> = said[first..]
        .iter()
        .flat_map(|it| it.split_whitespace())
        .collect();
    let error = FetchError::new(format!("{what} failed: {}", ended.status));
    Err(match words.is_empty() {
        true => error,
        false => error.hint(format!("it says: {}", words.join(" "))),
    })
}

impl Origin {
    /// What it is called in messages.
    fn title(&self) -> String {
        match self {
            Origin::Env(name) => format!("the environment variable `{name}`"),
            Origin::File(path) | Origin::Sops(path) => format!("`{}`", path.display()),
            // The words behind the first may be nobody's business.
            Origin::Command { words, .. } => format!("the command `{}`", words[0]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(script: &str, path: Option<&str>) -> ValuesFrom {
        ValuesFrom {
            origin: Origin::Command {
                words: ["sh", "-c", script].map(str::to_owned).to_vec(),
                folder: std::env::temp_dir(),
                timeout: Duration::from_secs(5),
            },
            path: path.map(|path| path.split('.').map(str::to_owned).collect()),
            place: super::super::Place::at(1, 1),
        }
    }

    async fn fetched(from: &ValuesFrom) -> Result<Fetched, String> {
        let environment = |name: &str| (name == "PASSWORD").then(|| "hunter2".into());
        let mut from = from.clone();
        if let Origin::Command { words, .. } = &mut from.origin {
            words[0] = "/bin/sh".into();
        }
        fetch(&from, &environment, None).await.map_err(|error| {
            let hints = error.hints.join("; ");
            format!("{error}; {hints}")
        })
    }

    fn map(text: &str) -> Secret {
        Secret::Map(serde_json::from_str(text).unwrap())
    }

    #[tokio::test]
    async fn a_text_goes_to_its_path_and_a_map_stays_whole() {
        let mut from = command("echo hunter2", Some("auth.password"));
        let got = fetched(&from).await.unwrap();
        assert!(got.secret == map(r#"{"auth": {"password": "hunter2"}}"#));
        assert_eq!(got.words, ["hunter2"]);

        from.origin = Origin::Env("PASSWORD".into());
        assert!(fetched(&from).await.unwrap() == got);

        let got = fetched(&command("echo 'auth: {password: hunter2, no: 1}'", None))
            .await
            .unwrap();
        assert!(got.secret == Secret::File(b"auth: {password: hunter2, no: 1}\n".into()));
        assert_eq!(got.words, ["hunter2"]);
        assert_eq!(format!("{got:?}"), "Fetched(..)");
    }

    #[test]
    fn what_helm_takes_is_a_map() {
        for text in [
            "auth:\thunter2\n",
            "auth: [\nhunter2\n]\n",
            "auth: {\nkey: hunter2\n}\n",
            "auth: \"hunter2\nx\"\n",
        ] {
            let words = scalars(text).unwrap_or_default();
            assert!(words.iter().any(|it| it.contains("hunter2")), "{text:?}");
        }
    }

    #[tokio::test]
    async fn what_fails_is_said_without_what_was_fetched() {
        let table = [
            ("echo hunter2; exit 3", "failed: exit status: 3; "),
            (
                "echo hunter2; echo vault is sealed >&2; exit 1",
                "failed: exit status: 1; it says: vault is sealed",
            ),
            (
                "echo hunter2",
                "gives no YAML map; for a single text say with `path` where it goes",
            ),
            (
                "echo '[hunter2]'",
                "gives no YAML map; for a single text say with `path` where it goes",
            ),
            ("printf '\\377'", "gives no UTF-8; "),
            (
                "head -c 2000000 /dev/zero",
                "gives more than 1 MiB, which no values are; ",
            ),
        ];
        for (script, expected) in table {
            let told = fetched(&command(script, None)).await.unwrap_err();
            assert_eq!(
                told,
                format!("the command `/bin/sh` {expected}"),
                "{script}"
            );
        }
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_ended() {
        let mut from = command("sleep 600", None);
        if let Origin::Command { timeout, .. } = &mut from.origin {
            *timeout = Duration::from_secs(1);
        }
        let told = fetched(&from).await.unwrap_err();
        assert_eq!(
            told,
            "the command `/bin/sh` was still at work after 1s; give it a longer `timeout`"
        );
    }
}
