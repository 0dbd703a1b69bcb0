use std::path::PathBuf;
use std::time::Duration;

use super::duration::deadline;
use super::fields::Fields;
use super::place::Place;
use super::quote::quoted;
use super::read::text;
use super::report::Report;
use super::scalar::Typed;
use super::tree::{Content, Entry, Node};

/// How long a command may take that says nothing else.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// A program that runs before or after a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments; never empty.
    pub words: Vec<String>,
    /// The folder of the file that names it.
    pub folder: PathBuf,
    /// On top of our own environment, in the order of the file.
    pub env: Vec<(String, String)>,
    pub timeout: Duration,
    pub place: Place,
}

impl Command {
    /// What it is called in messages. The words behind the first may be nobody's business.
    pub fn title(&self) -> String {
        match self.words.as_slice() {
            [shell, flag, _] if shell == SHELL && flag == "-c" => "the shell script".to_owned(),
            words => format!("the command `{}`", words[0]),
        }
    }
}

/// POSIX has it everywhere.
const SHELL: &str = "/bin/sh";

/// Reads `before` or `after`, a list of maps.
pub(super) fn read(entry: &Entry, report: &mut Report) -> Vec<Command> {
    let key = &entry.key;
    let Content::List(items) = &entry.value.content else {
        let kind = entry.value.kind();
        let message = format!("`{key}` must be a list of commands, this is {kind}");
        let diagnostic = report.error(entry.value.place, message);
        diagnostic.hint(format!(
            "write for example `{key}: [{{command: [./backup.sh, database], timeout: 10m}}]`"
        ));
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| command(item, key, report))
        .collect()
}

fn command(item: &Node, key: &str, report: &mut Report) -> Option<Command> {
    let mut fields = Fields::of(item, format!("`{key}`"), item.place, report)?;
    let (words, shell) = (fields.take("command"), fields.take("shell"));
    let (timeout, env) = (fields.take("timeout"), fields.take("env"));
    fields.finish(report);
    let timeout = timeout.map_or(Some(PATIENCE), |it| deadline(it, report));
    let env = env.map_or_else(Vec::new, |it| environment(it, report));
    let words = match (words, shell) {
        (Some(_), Some(shell)) => {
            let diagnostic = report.error(
                shell.key_place,
                "`command` and `shell` are two ways to name one program",
            );
            diagnostic.hint("give each an item of its own");
            return None;
        }
        (Some(entry), None) => self::words(&entry.value, report)?,
        (None, Some(entry)) => {
            let script = text(&entry.value, "`shell`", report)?;
            vec![SHELL.to_owned(), "-c".to_owned(), script.to_owned()]
        }
        (None, None) => {
            let diagnostic = report.error(item.place, "this names no program");
            diagnostic.hint(
                "write `command: [PROGRAM, ARGUMENT, ...]`, or `shell: SCRIPT` where a shell is wanted",
            );
            return None;
        }
    };
    Some(Command {
        words,
        folder: report.sources.folder(item.place.source).to_owned(),
        env,
        timeout: timeout?,
        place: item.place,
    })
}

/// A program and its arguments, for it is started without a shell.
pub(super) fn words(node: &Node, report: &mut Report) -> Option<Vec<String>> {
    let Content::List(items) = &node.content else {
        let message = format!("`command` must be a list of words, this is {}", node.kind());
        let diagnostic = report.error(node.place, message);
        if let Content::Scalar(scalar) = &node.content {
            let words: Vec<&str> = scalar.text.split_whitespace().collect();
            diagnostic.hint(format!(
                "no shell is asked; write {}",
                quoted(&format!("[{}]", words.join(", ")))
            ));
        }
        return None;
    };
    if items.is_empty() {
        report.error(node.place, "`command` names no program");
        return None;
    }
    let words = items
        .iter()
        .map(|item| text(item, "a word of `command`", report).map(str::to_owned));
    words.collect()
}

/// Variables are text, and so are the numbers and booleans that somebody writes there.
fn environment(entry: &Entry, report: &mut Report) -> Vec<(String, String)> {
    let Content::Map(entries) = &entry.value.content else {
        let kind = entry.value.kind();
        let message = format!("`env` must be a map from variable to text, this is {kind}");
        report.error(entry.value.place, message);
        return Vec::new();
    };
    let mut variables = Vec::new();
    for entry in entries {
        if entry.key.is_empty() || entry.key.contains(['=', '\0']) {
            let message = format!("{} is no name of a variable", quoted(&entry.key));
            report.error(entry.key_place, message);
            continue;
        }
        match &entry.value.content {
            Content::Scalar(scalar) if scalar.typed() != Typed::Null => {
                variables.push((entry.key.clone(), scalar.text.clone()));
            }
            _ => {
                let kind = entry.value.kind();
                let message = format!(
                    "variable {} must be text, this is {kind}",
                    quoted(&entry.key)
                );
                report.error(entry.value.place, message);
            }
        }
    }
    variables
}
