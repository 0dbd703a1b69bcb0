//! Says what is being built and for how long.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::{duration, is_watched, say};

/// In a pipe, a sign of life this often.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// One thing being built: a spinner where a person watches, lines elsewhere.
pub(super) struct Progress {
    what: String,
    began: Instant,
    bar: Option<ProgressBar>,
    /// Dropping it ends the heartbeat.
    heart: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    pub(super) fn start(what: &str, usual: &str) -> Self {
        let began = Instant::now();
        let (bar, heart) = if is_watched() {
            let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg}");
            let bar = ProgressBar::new_spinner()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(format!("building {what} ({usual})"));
            bar.enable_steady_tick(Duration::from_millis(100));
            (Some(bar), None)
        } else {
            say(&format!("building {what} ({usual})"));
            (None, Some(heartbeat(what.to_owned(), began)))
        };
        Self {
            what: what.to_owned(),
            began,
            bar,
            heart,
        }
    }

    /// Shows what the build does at the moment.
    pub(super) fn detail(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    /// Says something that stays, such as that a download is tried again.
    pub(super) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }

    pub(super) fn finish(mut self) {
        self.stop();
        say(&format!(
            "built {} in {}",
            self.what,
            duration(self.began.elapsed())
        ));
    }

    fn stop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if let Some((stop, heart)) = self.heart.take() {
            drop(stop);
            let _ = heart.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop();
    }
}

fn heartbeat(what: String, began: Instant) -> (Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = channel();
    let heart = std::thread::spawn(move || {
        while stopped.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
            say(&format!(
                "still building {what}, for {}",
                duration(began.elapsed())
            ));
        }
    });
    (stop, heart)
}
