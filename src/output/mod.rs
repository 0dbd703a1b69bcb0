//! Where and how the program may write: the one place that reads the environment for
//! presentation and holds the two streams.

mod commands;
mod edge;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::ValueEnum;
use console::{Style, Term};
use indicatif::ProgressBar;

pub use commands::{Reach, completed, completed_command, reaching, reaching_context};
pub use edge::{Content, Edge, harmless, json, needs_escapes};

/// How often a spinner turns.
const SPIN: Duration = Duration::from_millis(120);

/// `--color`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// `--progress`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// `tty` on a terminal outside of CI, else `plain`.
    #[default]
    Auto,
    /// A live tree, redrawn in place.
    Tty,
    /// One line for each change.
    Plain,
    /// One event a line on stdout.
    Json,
    /// Nothing but what went wrong.
    Quiet,
}

/// What [`Progress`] comes down to here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Tty,
    Plain,
    Json,
    Quiet,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`--progress tty` needs a terminal that can move its cursor, and stderr is none")]
pub struct NotATerminal;

/// What the environment says about presentation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Environment {
    /// `NO_COLOR` is set to something (no-color.org).
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set to something other than 0 (bixense.com/clicolors).
    pub force_color: bool,
    /// `TERM=dumb`.
    pub dumb: bool,
    /// `CI` is set to something other than `false` or `0`.
    pub ci: bool,
    /// The locale's character set is UTF-8.
    pub utf8: bool,
    pub stdout_terminal: bool,
    pub stderr_terminal: bool,
}

impl Environment {
    pub fn read() -> Environment {
        Environment {
            stdout_terminal: io::stdout().is_terminal(),
            stderr_terminal: io::stderr().is_terminal(),
            ..Environment::from_variables(|name| {
                std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
            })
        }
    }

    /// Only the variables; neither stream is taken for a terminal.
    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Environment {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        // The first of the three that is set decides: POSIX, XBD 8.2.
        let locale = set("LC_ALL")
            .or_else(|| set("LC_CTYPE"))
            .or_else(|| set("LANG"))
            .unwrap_or_default()
            .to_ascii_lowercase();
        Environment {
            no_color: set("NO_COLOR").is_some(),
            force_color: set("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            dumb: set("TERM").is_some_and(|value| value == "dumb"),
            ci: set("CI").is_some_and(|value| value != "false" && value != "0"),
            utf8: cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8"),
            stdout_terminal: false,
            stderr_terminal: false,
        }
    }

    pub fn mode(&self, progress: Progress) -> Result<Mode, NotATerminal> {
        let capable = self.stderr_terminal && !self.dumb;
        match progress {
            Progress::Auto if capable && !self.ci => Ok(Mode::Tty),
            Progress::Auto | Progress::Plain => Ok(Mode::Plain),
            Progress::Tty if capable => Ok(Mode::Tty),
            Progress::Tty => Err(NotATerminal),
            Progress::Json => Ok(Mode::Json),
            Progress::Quiet => Ok(Mode::Quiet),
        }
    }

    /// The palette for text on stderr.
    pub fn stderr_palette(&self, color: ColorChoice) -> Palette {
        self.palette(color, self.stderr_terminal)
    }

    /// The palette for data on stdout.
    pub fn stdout_palette(&self, color: ColorChoice) -> Palette {
        self.palette(color, self.stdout_terminal)
    }

    fn palette(&self, color: ColorChoice, terminal: bool) -> Palette {
        let color = match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if self.no_color => false,
            ColorChoice::Auto => self.force_color || (terminal && !self.dumb),
        };
        Palette {
            color,
            unicode: self.utf8 && !self.dumb,
        }
    }

    /// Says on a terminal what is being waited for, until the guard is dropped. Elsewhere nothing:
    /// what takes so long ends with an answer or an error.
    pub fn waiting_for(&self, what: &str) -> Waiting {
        let person = self.stderr_terminal && !self.dumb && !self.ci;
        Waiting(person.then(|| {
            let spinner =
                ProgressBar::new_spinner().with_message(format!("{} ...", harmless(what)));
            spinner.enable_steady_tick(SPIN);
            spinner
        }))
    }

    /// Somebody sits there who sees a question and can answer it.
    pub fn can_ask(&self) -> bool {
        self.stderr_terminal && io::stdin().is_terminal()
    }

    /// Asks a question that is to be answered with yes or no; no answer is a no.
    ///
    /// # Errors
    /// The terminal can't be written to or read from.
    pub fn ask(&self, question: &str) -> io::Result<bool> {
        let mut stderr = Stream::stderr();
        write!(stderr, "{question} [y/N] ")?;
        stderr.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(
            answer.trim().to_ascii_lowercase().as_str(),
            "y" | "yes"
        ))
    }

    /// stdout is a terminal that can move its cursor, and a person looks at it.
    pub fn draws_on_stdout(&self) -> bool {
        self.stdout_terminal && !self.dumb && !self.ci
    }

    /// How wide stdout's terminal is; nothing if it is none, and then nothing is cut.
    pub fn stdout_width(&self) -> Option<usize> {
        self.stdout_terminal
            .then(|| Size::of(&Term::stdout()).columns)
    }

    /// How wide stderr's terminal is; nothing if it is none.
    pub fn stderr_width(&self) -> Option<usize> {
        self.stderr_terminal.then(|| Size::of_stderr().columns)
    }
}

/// A spinner, gone without a trace when dropped.
pub struct Waiting(Option<ProgressBar>);

impl Waiting {
    /// A line of its own, wherever stderr goes.
    pub fn note(&self, text: &str) {
        let text = harmless(text);
        match &self.0 {
            Some(spinner) => spinner.println(text),
            // Whoever has closed stderr wants no notes.
            None => drop(writeln!(Stream::stderr(), "{text}")),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(spinner) = &self.0 {
            spinner.finish_and_clear();
        }
    }
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub rows: usize,
    pub columns: usize,
}

impl Size {
    /// Of the terminal on stderr, asked anew each time.
    pub fn of_stderr() -> Size {
        Size::of(&Term::stderr())
    }

    /// Of the terminal on stdout, asked anew each time.
    pub fn of_stdout() -> Size {
        Size::of(&Term::stdout())
    }

    /// 24 by 80 where the terminal doesn't say or says 0, as some of CI's do.
    pub fn of(term: &Term) -> Size {
        let (rows, columns) = term.size_checked().unwrap_or((24, 80));
        let or = |number: u16, otherwise: usize| match number {
            0 => otherwise,
            number => usize::from(number),
        };
        Size {
            rows: or(rows, 24),
            columns: or(columns, 80),
        }
    }
}

/// Colours and symbols, or their plain stand-ins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Palette {
    pub color: bool,
    pub unicode: bool,
}

impl Palette {
    pub fn good(&self, text: &str) -> String {
        self.paint(Style::new().green(), text)
    }

    pub fn bad(&self, text: &str) -> String {
        self.paint(Style::new().red(), text)
    }

    pub fn warn(&self, text: &str) -> String {
        self.paint(Style::new().yellow(), text)
    }

    pub fn dim(&self, text: &str) -> String {
        self.paint(Style::new().dim(), text)
    }

    pub fn bold(&self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// The colour of the release at this place in the plan; none of them means good or bad.
    pub fn release(&self, position: usize, text: &str) -> String {
        let style = match position % 6 {
            0 => Style::new().cyan(),
            1 => Style::new().magenta(),
            2 => Style::new().blue().bright(),
            3 => Style::new().cyan().bright(),
            4 => Style::new().magenta().bright(),
            _ => Style::new().blue(),
        };
        self.paint(style, text)
    }

    /// The first where the terminal shows more than ASCII, else the second.
    pub fn symbol(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.unicode { unicode } else { ascii }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        style.force_styling(true).apply_to(text).to_string()
    }
}

/// A stream that goes quiet once its reader is gone: `stackctl status | head -1` is no error.
/// Foreign text that passes through it has no power over a terminal or a CI runner ([`Content`]).
pub struct Stream {
    inner: Option<Box<dyn Write + Send>>,
    edge: Edge,
    /// What is written and not yet passed on: the beginning of a line.
    line: Vec<u8>,
}

impl Stream {
    pub fn new(inner: impl Write + Send + 'static) -> Stream {
        Stream {
            inner: Some(Box::new(inner)),
            edge: Edge::new(Content::Text { colors: false }),
            line: Vec::new(),
        }
    }

    /// For data.
    pub fn stdout() -> Stream {
        Stream::new(io::stdout())
    }

    /// For text that people read.
    pub fn stderr() -> Stream {
        Stream::new(io::stderr())
    }

    /// What is written from now on; text without colours at first.
    pub fn of(mut self, content: Content) -> Stream {
        self.edge = Edge::new(content);
        self
    }

    /// For text in the palette's colours.
    pub fn painted(self, palette: Palette) -> Stream {
        self.of(Content::Text {
            colors: palette.color,
        })
    }

    /// Writes what has nothing foreign in it, or is harmless already, as it is: drawings, scripts.
    ///
    /// # Errors
    /// The stream can't be written to.
    pub fn verbatim(&mut self, text: &str) -> io::Result<()> {
        self.attempt(|inner| inner.write_all(text.as_bytes()))
    }

    /// Its reader went away: nothing that is written goes anywhere.
    pub fn is_gone(&self) -> bool {
        self.inner.is_none()
    }

    fn attempt(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let Some(inner) = self.inner.as_mut() else {
            return Ok(());
        };
        match write(inner) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.inner = None;
                Ok(())
            }
            result => result,
        }
    }

    /// Passes on the first so many bytes that wait.
    fn pass(&mut self, bytes: usize) -> io::Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        let rest = self.line.split_off(bytes);
        let text = std::mem::replace(&mut self.line, rest);
        let text = self.edge.pass(&String::from_utf8_lossy(&text));
        self.attempt(|inner| inner.write_all(text.as_bytes()))
    }
}

impl Write for Stream {
    /// Whole lines are passed on, so that nothing foreign is read in parts.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        let whole = self.line.iter().rposition(|byte| *byte == b'\n');
        self.pass(whole.map_or(0, |at| at + 1))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass(self.line.len())?;
        self.attempt(|inner| inner.flush())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Whoever wants to know whether it arrived flushes.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::from_variables(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn on_terminal(variables: &[(&str, &str)]) -> Environment {
        Environment {
            stderr_terminal: true,
            ..environment(variables)
        }
    }

    #[test]
    fn auto_is_a_tree_only_on_a_terminal_that_a_person_watches() {
        let auto = |environment: Environment| environment.mode(Progress::Auto);
        assert_eq!(auto(on_terminal(&[("TERM", "xterm")])), Ok(Mode::Tty));
        assert_eq!(auto(environment(&[("TERM", "xterm")])), Ok(Mode::Plain));
        assert_eq!(auto(on_terminal(&[("TERM", "dumb")])), Ok(Mode::Plain));
        assert_eq!(auto(on_terminal(&[("CI", "true")])), Ok(Mode::Plain));
        assert_eq!(auto(on_terminal(&[("CI", "false")])), Ok(Mode::Tty));
    }

    #[test]
    fn asking_for_a_tree_without_a_terminal_is_an_error() {
        let tty = |environment: Environment| environment.mode(Progress::Tty);
        assert_eq!(tty(on_terminal(&[("CI", "1")])), Ok(Mode::Tty));
        assert_eq!(tty(environment(&[])), Err(NotATerminal));
        assert_eq!(tty(on_terminal(&[("TERM", "dumb")])), Err(NotATerminal));
    }

    #[test]
    fn colour_follows_the_flag_then_the_variables_then_the_terminal() {
        let color = |environment: Environment, choice| environment.stderr_palette(choice).color;
        assert!(color(on_terminal(&[]), ColorChoice::Auto));
        assert!(!color(environment(&[]), ColorChoice::Auto));
        let none = [("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")];
        assert!(!color(on_terminal(&none), ColorChoice::Auto));
        assert!(color(on_terminal(&none), ColorChoice::Always));
        let forced = [("CLICOLOR_FORCE", "1")];
        assert!(color(environment(&forced), ColorChoice::Auto));
        assert!(!color(environment(&forced), ColorChoice::Never));
        let not_forced = [("CLICOLOR_FORCE", "0"), ("NO_COLOR", "")];
        assert!(!color(environment(&not_forced), ColorChoice::Auto));
        assert!(color(on_terminal(&not_forced), ColorChoice::Auto));
    }

    #[test]
    fn the_first_locale_variable_decides_on_symbols() {
        let unicode = |variables: &[(&str, &str)]| environment(variables).utf8;
        assert!(unicode(&[("LANG", "de_DE.UTF-8")]));
        assert!(unicode(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")]));
        assert!(!unicode(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
    }

    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error_and_a_full_disk_is_one() {
        let mut closed = Stream::new(Failing(io::ErrorKind::BrokenPipe));
        assert!(writeln!(closed, "text").is_ok());
        assert!(closed.flush().is_ok());
        assert!(closed.is_gone());
        let mut full = Stream::new(Failing(io::ErrorKind::StorageFull));
        assert!(writeln!(full, "text").is_err());
    }
}
