//! One file per verb: each wires the rooms together and holds no algorithm of its own.

mod check;
mod completions;
mod doctor;
mod down;
mod drive;
mod emptied;
mod graph;
mod held;
mod history;
mod init;
mod inputs;
mod lease;
mod leash;
mod lock;
mod logs;
mod man;
mod namespaces;
mod orphans;
mod plan;
mod print;
mod profile;
mod rollback;
mod schema;
mod seal;
mod secrets;
mod session;
mod signals;
mod stack_record;
mod stacks;
mod status;
mod up;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use crate::cli::{Cli, Common, Verb};
use crate::error::{Failure, Kind};
use crate::output::{self, ColorChoice, Environment, Palette, Stream};
use crate::process;

pub use leash::{as_tree, on_leash};

/// How long threads may take that were told to end.
const LINGERS: Duration = Duration::from_secs(2);

/// What every verb is given.
#[derive(Debug)]
pub struct Context {
    pub common: Common,
    pub environment: Environment,
}

/// Runs the verb of a command line and says so on stderr when it fails.
pub fn run(cli: &Cli) -> ExitCode {
    let context = Context {
        common: cli.common.clone(),
        environment: Environment::read(),
    };
    let palette = context.environment.stderr_palette(cli.common.color);
    log_for_developers(cli.common.verbose, palette);
    output::reaching(session::reach(&cli.common));
    // One thread, the main one: helm's death signal follows the thread that started it.
    let build = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
    };
    // Without descriptors it would panic.
    let opened = process::ensure_descriptors().and_then(|()| build());
    let result = opened.map_err(Failure::from).and_then(|runtime| {
        let result = runtime.block_on(dispatch(&context, &cli.verb));
        // Threads that copy charts were told to end; a disk that does not answer holds nobody up.
        runtime.shutdown_timeout(LINGERS);
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut stderr = Stream::stderr().painted(palette);
            // With nobody to read it the exit code has to do.
            let _ = failure.render(&mut stderr, palette);
            let _ = stderr.flush();
            ExitCode::from(failure.kind.exit_code())
        }
    }
}

/// What clap says of a command line that is none, or of `--help`; words of the user's are in it.
pub fn not_a_command(said: &clap::Error) -> ExitCode {
    let environment = Environment::read();
    let (stream, palette) = match said.use_stderr() {
        true => (
            Stream::stderr(),
            environment.stderr_palette(ColorChoice::Auto),
        ),
        false => (
            Stream::stdout(),
            environment.stdout_palette(ColorChoice::Auto),
        ),
    };
    let text = match palette.color {
        true => said.render().ansi().to_string(),
        false => said.render().to_string(),
    };
    let mut stream = stream.painted(palette);
    // With nobody to read it the exit code has to do.
    let _ = write!(stream, "{text}").and_then(|()| stream.flush());
    ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(u8::MAX))
}

/// The message of a panic may hold what somebody else has said.
pub fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let trace = std::backtrace::Backtrace::capture();
        let trace = match trace.status() {
            std::backtrace::BacktraceStatus::Captured => format!("\n{trace}"),
            _ => String::new(),
        };
        let _ = writeln!(Stream::stderr(), "error: {panic}{trace}");
    }));
}

async fn dispatch(context: &Context, verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::Up(args) => up::run(context, args).await,
        Verb::Down(args) => down::run(context, args).await,
        Verb::Rollback(args) => rollback::run(context, args).await,
        Verb::History(args) => history::run(context, args).await,
        Verb::Status(args) => status::run(context, args).await,
        Verb::Logs(args) => logs::run(context, args).await,
        Verb::Doctor(args) => doctor::run(context, args).await,
        Verb::Plan(args) => plan::run(context, args).await,
        Verb::Check(args) => check::run(context, args).await,
        Verb::Graph(args) => graph::run(context, args),
        Verb::Init(args) => init::run(args),
        Verb::Lock => lock::run(context).await,
        Verb::Schema => schema::run(),
        Verb::Completions(args) => completions::run(args),
        Verb::Man => man::run(),
    }
}

/// `-v` tells what the libraries do; nothing that users need to read goes this way.
fn log_for_developers(verbose: u8, palette: Palette) {
    let level = match verbose {
        0 => return,
        1 => tracing::Level::INFO,
        2 => tracing::Level::DEBUG,
        _ => tracing::Level::TRACE,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(palette.color)
        .with_writer(move || Stream::stderr().painted(palette));
    // Only fails when one is set already.
    let _ = subscriber.try_init();
}

impl Context {
    fn usage(message: impl std::fmt::Display) -> Failure {
        Failure::new(Kind::Usage, message)
    }
}
