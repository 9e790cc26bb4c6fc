//! What the system says of this process: memory, processor time, open files.

use std::time::Duration;

/// What this process uses; zeros where the system does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Usage {
    /// Bytes of memory held.
    pub(super) resident: u64,
    /// Processor time used.
    pub(super) cpu: Duration,
    /// Files and sockets open.
    pub(super) files: u64,
}

/// Milliseconds of a clock tick in `/proc/self/stat`: Linux shows a hundred a second everywhere.
const TICK_MS: u64 = 10;
/// Fields of `/proc/self/stat` behind the program's name: user and system time.
const TIMES: std::ops::Range<usize> = 11..13;

/// Asks the system.
pub(super) fn usage() -> Usage {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    Usage {
        resident: resident(&read("/proc/self/status")),
        cpu: cpu(&read("/proc/self/stat")),
        files: std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64),
    }
}

fn resident(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let digits = line.and_then(|line| line.split_whitespace().next());
    let kib = digits.and_then(|digits| digits.parse::<u64>().ok());
    kib.unwrap_or(0).saturating_mul(1_024)
}

fn cpu(stat: &str) -> Duration {
    // The name, in parentheses, may itself hold parentheses and spaces.
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    let fields: Vec<_> = behind.split_whitespace().collect();
    let times = fields.get(TIMES).unwrap_or_default();
    let ticks = times.iter().filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>().saturating_mul(TICK_MS))
}

/// Seconds since 1970 by the wall clock.
pub(super) fn unix_seconds() -> i64 {
    super::whole(crate::consensus::candidates::now().0 / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_time_are_read_whatever_the_program_is_called() {
        let status = "Name:\tx\nVmPeak:\t 9 kB\nVmRSS:\t   2048 kB\n";
        assert_eq!(resident(status), 2 * 1_024 * 1_024);
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 9 0 1 2 3";
        assert_eq!(cpu(stat), Duration::from_secs(2));
        for garbage in ["", ")", "VmRSS:", "VmRSS: many kB", "1 (x) S 1"] {
            assert_eq!((resident(garbage), cpu(garbage)), (0, Duration::ZERO));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_something() {
        let usage = usage();
        assert!(usage.resident > 100_000 && usage.files > 0, "{usage:?}");
    }
}
