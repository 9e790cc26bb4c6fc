//! A full disk stops the node with one clear message, and it goes on when there is room again.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Daemon, wait_until};

/// What every fatal end has: the last two lines say what happened and what to do.
fn expect_fatal(daemon: &mut Daemon, cause: &str) {
    let code = daemon.ended();
    let log = daemon.log();
    assert_eq!(code, 3, "{log}");
    let mut last = log.lines().rev();
    let hint = last
        .find(|line| line.starts_with("Hint: "))
        .unwrap_or_default();
    assert!(hint.contains("ake room"), "{log}");
    let error = last
        .find(|line| line.starts_with("Error: "))
        .unwrap_or_default();
    assert!(error.len() > 20, "{log}");
    assert!(log.contains(cause), "{log}");
    assert_eq!(log.matches("Error: ").count(), 1, "{log}");
}

#[test]
fn a_file_that_cannot_grow_stops_the_node_and_it_goes_on_when_it_can() {
    let mut daemon = Daemon::new(20);
    // Without the signal, a write beyond the limit returns an error, as on a full disk.
    daemon.start_after("trap '' XFSZ; ulimit -f 384");
    expect_fatal(&mut daemon, "File too large");
    daemon.start();
    wait_until("an answer", || daemon.height());
    let height = daemon.height().unwrap();
    assert!(height > 5, "{height}");
    daemon.reach(height + 3);
    assert_eq!(daemon.terminate("TERM").0, 0);
}

/// A file system of a few megabytes; it is taken away with this.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mounted() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        let mount = mount
            .args(["-t", "tmpfs", "-o", "size=80m", "tmpfs"])
            .arg(dir.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then(|| Self(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Takes all the room that is left, and what the node gives back, until it has ended: a file
    /// that it replaces, or a log that the database has laid out, can carry it on for a while.
    fn fill(&self, daemon: &mut Daemon) {
        let of = format!("of={}", self.ballast().display());
        wait_until("the end of a node without room", || {
            let mut fill = Command::new("dd");
            let fill = fill.args(["if=/dev/zero", "bs=4096", "oflag=append", "conv=notrunc"]);
            assert!(!fill.arg(&of).output().unwrap().status.success());
            daemon.child.as_mut().unwrap().try_wait().unwrap()
        });
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk_stops_the_node_and_it_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mounted() else {
        eprintln!("skipped: only root can mount a small disk; the limit on file size is tested");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::with_data(dir, disk.path().join("data"), 20);
    daemon.start();
    daemon.reach(5);
    disk.fill(&mut daemon);
    expect_fatal(&mut daemon, "No space left on device");
    assert!(daemon.log().contains("was full; "), "{}", daemon.log());

    // While it is full the node does not start, and says so again.
    daemon.start();
    disk.fill(&mut daemon);
    expect_fatal(&mut daemon, "No space left on device");
    std::fs::remove_file(disk.ballast()).unwrap();
    daemon.start();
    wait_until("an answer", || daemon.height());
    let height = daemon.height().unwrap();
    assert!(height >= 5, "{height}");
    daemon.reach(height + 3);
    assert_eq!(daemon.terminate("TERM").0, 0);
}
