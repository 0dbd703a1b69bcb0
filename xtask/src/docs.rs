//! The tables of values in the charts' READMEs, made from the comments of their `values.yaml`.
//!
//! A comment that stands above a key belongs to it. The tables stand between two
//! marks; what is outside of them is written by hand.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::steps::{root, say};

const START: &str = "<!-- values -->\n";
const END: &str = "<!-- /values -->\n";

/// What Kubernetes gives its shape is one row, whatever is in it.
const WHOLE: [&str; 4] = [
    "podSecurityContext",
    "probes",
    "resources",
    "securityContext",
];

#[derive(Debug, clap::Args)]
pub struct Docs {
    /// Only say which READMEs are not as they should be
    #[arg(long)]
    check: bool,
}

impl Docs {
    pub fn run(&self) -> Result<()> {
        let stale = stale(root())?;
        for (file, text) in &stale {
            if !self.check {
                fs::write(file, text).with_context(|| format!("writing `{}`", file.display()))?;
            }
            say(&format!(
                "{} `{}`",
                if self.check { "stale:" } else { "wrote" },
                file.display()
            ));
        }
        if self.check && !stale.is_empty() {
            bail!("`cargo xtask docs` writes them");
        }
        Ok(())
    }
}

/// The READMEs whose tables are not those of the values, with the text that they should have.
fn stale(root: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut charts: Vec<PathBuf> = fs::read_dir(root.join("charts"))
        .context("reading `charts`")?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    charts.sort();
    let mut stale = Vec::new();
    for chart in charts {
        let file = chart.join("README.md");
        let read = |path: &Path| {
            fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))
        };
        let (readme, values) = (read(&file)?, read(&chart.join("values.yaml"))?);
        let marks = readme
            .split_once(START)
            .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let Some((before, after)) = marks else {
            bail!("`{}` has no `{}`", file.display(), START.trim());
        };
        let text = format!("{before}{START}{}{END}{after}", table(&values));
        if text != readme {
            stale.push((file, text));
        }
    }
    Ok(stale)
}

#[derive(Debug, PartialEq)]
struct Row {
    path: String,
    default: String,
    meaning: String,
}

fn table(values: &str) -> String {
    let mut text = String::from("| value | default | meaning |\n| --- | --- | --- |\n");
    for row in rows(values) {
        let default = match row.default.as_str() {
            "" => String::new(),
            default => format!("`{}`", default.replace('|', "\\|")),
        };
        // A String takes whatever is written to it.
        let _ = writeln!(
            text,
            "| `{}` | {default} | {} |",
            row.path,
            row.meaning.replace('|', "\\|")
        );
    }
    text
}

fn rows(values: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    // The keys around, each with its indentation; the last may be whole, and then hides what is in it.
    let mut around: Vec<(usize, String)> = Vec::new();
    let mut whole = None;
    let mut comment: Vec<&str> = Vec::new();
    for line in values.lines() {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        if line.is_empty() {
            comment.clear();
            continue;
        }
        if whole.is_some_and(|start| indent > start) {
            continue;
        }
        whole = None;
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
            continue;
        }
        let Some((key, value)) = line.split_once(':').filter(|(key, _)| is_key(key)) else {
            continue;
        };
        around.retain(|(start, _)| *start < indent);
        around.push((indent, key.to_owned()));
        let path: Vec<&str> = around.iter().map(|(_, key)| key.as_str()).collect();
        let path = path.join(".");
        let value = value.trim();
        let is_block = value.is_empty() || value == "|";
        let is_whole = WHOLE.contains(&key) || value == "|";
        if is_whole && is_block {
            whole = Some(indent);
        }
        let meaning = std::mem::take(&mut comment).join(" ");
        if is_block && !is_whole && meaning.is_empty() {
            continue;
        }
        rows.push(Row {
            default: match is_block {
                true => String::new(),
                false => value.to_owned(),
            },
            path,
            meaning,
        });
    }
    rows
}

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_belong_to_the_key_below() {
        let values = "# of the file\n\n# image is what runs.\nimage:\n  repository: a/b\n  # image.tag: none means\n  # the default.\n  tag: \"\"\n\
            # probes are as in Kubernetes.\nprobes:\n  liveness: {}\ntext: |\n  # no comment\n  more: x\nreplicas: 1\n";
        let shown: Vec<String> = rows(values)
            .iter()
            .map(|row| format!("{}={} {}", row.path, row.default, row.meaning))
            .collect();
        assert_eq!(
            shown,
            [
                "image= image is what runs.",
                "image.repository=a/b ",
                "image.tag=\"\" image.tag: none means the default.",
                "probes= probes are as in Kubernetes.",
                "text= ",
                "replicas=1 ",
            ]
        );
    }

    #[test]
    fn the_charts_readmes_are_as_their_values() {
        let stale: Vec<PathBuf> = stale(root())
            .unwrap()
            .into_iter()
            .map(|(file, _)| file)
            .collect();
        assert_eq!(
            stale,
            Vec::<PathBuf>::new(),
            "`cargo xtask docs` writes them"
        );
    }
}
