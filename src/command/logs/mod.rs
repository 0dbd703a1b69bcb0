//! The logs of a stack's containers: those that there are, or with `-f` all that come.

mod follow;
mod wanted;

use std::io::Write;

use futures::StreamExt;
use futures::stream::LocalBoxStream;

use super::stacks::{self, View};
use super::{Context, print, session};
use crate::cli::{LogFormat, Logs};
use crate::cluster::{Cluster, LogLine, LogRequest};
use crate::error::Failure;
use crate::output::Stream;
use crate::reporter::tail::{Style, Tail};
use crate::runner::ports::ObserveError;
use wanted::{Run, Wanted};

type Lines = LocalBoxStream<'static, Result<LogLine, ObserveError>>;

pub async fn run(context: &Context, args: &Logs) -> Result<(), Failure> {
    let wanted = Wanted::new(args)?;
    session::require_secret_driver()?;
    let planned = stacks::planned(context)?;
    let cluster = session::connect(context).await?;
    let found = stacks::find(context, &cluster, planned, &args.releases).await?;
    print::warnings(&found.unseen)?;
    if found.stacks.is_empty() {
        return Err(stacks::none_recorded(&cluster));
    }
    let view = View::open(&cluster, &found.stacks).await?;
    print::warnings(&view.unseen())?;
    let style = Style {
        palette: context.environment.stdout_palette(context.common.color),
        timestamps: args.timestamps,
        json: args.output == LogFormat::Json,
    };
    let mut reader = Reader {
        cluster: &cluster,
        args,
        tail: Tail::new(Stream::stdout(), style),
    };
    if args.follow {
        return follow::follow(&mut reader, &found.stacks, view, &wanted).await;
    }
    let runs = wanted.present(&found.stacks, &view);
    if runs.is_empty() {
        note("no container of these releases has such a log")?;
    }
    for run in &runs {
        reader.read(run).await?;
    }
    Ok(())
}

/// Asks for logs and prints them.
struct Reader<'a> {
    cluster: &'a Cluster,
    args: &'a Logs,
    tail: Tail,
}

impl Reader<'_> {
    /// Prints all that there is of one run, as far back as was asked for.
    async fn read(&mut self, run: &Run) -> Result<(), Failure> {
        let mut lines = self.open(run, false, true);
        while !self.tail.is_over()
            && let Some(line) = lines.next().await
        {
            self.print(run, line)?;
        }
        Ok(())
    }

    /// `bounded`: as far back as was asked for, else from the first line.
    fn open(&self, run: &Run, follow: bool, bounded: bool) -> Lines {
        self.cluster.tail(LogRequest {
            namespace: run.namespace.clone(),
            pod: run.source.pod.clone(),
            container: run.source.container.clone(),
            instance: Some(run.instance.id.clone()),
            previous: run.instance.previous,
            follow,
            tail_lines: self.args.tail.filter(|_| bounded),
            since: self.args.since.filter(|_| bounded),
        })
    }

    fn print(&mut self, run: &Run, line: Result<LogLine, ObserveError>) -> Result<(), Failure> {
        match line {
            Ok(line) => Ok(self.tail.write(&run.source, line.at, &line.text)?),
            // Gone or not begun in between: the pod tells its own story in `status`.
            Err(ObserveError::NotFound(_) | ObserveError::Unexpected(_)) => Ok(()),
            // A node that is down keeps its logs to itself; the others' are still to be had.
            Err(error @ ObserveError::Unreachable(_)) => print::warnings([&error.to_string()]),
            Err(error) => Err(session::observe(&error)),
        }
    }
}

/// Says on stderr why there is nothing to read.
fn note(text: &str) -> Result<(), Failure> {
    let mut stderr = Stream::stderr();
    writeln!(stderr, "{text}")?;
    Ok(stderr.flush()?)
}
