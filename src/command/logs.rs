use std::collections::HashSet;
use std::io::Write;

use futures::StreamExt;
use futures::stream::{LocalBoxStream, SelectAll};
use regex::Regex;
use serde::Serialize;

use super::stacks::{self, Stack, View};
use super::{Context, session};
use crate::cli::{Format, Logs};
use crate::cluster::{Cluster, LogLine, LogRequest};
use crate::error::{Failure, Kind};
use crate::event::{ContainerRole, ContainerView};
use crate::names::Namespace;
use crate::output::{Palette, Stream};
use crate::reporter::text;
use crate::runner::ports::ObserveError;

/// Where lines come from. The same container's next run is another source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Source {
    release: String,
    namespace: Namespace,
    pod: String,
    container: String,
    role: &'static str,
    restarts: u32,
}

/// A line as `-o json` prints it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    release: &'a str,
    namespace: &'a str,
    pod: &'a str,
    container: &'a str,
    role: &'a str,
    at: jiff::Timestamp,
    line: &'a str,
}

type Lines = LocalBoxStream<'static, Result<LogLine, ObserveError>>;

pub async fn run(context: &Context, args: &Logs) -> Result<(), Failure> {
    let wanted = Wanted::new(args)?;
    let cluster = session::connect(context).await?;
    let stacks = stacks::find(context, &cluster, &args.releases).await?;
    let mut view = View::open(&cluster, &stacks).await?;
    let mut printer = Printer {
        out: Stream::stdout(),
        palette: context.environment.stdout_palette(context.common.color),
        format: args.output,
        colors: Vec::new(),
    };
    if !args.follow {
        let sources = sources(&stacks, &view, &wanted);
        for source in sources {
            let mut lines = open(&cluster, args, &source);
            while let Some(line) = lines.next().await {
                printer.print(&source, line)?;
            }
        }
        return Ok(());
    }
    let mut known = HashSet::new();
    let mut streams = SelectAll::new();
    loop {
        for source in sources(&stacks, &view, &wanted) {
            if known.insert(source.clone()) {
                let lines = open(&cluster, args, &source);
                streams.push(lines.map(move |line| (source.clone(), line)).boxed_local());
            }
        }
        tokio::select! {
            Some((source, line)) = streams.next() => printer.print(&source, line)?,
            () = view.changed() => {}
        }
    }
}

struct Wanted {
    init: bool,
    previous: bool,
    container: Option<Regex>,
}

impl Wanted {
    fn new(args: &Logs) -> Result<Wanted, Failure> {
        let compile = |pattern: &String| {
            Regex::new(pattern).map_err(|error| {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().to_owned();
                Context::usage(format!("`{pattern}` is not a regular expression: {why}"))
            })
        };
        Ok(Wanted {
            init: args.init,
            previous: args.previous,
            container: args.container.as_ref().map(compile).transpose()?,
        })
    }

    fn takes(&self, container: &ContainerView) -> bool {
        let begun = !(container.state == "pending" || container.state.starts_with("waiting"));
        let named = self.container.as_ref();
        (begun || container.restarts > 0)
            && (!self.init || container.role == ContainerRole::Init)
            && (!self.previous || container.restarts > 0)
            && named.is_none_or(|pattern| pattern.is_match(&container.name))
    }
}

/// The containers whose logs are wanted: by release, pod and the order in which they start.
fn sources(stacks: &[Stack], view: &View, wanted: &Wanted) -> Vec<Source> {
    let mut sources = Vec::new();
    for (stack, seen) in stacks.iter().zip(view.seen()) {
        for (member, seen) in stack.releases.iter().zip(seen) {
            for pod in seen.assessment.iter().flat_map(|a| &a.pods) {
                let taken = pod.containers.iter().filter(|c| wanted.takes(c));
                sources.extend(taken.map(|container| Source {
                    release: member.id.to_string(),
                    namespace: member.namespace.clone(),
                    pod: pod.pod.clone(),
                    container: container.name.clone(),
                    role: container.role.as_str(),
                    restarts: container.restarts,
                }));
            }
        }
    }
    sources
}

fn open(cluster: &Cluster, args: &Logs, source: &Source) -> Lines {
    cluster.tail(LogRequest {
        namespace: source.namespace.clone(),
        pod: source.pod.clone(),
        container: source.container.clone(),
        previous: args.previous,
        follow: args.follow,
        tail_lines: args.tail,
        since: None,
    })
}

struct Printer {
    out: Stream,
    palette: Palette,
    format: Format,
    /// Releases in the order in which they first spoke: each keeps its colour.
    colors: Vec<String>,
}

impl Printer {
    fn print(
        &mut self,
        source: &Source,
        line: Result<LogLine, ObserveError>,
    ) -> Result<(), Failure> {
        let line = match line {
            Ok(line) => line,
            // Gone or not begun in between: the pod tells its own story in `status`.
            Err(ObserveError::NotFound(_) | ObserveError::Unexpected(_)) => return Ok(()),
            Err(error) => return Err(session::observe(&error)),
        };
        if self.format == Format::Text {
            let name = format!("{} {} {}", source.release, source.pod, source.container);
            let color = self.color(&source.release);
            let name = self.palette.release(color, &name);
            let said = text::clean(&line.text);
            writeln!(self.out, "{name} {} {said}", self.palette.dim("|"))?;
        } else {
            let line = Line {
                release: &source.release,
                namespace: source.namespace.as_str(),
                pod: &source.pod,
                container: &source.container,
                role: source.role,
                at: line.at,
                line: &line.text,
            };
            let json = serde_json::to_string(&line).map_err(|error| {
                Failure::new(
                    Kind::Unexpected,
                    format!("a line can't be written: {error}"),
                )
            })?;
            writeln!(self.out, "{json}")?;
        }
        Ok(self.out.flush()?)
    }

    fn color(&mut self, release: &str) -> usize {
        let known = self.colors.iter().position(|known| known == release);
        known.unwrap_or_else(|| {
            self.colors.push(release.to_owned());
            self.colors.len() - 1
        })
    }
}
