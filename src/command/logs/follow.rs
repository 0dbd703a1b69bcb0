//! `-f`: what has ended is read first, then all that is written, until somebody ends it.

use std::collections::{HashSet, VecDeque};

use futures::StreamExt;
use futures::stream::{self, LocalBoxStream, SelectAll};

use super::{Reader, Run, Wanted, note};
use crate::cluster::LogLine;
use crate::command::signals::Signals;
use crate::command::stacks::{Stack, View};
use crate::command::{Context, print, session};
use crate::error::Failure;
use crate::runner::ports::ObserveError;
use crate::wording;

/// A line of a run, or its end.
type Item = (Run, Option<Result<LogLine, ObserveError>>);

/// Returns when nobody reads any more.
///
/// # Errors
/// How else it ends: interrupted, told to terminate, more logs than may be open at once, or the
/// cluster says no.
pub async fn follow(
    reader: &mut Reader<'_>,
    stacks: &[Stack],
    mut view: View<'_>,
    wanted: &Wanted,
) -> Result<(), Failure> {
    let end = Signals::catch()?.told_to_end();
    tokio::pin!(end);
    let present = wanted.present(stacks, &view);
    let (over, running): (Vec<Run>, Vec<Run>) =
        present.into_iter().partition(|run| run.instance.over);
    let limit = usize::from(reader.args.max_log_requests);
    if running.len() > limit {
        return Err(too_many(running.len(), limit));
    }
    // Runs before the present ones are history that nobody asked for.
    let mut known: HashSet<String> = ids(&wanted.all(stacks, &view)).collect();
    if over.is_empty() && running.is_empty() {
        note(&waiting_for(stacks))?;
    }
    for run in &over {
        tokio::select! {
            biased;
            failure = &mut end => return Err(failure),
            read = reader.read(run) => read?,
        }
    }
    let mut open = SelectAll::new();
    open.extend(running.into_iter().map(|run| items(reader, run, true)));
    let mut queue = VecDeque::new();
    let mut unseen = view.unseen();
    while !reader.tail.is_over() {
        tokio::select! {
            failure = &mut end => return Err(failure),
            Some((run, line)) = open.next() => {
                if let Some(line) = line {
                    reader.print(&run, line)?;
                }
            }
            () = view.changed() => {
                view.refresh().await;
                print::warnings(view.unseen().iter().filter(|text| !unseen.contains(text)))?;
                unseen = view.unseen();
                let new = wanted.all(stacks, &view).into_iter();
                let new: Vec<Run> = new.filter(|run| known.insert(run.instance.id.clone())).collect();
                if !new.is_empty() && open.len() + queue.len() + new.len() > limit && queue.is_empty() {
                    let needed = open.len() + new.len();
                    print::warnings([&format!("{}; the rest is read as others end", crowd(needed, limit))])?;
                }
                queue.extend(new);
            }
        }
        while open.len() < limit
            && let Some(run) = queue.pop_front()
        {
            open.push(items(reader, run, false));
        }
    }
    Ok(())
}

fn items(reader: &Reader<'_>, run: Run, bounded: bool) -> LocalBoxStream<'static, Item> {
    let lines = reader.open(&run, !run.instance.over, bounded);
    let end = stream::iter([(run.clone(), None)]);
    let lines = lines.map(move |line| (run.clone(), Some(line)));
    lines.chain(end).boxed_local()
}

fn ids(runs: &[Run]) -> impl Iterator<Item = String> {
    runs.iter().map(|run| run.instance.id.clone())
}

fn too_many(needed: usize, limit: usize) -> Failure {
    Context::usage(crowd(needed, limit))
        .hint(format!("`--max-log-requests {needed}` opens them all"))
        .hint("or follow fewer: name releases, or use `--init`, `--hooks` or `-c REGEX`")
}

fn crowd(needed: usize, limit: usize) -> String {
    let logs = wording::count(needed, "log");
    format!("{logs} would be followed at once, and `--max-log-requests` is {limit}")
}

fn waiting_for(stacks: &[Stack]) -> String {
    let titles = stacks.iter();
    let titles: Vec<String> = titles
        .map(|stack| session::title(&stack.id.name, &stack.id.namespace))
        .collect();
    format!(
        "no container has such a log yet: waiting for those of {}",
        wording::list(&titles)
    )
}
