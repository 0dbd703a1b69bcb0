use std::path::PathBuf;
use std::time::Duration;

use super::command::words;
use super::duration::deadline;
use super::fields::Fields;
use super::links;
use super::place::Place;
use super::read::text;
use super::report::Report;
use super::set;
use super::tree::{Content, Entry, Node};

/// How long a command may take that says nothing else.
const PATIENCE: Duration = Duration::from_secs(30);

/// A layer of values that is fetched when a run begins, and that nobody is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuesFrom {
    pub origin: Origin,
    /// Where the text goes that was fetched; without it that text is a whole values file.
    pub path: Option<Vec<String>>,
    pub place: Place,
}

/// Where such values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An environment variable.
    Env(String),
    File(PathBuf),
    /// A file that `sops` decrypts.
    Sops(PathBuf),
    /// What a program prints. It is started as it stands, without a shell.
    Command {
        words: Vec<String>,
        /// The folder of the file that names it.
        folder: PathBuf,
        timeout: Duration,
    },
}

/// Reads `valuesFrom`, a list of one-source maps.
pub(super) fn read(entry: &Entry, report: &mut Report) -> Vec<ValuesFrom> {
    let Content::List(items) = &entry.value.content else {
        let kind = entry.value.kind();
        let message = format!("`valuesFrom` must be a list, this is {kind}");
        let diagnostic = report.error(entry.value.place, message);
        diagnostic
            .hint("write for example `valuesFrom: [{env: DB_PASSWORD, path: auth.password}]`");
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| source(item, report))
        .collect()
}

fn source(item: &Node, report: &mut Report) -> Option<ValuesFrom> {
    let mut fields = Fields::of(item, "`valuesFrom`".to_owned(), item.place, report)?;
    let path = fields.take("path");
    let timeout = fields.take("timeout");
    let origins = [
        fields.take("env"),
        fields.take("file"),
        fields.take("sops"),
        fields.take("command"),
    ];
    fields.finish(report);
    let mut origins = origins.into_iter().flatten();
    let Some(named) = origins.next() else {
        let diagnostic = report.error(item.place, "this names no source of values");
        diagnostic.hint(
            "write one of `env: NAME`, `file: PATH`, `sops: PATH` and `command: [PROGRAM, ...]`",
        );
        return None;
    };
    if let Some(second) = origins.next() {
        let message = format!("`{}` and `{}` are two sources", named.key, second.key);
        let diagnostic = report.error(second.key_place, message);
        diagnostic.hint("give each an item of its own");
        return None;
    }
    if let Some(timeout) = timeout
        && named.key != "command"
    {
        let message = format!("`{}` takes no `timeout`; only a command does", named.key);
        report.error(timeout.key_place, message);
    }
    let origin = origin(named, timeout, report)?;
    let path = match path {
        Some(path) => Some(set::segments(
            path.value.place,
            text(&path.value, "`path`", report)?,
            report,
        )?),
        None if matches!(origin, Origin::Env(_)) => {
            let diagnostic = report.error(
                named.key_place,
                "`env` needs a `path` that says where the text goes",
            );
            diagnostic.hint("write for example `{env: DB_PASSWORD, path: auth.password}`");
            return None;
        }
        None => None,
    };
    Some(ValuesFrom {
        origin,
        path,
        place: item.place,
    })
}

fn origin(named: &Entry, timeout: Option<&Entry>, report: &mut Report) -> Option<Origin> {
    let place = named.value.place;
    let folder = report.sources.folder(place.source).to_owned();
    if named.key == "command" {
        let timeout = timeout.map_or(Some(PATIENCE), |it| deadline(it, report));
        return Some(Origin::Command {
            words: words(&named.value, report)?,
            folder,
            timeout: timeout?,
        });
    }
    let written = text(&named.value, &format!("`{}`", named.key), report)?;
    let is_file = named.key != "env";
    if is_file && links::lead_out(&folder.join(written), written, place, report) {
        return None;
    }
    match named.key.as_str() {
        "env" => Some(Origin::Env(written.to_owned())),
        "file" => Some(Origin::File(folder.join(written))),
        _ => Some(Origin::Sops(folder.join(written))),
    }
}
