//! How the node stops when it is told to, and what it says of who runs.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use super::{Daemon, program};

/// What a supervisor waits for before it kills.
const STOP_MAX: Duration = Duration::from_secs(10);

#[test]
fn a_node_stops_in_time_on_either_signal_with_clients_listening() {
    let mut daemon = Daemon::new(50);
    for signal in ["TERM", "INT"] {
        daemon.start();
        daemon.reach(2);
        let mut listening = TcpStream::connect(daemon.api).unwrap();
        write!(listening, "GET /v1/events HTTP/1.1\r\nHost: node\r\n\r\n").unwrap();
        let (code, took) = daemon.terminate(signal);
        assert_eq!(code, 0, "{}", daemon.log());
        assert!(took < STOP_MAX, "{took:?}");
        assert!(daemon.log().contains("stopped"), "{}", daemon.log());
    }
}

#[test]
fn a_second_node_on_the_directory_is_told_who_runs_there() {
    let mut daemon = Daemon::new(1_000);
    daemon.start();
    daemon.reach(1);
    let id = daemon.child.as_ref().unwrap().id();
    let (code, said) = program(&["run", "--config", "node.toml"], daemon.dir.path());
    assert_eq!(code, 3, "{said}");
    let holder = format!("is in use by process {id} (chipledger-node) since 20");
    assert!(said.contains(&holder), "{said}");
    assert!(said.contains("Hint: Stop that process first."), "{said}");
    let (code, said) = program(&["reset-wal", "--config", "node.toml"], daemon.dir.path());
    assert!(code == 1 && said.contains(&holder), "{said}");
}

/// A night shift reads the log of a quiet network: what runs, and nothing of engine or dials.
#[test]
fn the_log_of_a_quiet_node_is_a_handful_of_lines() {
    let mut daemon = Daemon::new(50);
    daemon.start();
    daemon.reach(40);
    daemon.terminate("TERM");
    let log = daemon.log();
    assert!(log.lines().count() <= 8, "{log}");
    assert!(log.contains("the node runs"), "{log}");
    assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
}

#[test]
fn a_configuration_that_cannot_be_is_refused_with_its_line_by_every_command() {
    let daemon = Daemon::new(50);
    let path = daemon.path("node.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("heartbeat_ms = 50", "heartbeat_ms = 5")).unwrap();
    for command in ["check-config", "run", "peers"] {
        let (code, said) = program(&[command, "--config", "node.toml"], daemon.dir.path());
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("line 12: consensus.heartbeat_ms:"), "{said}");
    }
}
