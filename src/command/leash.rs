//! The hidden verbs that tie a program's life to ours: helm's, and a command's with all that it starts.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::process::ExitCode;

use crate::error::{Failure, Kind};
use crate::output::{Palette, Stream};
use crate::process;

/// `stackctl __leash PARENT PROGRAM ARGS...`: becomes the program, tied to the parent's life.
/// Returns only where it can't, and has said why then.
pub fn on_leash(args: &[OsString]) -> ExitCode {
    let parent = args.first().and_then(|pid| pid.to_str()?.parse().ok());
    if let (Some(parent), Some(program)) = (parent, args.get(1)) {
        let error = process::exec_on_leash(parent, program, &args[2..]);
        say(program, &error);
    }
    ExitCode::from(process::NOT_STARTED)
}

/// `stackctl __tree PROGRAM ARGS...`: runs the program, and ends all that it has started when it ends
/// or when the pipe on our standard input does.
pub fn as_tree(args: &[OsString]) -> ExitCode {
    let Some(program) = args.first() else {
        return ExitCode::from(process::NOT_STARTED);
    };
    process::tree::run(program, &args[1..]).unwrap_or_else(|error| {
        say(program, &error);
        ExitCode::from(process::NOT_STARTED)
    })
}

fn say(program: &OsStr, error: &io::Error) {
    let message = format!("`{}` can't be started: {error}", program.display());
    let mut stderr = Stream::stderr();
    // With nobody to read it the exit code has to do.
    let _ = Failure::new(Kind::Environment, message).render(&mut stderr, Palette::default());
    let _ = stderr.flush();
}
