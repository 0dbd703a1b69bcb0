//! Values that don't fit the chart's `values.schema.json`: every one of them, by the path under
//! which a profile would set it.

use super::parse::{Said, between};
use super::{About, Cause, Failure};

/// Violations that the sentence itself tells.
const TOLD: usize = 2;
/// Blanks by which helm moves in what explains the line above.
const INDENT: usize = 2;

#[derive(Debug)]
struct Violation {
    /// How many stand above it, which it explains.
    depth: usize,
    /// `image.tag`; empty for the values as a whole.
    path: String,
    problem: String,
}

pub fn find(_: &About<'_>, said: &Said) -> Option<Failure> {
    if !said
        .text
        .starts_with("values don't meet the specifications of the schema(s)")
    {
        return None;
    }
    let violations = ordered(lifted(said.block.iter().flat_map(|line| violations(line))));
    let told: Vec<String> = violations
        .iter()
        .filter(|violation| violation.depth == 0)
        .map(Violation::told)
        .collect();
    let what = "the values do not fit the chart's `values.schema.json`";
    let sentence = match told.len() {
        0 => what.to_owned(),
        1..=TOLD => format!("{what}: {}", told.join("; ")),
        all => format!(
            "{what}: {}; and {} more",
            told[..TOLD].join(", "),
            all - TOLD
        ),
    };
    let mut failure = Failure::new(Cause::Schema, sentence);
    failure = match violations.first() {
        Some(Violation { path, problem, .. }) if problem == "is missing" => {
            failure.hint(format!("set `{path}` in this release's `values` or `set`"))
        }
        Some(Violation { path, .. }) if !path.is_empty() => failure.hint(format!(
            "`{path}` comes from this release's `values` or `set`, or from the chart's own \
             `values.yaml`"
        )),
        _ => failure,
    };
    let lines = violations.iter().map(Violation::line).collect();
    // What the sentence tells in full needs no list.
    failure.lines = match violations.len() {
        0 => None,
        1..=TOLD => Some(Vec::new()),
        _ => Some(lines),
    };
    Some(failure)
}

/// Without the lines that only say that what is below them failed.
fn lifted(violations: impl Iterator<Item = Violation>) -> Vec<Violation> {
    let mut lifted = Vec::new();
    let mut above = None;
    for mut violation in violations {
        above = above.filter(|above| violation.depth > *above);
        if violation.problem == "validation failed" {
            above = Some(violation.depth);
            continue;
        }
        violation.depth -= usize::from(above.is_some());
        lifted.push(violation);
    }
    lifted
}

/// By their values: helm tells them in another order each time.
fn ordered(violations: Vec<Violation>) -> Vec<Violation> {
    let mut groups: Vec<Vec<Violation>> = Vec::new();
    for violation in violations {
        match groups.last_mut() {
            Some(group) if violation.depth > 0 => group.push(violation),
            _ => groups.push(vec![violation]),
        }
    }
    groups.sort_by_cached_key(|group| group.first().map(Violation::line));
    groups.into_iter().flatten().collect()
}

/// `- at '/image': missing property 'tag'` (helm 4, and 3.18 and newer) or
/// `- image: tag is required` (older).
fn violations(line: &str) -> Vec<Violation> {
    let depth = (line.len() - line.trim_start().len()) / INDENT;
    let Some(line) = line.trim_start().strip_prefix("- ") else {
        return Vec::new();
    };
    let (path, problem) = match between(line, "at '", "': ") {
        Some(pointer) if line.starts_with("at '") => {
            let problem = &line["at '': ".len() + pointer.len()..];
            (dotted(pointer), problem)
        }
        _ => match line.split_once(": ") {
            Some(("(root)", problem)) => (String::new(), problem),
            Some((path, problem)) => (path.to_owned(), problem),
            None => return Vec::new(),
        },
    };
    let of_keys = |names: &str, problem: &str| -> Vec<Violation> {
        let keys = names.split(", ").map(|key| key.trim_matches('\''));
        keys.map(|key| Violation {
            depth,
            path: under(&path, key),
            problem: problem.to_owned(),
        })
        .collect()
    };
    let missing = ["missing property ", "missing properties "];
    if let Some(keys) = missing.iter().find_map(|mark| problem.strip_prefix(mark)) {
        return of_keys(keys, "is missing");
    }
    if let Some(key) = problem.strip_suffix(" is required") {
        return of_keys(key, "is missing");
    }
    let foreign = between(problem, "additional properties ", " not allowed")
        .or_else(|| between(problem, "Additional property ", " is not allowed"));
    if let Some(keys) = foreign {
        return of_keys(keys, "is not known to the chart");
    }
    let problem = match problem {
        "'anyOf' failed" | "'oneOf' failed, none matched" => "fits none of what is allowed".into(),
        _ => type_problem(problem).unwrap_or_else(|| {
            let problem = problem
                .strip_prefix("value must ")
                .map_or_else(|| problem.to_owned(), |rest| format!("must {rest}"));
            // The library of helm 3 begins with a capital.
            let problem = problem.replacen("Does not", "does not", 1);
            problem.replacen("Must be", "must be", 1)
        }),
    };
    vec![Violation {
        depth,
        path,
        problem,
    }]
}

fn type_problem(problem: &str) -> Option<String> {
    let (got, want) = match problem.strip_prefix("got ") {
        Some(rest) => rest.split_once(", want ")?,
        None => {
            let rest = problem.strip_prefix("Invalid type. Expected: ")?;
            let (want, got) = rest.split_once(", given: ")?;
            (got, want)
        }
    };
    Some(format!("is {} and must be {}", article(got), article(want)))
}

fn article(kind: &str) -> String {
    match kind.chars().next() {
        _ if kind == "null" => kind.to_owned(),
        Some('a' | 'e' | 'i' | 'o' | 'u') => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

impl Violation {
    fn told(&self) -> String {
        let Violation { path, problem, .. } = self;
        let verb = ["is ", "must ", "does ", "fits "]
            .iter()
            .any(|verb| problem.starts_with(verb));
        match (path.as_str(), verb) {
            ("", _) => problem.clone(),
            (path, true) => format!("`{path}` {problem}"),
            (path, false) => format!("`{path}`: {problem}"),
        }
    }

    fn line(&self) -> String {
        format!(
            "{:indent$}{}",
            "",
            self.told(),
            indent = self.depth * INDENT
        )
    }
}

fn under(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    }
}

/// A JSON pointer (RFC 6901) as `set` would name it: `/ports/0/name` is `ports[0].name`.
fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').filter(|part| !part.is_empty()) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.chars().all(|c| c.is_ascii_digit()) {
            path.push_str(&format!("[{part}]"));
        } else {
            path = under(&path, &part);
        }
    }
    path
}
