//! The hidden verb that ties a helm's life to ours.

use std::ffi::OsString;
use std::io::Write;
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
        let program = program.display();
        let message = format!("`{program}` can't be started: {error}");
        let mut stderr = Stream::stderr();
        // With nobody to read it the exit code has to do.
        let _ = Failure::new(Kind::Environment, message).render(&mut stderr, Palette::default());
        let _ = stderr.flush();
    }
    ExitCode::from(process::NOT_STARTED)
}
