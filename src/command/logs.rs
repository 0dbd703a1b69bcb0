use std::collections::HashSet;
use std::io::Write;

use futures::StreamExt;
use futures::stream::{LocalBoxStream, SelectAll};
use regex::Regex;

use super::stacks::{self, Stack, View};
use super::{Context, session};
use crate::cli::{LogFormat, Logs};
use crate::cluster::{Cluster, LogLine, LogRequest};
use crate::error::Failure;
use crate::event::{ContainerRole, ContainerView};
use crate::names::Namespace;
use crate::output::Stream;
use crate::reporter::tail::{Source, Tail};
use crate::runner::ports::ObserveError;

/// One run of a container: its next run is another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Run {
    source: Source,
    namespace: Namespace,
    restarts: u32,
}

type Lines = LocalBoxStream<'static, Result<LogLine, ObserveError>>;

pub async fn run(context: &Context, args: &Logs) -> Result<(), Failure> {
    let wanted = Wanted::new(args)?;
    session::require_secret_driver()?;
    let planned = stacks::planned(context)?;
    let cluster = session::connect(context).await?;
    let stacks = stacks::find(context, &cluster, planned, &args.releases).await?;
    let mut view = View::open(&cluster, &stacks).await?;
    let palette = context.environment.stdout_palette(context.common.color);
    let json = args.output == LogFormat::Json;
    let mut tail = Tail::new(Stream::stdout(), palette, json);
    if !args.follow {
        for run in runs(&stacks, &view, &wanted) {
            let mut lines = open(&cluster, args, &run);
            while let Some(line) = lines.next().await {
                print(&mut tail, &run, line)?;
            }
        }
        return Ok(());
    }
    let mut known = HashSet::new();
    let mut streams = SelectAll::new();
    loop {
        for run in runs(&stacks, &view, &wanted) {
            if known.insert(run.clone()) {
                let lines = open(&cluster, args, &run);
                streams.push(lines.map(move |line| (run.clone(), line)).boxed_local());
            }
        }
        loop {
            tokio::select! {
                Some((run, line)) = streams.next() => print(&mut tail, &run, line)?,
                () = view.changed() => break,
            }
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
                let why = why.lines().last().unwrap_or_default();
                let why = why.trim_start_matches("error: ");
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
fn runs(stacks: &[Stack], view: &View, wanted: &Wanted) -> Vec<Run> {
    let mut runs = Vec::new();
    for (stack, seen) in stacks.iter().zip(view.seen()) {
        for (member, seen) in stack.releases.iter().zip(seen) {
            for pod in seen.assessment.iter().flat_map(|a| &a.pods) {
                let taken = pod.containers.iter().filter(|c| wanted.takes(c));
                runs.extend(taken.map(|container| Run {
                    source: Source {
                        release: member.id.to_string(),
                        namespace: member.namespace.to_string(),
                        pod: pod.pod.clone(),
                        container: container.name.clone(),
                        role: container.role,
                    },
                    namespace: member.namespace.clone(),
                    restarts: container.restarts,
                }));
            }
        }
    }
    runs
}

fn open(cluster: &Cluster, args: &Logs, run: &Run) -> Lines {
    cluster.tail(LogRequest {
        namespace: run.namespace.clone(),
        pod: run.source.pod.clone(),
        container: run.source.container.clone(),
        previous: args.previous,
        follow: args.follow,
        tail_lines: args.tail,
        since: None,
    })
}

fn print(tail: &mut Tail, run: &Run, line: Result<LogLine, ObserveError>) -> Result<(), Failure> {
    match line {
        Ok(line) => Ok(tail.write(&run.source, line.at, &line.text)?),
        // Gone or not begun in between: the pod tells its own story in `status`.
        Err(ObserveError::NotFound(_) | ObserveError::Unexpected(_)) => Ok(()),
        // A node that is down keeps its logs to itself; the others' are still to be had.
        Err(error @ ObserveError::Unreachable(_)) => {
            Ok(writeln!(Stream::stderr(), "warning: {error}")?)
        }
        Err(error) => Err(session::observe(&error)),
    }
}
