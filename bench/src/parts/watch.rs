//! What stackctl takes while it watches many releases that are not ready.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};
use nix::unistd::{SysconfVar, sysconf};

use super::waiting;
use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::figures::met;
use crate::interrupt;
use crate::output::say;
use crate::table::Table;

const NAMESPACE: &str = "bench-watch";
/// MiB that stackctl stays under.
const MEMORY_GOAL: f64 = 50.0;
/// Percent of a core that it stays under.
const CPU_GOAL: f64 = 3.0;

pub fn measure(bench: &Bench, cluster: &Cluster) -> Result<Vec<Table>> {
    let size = bench.large;
    let (mut memory, mut cpu) = (0.0_f64, 0.0_f64);
    for run in 1..=bench.runs {
        say(&format!("{size} releases, run {run} of {}", bench.runs));
        let waiting = waiting::start(bench, cluster, NAMESPACE, size)?;
        let id = waiting.stackctl.id();
        let (began, before) = (Instant::now(), cpu_seconds(id)?);
        interrupt::pause(bench.watching)?;
        let used = cpu_seconds(id)? - before;
        let percent = 100.0 * used / began.elapsed().as_secs_f64();
        let peak = peak_mib(id)?;
        waiting.stackctl.stop()?;
        say(&format!("{peak:.1} MiB, {percent:.2} %"));
        memory = memory.max(peak);
        cpu = cpu.max(percent);
    }
    cluster.remove(NAMESPACE)?;
    let columns = [
        "stackctl", "releases", "seconds", "most", "runs", "goal", "met",
    ];
    let mut table = Table::new("watch", &columns);
    let rows = [
        (
            "memory, peak",
            format!("{memory:.1} MiB"),
            format!("< {MEMORY_GOAL} MiB"),
            memory < MEMORY_GOAL,
        ),
        (
            "CPU, of one core",
            format!("{cpu:.2} %"),
            format!("< {CPU_GOAL} %"),
            cpu < CPU_GOAL,
        ),
    ];
    for (what, most, goal, reached) in rows {
        table.row([
            what.to_owned(),
            size.to_string(),
            bench.watching.as_secs().to_string(),
            most,
            bench.runs.to_string(),
            goal,
            met(reached),
        ]);
    }
    Ok(vec![table])
}

/// The CPU time of a process so far, its ended children left out: `utime` and `stime` of proc(5).
fn cpu_seconds(id: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).context("stackctl ended early")?;
    let ticks = cpu_ticks(&text).context("reading the CPU time of stackctl")?;
    let each_second = sysconf(SysconfVar::CLK_TCK)?.context("the length of a tick")?;
    Ok(ticks as f64 / each_second as f64)
}

/// The name in the second field may hold blanks, so fields are counted from behind it: `utime` is the
/// twelfth there.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The most memory that a process had at once, in MiB.
fn peak_mib(id: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/status")).context("stackctl ended early")?;
    let kib = peak_kib(&text).context("reading the memory of stackctl")?;
    Ok(kib as f64 / 1024.0)
}

fn peak_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_moves_no_field() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 200 0 0 31 11 5 6 20 0 1 0 99 1000 50";
        assert_eq!(cpu_ticks(stat), Some(42));
    }

    #[test]
    fn the_peak_and_not_the_present() {
        let status = "Name:\tstackctl\nVmHWM:\t   31744 kB\nVmRSS:\t   20000 kB\n";
        assert_eq!(peak_kib(status), Some(31744));
    }
}
