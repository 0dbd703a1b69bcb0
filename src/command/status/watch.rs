//! `--watch`: the table, drawn anew whenever something has changed; in a pipe a line for each
//! change.

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior};

use super::judge::Judge;
use crate::cli::Format;
use crate::command::signals::Signals;
use crate::command::{Context, print};
use crate::error::Failure;
use crate::output::{self, Content, Palette, Size, Stream};
use crate::reporter::screen::Screen;
use crate::reporter::status::{Changes, Overview, lines, picture};

/// Ages grow and patience ends without a word from the cluster.
const TICK: Duration = Duration::from_secs(1);
/// What no watch shows may be taken away without a word as well.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Ends when nobody reads any more.
///
/// # Errors
/// Interrupted, or told to terminate.
pub async fn watch(context: &Context, format: Format, mut judge: Judge<'_>) -> Result<(), Failure> {
    let end = Signals::catch()?.told_to_end();
    tokio::pin!(end);
    let mut display = Display::new(context, format);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut look = tokio::time::interval_at(Instant::now() + LOOK_AGAIN, LOOK_AGAIN);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            failure = &mut end => {
                display.leave(&judge.overview())?;
                return Err(failure);
            }
            () = judge.changed() => judge.refresh().await,
            _ = look.tick() => judge.look_again().await,
            _ = tick.tick() => {}
        }
        if !display.show(&judge.overview())? {
            return Ok(());
        }
    }
}

enum Display {
    Screen {
        screen: Screen,
        palette: Palette,
    },
    Lines {
        out: Stream,
        palette: Palette,
        json: bool,
        started: Instant,
        changes: Changes,
        unseen: Vec<String>,
    },
}

impl Display {
    fn new(context: &Context, format: Format) -> Display {
        let palette = context.environment.stdout_palette(context.common.color);
        if format == Format::Text && context.environment.draws_on_stdout() {
            return Display::Screen {
                screen: Screen::new(Stream::stdout()),
                palette,
            };
        }
        Display::Lines {
            out: match format {
                Format::Json => Stream::stdout().of(Content::Json),
                _ => Stream::stdout().painted(palette),
            },
            palette,
            json: format == Format::Json,
            started: Instant::now(),
            changes: Changes::default(),
            unseen: Vec::new(),
        }
    }

    /// Returns whether anybody still looks.
    fn show(&mut self, overview: &Overview) -> Result<bool, Failure> {
        match self {
            Display::Screen { screen, palette } => {
                let size = Size::of_stdout();
                let picture = picture(overview, Timestamp::now(), size, palette);
                screen.draw(&[], picture, size.columns)?;
                Ok(true)
            }
            Display::Lines {
                out,
                palette,
                json,
                started,
                changes,
                unseen,
            } => {
                print::warnings(overview.unseen.iter().filter(|text| !unseen.contains(text)))?;
                unseen.clone_from(&overview.unseen);
                let told = match json {
                    true => changes
                        .rows(overview, Timestamp::now())
                        .iter()
                        .map(output::json)
                        .collect::<Result<Vec<String>, _>>()
                        .map_err(io::Error::from)?,
                    false => changes.lines(overview, started.elapsed(), palette),
                };
                for line in told {
                    writeln!(out, "{line}")?;
                }
                out.flush()?;
                Ok(!out.is_gone())
            }
        }
    }

    /// The last that was seen stays on the terminal, in full.
    fn leave(&mut self, overview: &Overview) -> Result<(), Failure> {
        let Display::Screen { screen, palette } = self else {
            return Ok(());
        };
        let columns = Size::of_stdout().columns;
        let page = lines(overview, Timestamp::now(), Some(columns), palette);
        Ok(screen.end(&page, columns)?)
    }
}
