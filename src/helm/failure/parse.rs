//! helm's last words, and small readers for them.

use crate::redact::redacted;

/// Lines that tell nothing about the failure.
const NOISE: [&str; 3] = [
    "Use --debug flag to render out invalid YAML",
    "WARNING: Kubernetes configuration file is group-readable",
    "WARNING: Kubernetes configuration file is world-readable",
];
/// What helm puts before the reason, in any order and number.
const PREFIXES: [&str; 4] = [
    "Error: ",
    "UPGRADE FAILED: ",
    "INSTALLATION FAILED: ",
    "release uninstall failed: ",
];

/// How helm begins where it could not delete objects.
const UNDELETED: &str = "failed to delete release";
/// How its debug log begins to say why.
const FAILED: &str = "uninstall: Failed to delete release";

/// What helm printed without its debug log.
struct Apart<'a> {
    lines: Vec<&'a str>,
    /// Why objects could not be deleted, which stands in the debug log alone.
    undeleted: Option<String>,
}

/// What helm said, without the values of objects.
#[derive(Debug)]
pub struct Said {
    /// Everything that was printed, without noise.
    pub lines: Vec<String>,
    /// The error from `Error: ` on, its prefixes left out, as it was printed; everything where helm
    /// has printed so much that its beginning is lost.
    pub block: Vec<String>,
    /// The same on one line.
    pub text: String,
}

impl Said {
    pub fn read(printed: &[String]) -> Said {
        let Apart { lines, undeleted } = Apart::read(printed);
        let news = lines.into_iter().filter(|line| !is_noise(line));
        let news: Vec<&str> = news.collect();
        // Apart, so that a value whose end is not found takes nothing of the error with it.
        let error = news.iter().rposition(|line| line.starts_with("Error: "));
        let (before, error) = news.split_at(error.unwrap_or(news.len()));
        let parts = [redacted(&before.join("\n")), redacted(&error.join("\n"))];
        let mut lines: Vec<String> = parts
            .iter()
            .flat_map(|p| p.lines())
            .map(Into::into)
            .collect();
        while lines.last().is_some_and(|line| line.trim().is_empty()) {
            lines.pop();
        }
        let at = lines.iter().rposition(|line| line.starts_with("Error: "));
        let mut block = lines[at.unwrap_or(0)..].to_vec();
        if let Some(first) = block.first_mut() {
            *first = without_prefixes(first).to_owned();
            let cause = undeleted.filter(|_| first.starts_with(UNDELETED));
            if let Some(cause) = cause.map(|it| redacted(&it)) {
                lines.extend(cause.lines().map(str::to_owned));
                *first = format!("{first}: {cause}");
            }
        }
        Said {
            text: one_line(&block.join(" ")),
            lines,
            block,
        }
    }
}

impl<'a> Apart<'a> {
    fn read(printed: &'a [String]) -> Apart<'a> {
        let (mut lines, mut undeleted) = (Vec::new(), None);
        // Lines of helm 3 that belong to a line of its debug log.
        let (mut in_debug, mut in_cause) = (false, false);
        for line in printed.iter().map(String::as_str) {
            if let Some(rest) = line.strip_prefix("level=DEBUG ") {
                if rest.starts_with(&format!("msg=\"{FAILED}\"")) {
                    undeleted = after(rest, " error=").map(unquoted);
                }
            } else if let Some(text) = of_debug_log(line) {
                let cause = after(text, FAILED).map(|it| it.trim_start_matches([':', ' ']));
                (in_debug, in_cause) = (true, cause.is_some());
                undeleted = cause.map(str::to_owned).or(undeleted);
            } else if in_debug && !line.starts_with("Error: ") {
                if let Some(cause) = undeleted.as_mut().filter(|_| in_cause) {
                    *cause = format!("{cause}\n{line}");
                }
            } else {
                in_debug = false;
                lines.push(line);
            }
        }
        let all = |it: String| it.trim_start_matches('[').trim_end_matches(']').to_owned();
        Apart {
            lines,
            undeleted: undeleted.map(all),
        }
    }
}

/// What a line of helm 3's debug log says: `uninstall.go:119: 2026-01-02 ... [debug] text`.
fn of_debug_log(line: &str) -> Option<&str> {
    let (place, text) = line.split_once("[debug] ")?;
    let (file, _) = place.split_once(".go:")?;
    let is_file = |c: char| c.is_ascii_lowercase() || c == '_';
    file.chars().all(is_file).then_some(text)
}

/// A value as Go's `log/slog` writes it.
fn unquoted(text: &str) -> String {
    serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())
}

/// What helm 4 logs of the error it is about to print is the same once more, quotes escaped.
fn is_noise(line: &str) -> bool {
    NOISE.iter().any(|noise| line.starts_with(noise))
        || (line.starts_with("level=") && line.contains(" error="))
}

fn without_prefixes(mut text: &str) -> &str {
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest;
    }
    text
}

pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cut at a character, with dots for the rest.
pub fn brief(text: &str, limit: usize) -> String {
    let text = text.trim_end().trim_end_matches(['.', ';']);
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

pub fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    Some(text.split_once(mark)?.1)
}

pub fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    Some(after(text, from)?.split_once(to)?.0)
}

/// The last word before a mark.
pub fn word_before<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let before = text.split_once(mark)?.0;
    before
        .split([' ', '[', '\t'])
        .next_back()
        .filter(|word| !word.is_empty())
}

/// An object that an error names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// `deployment`, `persistentvolumeclaim`
    pub kind: String,
    pub name: String,
}

impl Named {
    /// `kind` may be `Deployment`, `Deployment.apps` or `deployments.apps`. None where the name is
    /// none, for it ends up in commands.
    pub fn new(kind: &str, name: &str) -> Option<Named> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let kind = kind.split('.').next().unwrap_or(kind);
        let good = |text: &str| !text.is_empty() && text.chars().all(plain);
        (good(kind) && good(name)).then(|| Named {
            kind: kind.to_ascii_lowercase(),
            name: name.to_owned(),
        })
    }

    pub fn short(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}
