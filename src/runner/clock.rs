use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

use crate::lease::Moment;

/// Goes on while the machine is suspended, where the system has a clock that does (`clock_gettime(2)`;
/// that of macOS is such a one).
#[cfg(any(target_os = "linux", target_os = "android"))]
const SINCE_BOOT: ClockId = ClockId::CLOCK_BOOTTIME;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SINCE_BOOT: ClockId = ClockId::CLOCK_MONOTONIC;

/// Tells the time by all the clocks that there are.
#[derive(Clone)]
pub struct Clock(Rc<dyn Fn() -> Moment>);

impl Clock {
    /// Those of this machine.
    pub fn system() -> Clock {
        let began = Instant::now();
        let since_boot = || clock_gettime(SINCE_BOOT).map_or(Duration::ZERO, Duration::from);
        Clock::of(move || Moment {
            steady: began.elapsed(),
            since_boot: since_boot(),
            wall: Timestamp::now(),
        })
    }

    pub fn of(now: impl Fn() -> Moment + 'static) -> Clock {
        Clock(Rc::new(now))
    }

    pub fn now(&self) -> Moment {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
