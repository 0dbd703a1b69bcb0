//! The command line: verbs, flags and their help.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::names::{Namespace, ReleaseId, StackName};
use crate::output::{ColorChoice, Progress};

const EXIT_CODES: &str = "\
Exit codes:
  0    done, or nothing to do
  1    unexpected: a bug
  2    usage
  3    the profile, a chart or the plan is not valid
  4    environment: helm, the cluster, access to it, this machine
  5    a release failed
  6    the deadline passed with nothing known to be wrong
  7    another run has the stack
  8    there are changes (`plan --detailed-exitcode`)
  130  interrupted (SIGINT)
  143  terminated (SIGTERM)

`stackctl VERB --help` has examples.";

/// Brings up a graph of Helm releases in order, and says why when one does not come up.
#[derive(Debug, Parser)]
#[command(name = "stackctl", version, after_long_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
    #[command(flatten)]
    pub common: Common,
}

/// Flags that every verb takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Profile to use: a name (`oro` is `profiles/oro.yaml` here or in a parent folder) or a path
    /// [default: $STACKCTL_PROFILE, else the only profile there is]
    #[arg(short, long, global = true, value_name = "NAME|PATH")]
    pub profile: Option<String>,
    /// Namespace to use instead of the profile's own; where no profile is named, the one to look in
    #[arg(short, long, global = true, value_name = "NAME")]
    pub namespace: Option<Namespace>,
    /// Context of the kubeconfig to use [default: the current one]
    #[arg(long, global = true, value_name = "NAME")]
    pub kube_context: Option<String>,
    /// Kubeconfig to use [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, global = true, value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,
    /// helm to run [default: $STACKCTL_HELM, else the first on the PATH]
    #[arg(long, global = true, value_name = "PATH")]
    pub helm: Option<PathBuf>,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// Say more, for developers of stackctl: -v, -vv
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The form of data on stdout, for people where it is text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
    Yaml,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Install or upgrade releases in the order of their needs, and watch them come up
    Up(Up),
    /// Remove releases in reverse order and wait until they are gone
    Down(Down),
    /// Bring releases back to revisions that were verified together
    Rollback(Rollback),
    /// Show the last runs: when, who, what became of them
    History(History),
    /// Show how the releases stand
    Status(Status),
    /// Show the logs of a stack's containers
    Logs(Logs),
    /// Show what `up` would change, without changing it
    Plan(Plan),
    /// Look for what is known to go wrong, before anything is touched
    Check(Check),
    /// Find out whether an `up` could work here, and what is in its way
    Doctor(Doctor),
    /// Show what needs what
    Graph(Graph),
    /// Write a profile for the charts of a folder
    Init(Init),
    /// Write down which charts the profile's releases are made of
    #[command(after_long_help = "\
Examples:
  stackctl lock                          profiles/oro.lock beside profiles/oro.yaml
  stackctl up --locked                   these charts, or exit code 3 and nothing touched

The lock file has a digest of each chart, its dependencies included, and the exact version of those
that come from a registry or a repository. Commit it beside the profile.")]
    Lock,
    /// Print the JSON Schema of a profile, for editors
    #[command(after_long_help = "\
Examples:
  stackctl schema > profile.schema.json

A profile that begins with this line is completed and checked by editors with a YAML language server:
  # yaml-language-server: $schema=profile.schema.json")]
    Schema,
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the manual: a page for stackctl and one for each verb
    #[command(after_long_help = "\
Examples:
  stackctl man | man -l -                read it
  stackctl man > /usr/local/share/man/man1/stackctl.1")]
    Man,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stackctl doctor --profile oro
  stackctl doctor -o json | jq '.[] | select(.state == \"problem\")'

Looks at helm and its version, the cluster and its version, namespaces, each right that the stack
needs (by verb and resource, as the API server answers), storage classes, and what runs that were
killed have left. Nothing is changed. Exit code 4 where something would stop an `up`.")]
pub struct Doctor {
    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Format,
}

/// How a run is shown and bounded.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// End the run after this long, e.g. 15m [default: no limit but the releases' own]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// How many helm processes may work at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallel: u16,
    /// How long to wait for another run that works on the stack
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub lock_wait: Duration,
    /// Do not wait for another run: end with 7
    #[arg(long, conflicts_with = "lock_wait")]
    pub no_wait: bool,
    /// Ask another run to make way: it ends the releases in hand and starts no more
    #[arg(long, conflicts_with = "no_wait")]
    pub supersede: bool,
    /// How to show what happens
    #[arg(long, value_name = "MODE", default_value = "auto")]
    pub progress: Progress,
    /// How to tell the outcome on stdout; text is for people and goes to stderr alone
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Format,
}

impl Run {
    /// How long to wait for the stack.
    pub fn patience(&self) -> Duration {
        match self.no_wait {
            true => Duration::ZERO,
            false => self.lock_wait,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stackctl up --profile oro              bring up the whole stack
  stackctl up php-fpm                    php-fpm and all that it needs
  stackctl up --only php-fpm             php-fpm alone
  stackctl up --progress json > run.ndjson
  stackctl up --kube-context prod --timeout 20m
  stackctl up --plan oro.plan            what `stackctl plan --save` has shown, or nothing

A release starts the moment all that it needs is ready. When one fails, what depends on it is
blocked and everything else goes on; the exit code is then 5.")]
pub struct Up {
    /// Releases to bring up, with all that they need [default: all]
    #[arg(value_name = "RELEASE")]
    pub releases: Vec<ReleaseId>,
    /// Bring up the named releases alone, without what they need
    #[arg(long, requires = "releases")]
    pub only: bool,
    /// Do what this file of `stackctl plan --save` says, or nothing where the cluster, a chart or
    /// a value has changed since
    #[arg(long, value_name = "FILE", conflicts_with = "releases")]
    pub plan: Option<PathBuf>,
    /// Use the charts of the lock file that `stackctl lock` made, or end with 3
    #[arg(long)]
    pub locked: bool,
    /// Take up releases whose last revision is pending though another helm may still be at work on
    /// them: your word that none is
    #[arg(long)]
    pub recover: bool,
    /// Let helm run for every release, those that are unchanged too
    #[arg(long)]
    pub force: bool,
    /// Remove releases of the stack that the profile names no more, once the rest is ready
    #[arg(long)]
    pub prune: bool,
    /// When a release fails, bring the stack back to the revisions that were last verified together:
    /// what this run has changed, and what an earlier run has that failed or was killed; the exit
    /// code reports the failure all the same
    #[arg(long)]
    pub rollback_on_failure: bool,
    #[command(flatten)]
    pub run: Run,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stackctl down --profile oro            remove the whole stack, after asking
  stackctl down --yes                    without asking
  stackctl down database                 the database and all that needs it

  stackctl down --yes --volumes          and what the volumes hold

Volumes that a chart keeps (helm.sh/resource-policy: keep) and those that a StatefulSet claimed
from its template stay unless --volumes is given, and so do Secrets and volumes that hooks have
made. What stays is told and remembered, so that a later --volumes finds it. Other objects of hooks
go. Namespaces that stackctl has made go when nothing else is in them.")]
pub struct Down {
    /// Releases to remove, with all that needs them [default: all]
    #[arg(value_name = "RELEASE")]
    pub releases: Vec<ReleaseId>,
    /// Remove volumes too: those that a chart keeps, that a StatefulSet has claimed, or a hook has
    /// made, and Secrets that hooks have made
    #[arg(long)]
    pub volumes: bool,
    /// Remove releases whose last revision is pending though another helm may still be at work on
    /// them: your word that none is
    #[arg(long)]
    pub recover: bool,
    /// Do not ask first; needed where nobody can be asked, as in a script
    #[arg(short, long)]
    pub yes: bool,
    #[command(flatten)]
    pub run: Run,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stackctl rollback --profile oro        what was verified before the present revisions
  stackctl rollback --to 20260102-030405-9f3a
  stackctl history                       which runs there are to go back to

Only releases whose revision differs go back, by `helm rollback`, those that need others first; then
all are watched until they are ready. Releases whose `rollback` is `forward-only`, and those that
were not part of the stack then, stay as they are and are named.")]
pub struct Rollback {
    /// The run whose revisions to go back to [default: those of a rollback that was interrupted, else
    /// the newest that differ from what there is and that no rollback has left]
    #[arg(long, value_name = "RUN")]
    pub to: Option<String>,
    /// Take up releases whose last revision is pending though another helm may still be at work on
    /// them: your word that none is
    #[arg(long)]
    pub recover: bool,
    #[command(flatten)]
    pub run: Run,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stackctl history --profile oro         the last 20 runs of that stack, the newest first
  stackctl history -o json | jq '.[0].runs[0].end.outcome'")]
pub struct History {
    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Format,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stackctl status                        every stack that the cluster records
  stackctl status --profile oro          the stack of that profile
  stackctl status php-fpm --watch        follow one release, until Ctrl-C
  stackctl status --exit-code > /dev/null || echo not all ready
  stackctl status -o json | jq -r '.stacks[].releases[] | select(.state != \"ready\") | .release'
  stackctl status -o json --watch | jq -r 'select(.release.state == \"failed\") | .release.reason'

Below the table stands why what is not ready is not, as `stackctl up` would say it: the sentence,
the proof with the last lines of the log, and what to do. JSON and YAML carry the same as
`verdict`, and in `unseen` what these credentials may not look at.

Without --exit-code the exit code tells whether the cluster could be asked, not how the releases
stand. With it:
  0    all releases are ready; orphaned ones don't count
  4    a release can't be judged, because something of it may not be read
  5    a release has failed
  6    nothing has failed, but a release is progressing, pending or missing, or there is none")]
pub struct Status {
    /// Releases to show [default: all]
    #[arg(value_name = "RELEASE")]
    pub releases: Vec<ReleaseId>,
    /// Go on as things change, until interrupted: drawn in place on a terminal, else a line for
    /// each change
    #[arg(short, long)]
    pub watch: bool,
    /// Let the exit code tell how the releases stand: 0, 4, 5 or 6, see --help
    #[arg(long, conflicts_with = "watch")]
    pub exit_code: bool,
    /// How to print it; with --watch json is one object a line
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Format,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stackctl logs --init                   the init containers of all stacks, in order
  stackctl logs php-fpm --init -f        follow those of php-fpm, until Ctrl-C
  stackctl logs php-fpm --previous       what a crashed container said before its restart
  stackctl logs --hooks --since 10m      hooks of the last ten minutes that are still there
  stackctl logs -c '^cache' --tail 20    the end of each container whose name begins so
  stackctl logs -o json | jq -r 'select(.role == \"init\") | .line'

With -f, new pods and restarts join by themselves, from their first line. What has ended already
comes first; of the rest --max-log-requests are open at once. Control sequences in logs don't reach
the terminal.")]
pub struct Logs {
    /// Releases whose logs to show [default: all]
    #[arg(value_name = "RELEASE")]
    pub releases: Vec<ReleaseId>,
    /// Only init containers, those that are done too
    #[arg(long)]
    pub init: bool,
    /// Only pods of helm hooks, as far as they are still in the cluster; with --init both
    #[arg(long)]
    pub hooks: bool,
    /// Go on as more is written, until interrupted; new pods and restarts join
    #[arg(short, long)]
    pub follow: bool,
    /// Of each container that was restarted, the run before the present one
    #[arg(long, conflicts_with = "follow")]
    pub previous: bool,
    /// Only so many of the last lines of each container [default: all]
    #[arg(long, value_name = "LINES")]
    pub tail: Option<u32>,
    /// Only lines that are not older, e.g. 10m
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub since: Option<Duration>,
    /// Only containers whose name matches this pattern
    #[arg(short, long, value_name = "REGEX")]
    pub container: Option<String>,
    /// Put the time of each line in front of it
    #[arg(long)]
    pub timestamps: bool,
    /// How many logs may be followed at once
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub max_log_requests: u16,
    /// How to print it; json is one object a line
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: LogFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stackctl plan --profile oro
  stackctl plan --detailed-exitcode      8 where something would change
  stackctl plan -o json | jq '.releases[] | select(.action == \"upgrade\") | .restarts'
  stackctl plan --save oro.plan          keep it for `stackctl up --plan oro.plan`

helm renders every release, and the API server says by a dry run what it would make of each object:
defaults, admission, what can't be changed and whose fields they are included. Secrets are told by
digests. Exit code 5 tells that something would fail.")]
pub struct Plan {
    /// Releases to look at, with all that they need [default: all]
    #[arg(value_name = "RELEASE")]
    pub releases: Vec<ReleaseId>,
    /// Look at the named releases alone, without what they need
    #[arg(long, requires = "releases")]
    pub only: bool,
    /// End with 8 where something would change, with 0 where nothing would
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Use the charts of the lock file that `stackctl lock` made, or end with 3
    #[arg(long)]
    pub locked: bool,
    /// Keep the plan in this file, for `stackctl up --plan`
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Format,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stackctl check --profile oro
  stackctl check --cluster               ask the cluster too what it has and serves
  stackctl check -o sarif > check.sarif  for code scanners
  stackctl check --list                  all rules

Every release is rendered as `stackctl up` would, and rules are applied to the whole stack:
docs/checks.md has all of them. Exit code 3 tells of errors; warnings and notes end with 0. What is
meant to be as it is can be accepted in the profile:
  accept:
    - {rule: image-floating, release: mail, reason: upstream publishes no other tag}")]
pub struct Check {
    /// Ask the cluster what it serves, and what is there that the stack does not make
    #[arg(long)]
    pub cluster: bool,
    /// Print all rules and end
    #[arg(long, conflicts_with = "cluster")]
    pub list: bool,
    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: CheckFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    #[default]
    Text,
    Json,
    Sarif,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stackctl graph --profile oro
  stackctl graph --format mermaid > graph.mmd
  stackctl graph --format dot | dot -Tsvg > graph.svg

Needs that another need implies are left out. No chart is rendered and no cluster asked.")]
pub struct Graph {
    /// Releases to show, with all that they need [default: all]
    #[arg(value_name = "RELEASE")]
    pub releases: Vec<ReleaseId>,
    /// How to draw it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: GraphFormat,
    /// How to print it; json and yaml carry all needs
    #[arg(
        short,
        long,
        value_name = "FORMAT",
        default_value = "text",
        conflicts_with = "format"
    )]
    pub output: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    #[default]
    Text,
    Mermaid,
    Dot,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stackctl init                          profiles/FOLDER.yaml for the charts in charts/
  stackctl init deploy/helm --name shop  profiles/shop.yaml for those in deploy/helm/

Nothing is overwritten. Library charts are left out. What needs what is left to you: `stackctl check`
tells which releases wait for others.")]
pub struct Init {
    /// Folder that has the charts, or is one
    #[arg(value_name = "FOLDER", default_value = "charts")]
    pub charts: PathBuf,
    /// Name of the stack, its namespace and its profile [default: that of this folder]
    #[arg(long, value_name = "NAME")]
    pub name: Option<StackName>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  stackctl completions bash > /etc/bash_completion.d/stackctl
  stackctl completions zsh > ~/.zfunc/_stackctl
  stackctl completions fish > ~/.config/fish/completions/stackctl.fish")]
pub struct Completions {
    /// Shell that is to complete
    pub shell: Shell,
}

/// Reads `90s`, `15m`, `1h30m` as a profile does.
fn duration(text: &str) -> Result<Duration, String> {
    match crate::profile::parse_duration(text)? {
        Duration::ZERO => Err("it must be longer than nothing".to_owned()),
        duration => Ok(duration),
    }
}
