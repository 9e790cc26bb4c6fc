//! The daemon as its operator meets it: one real process, a ledger with one validator.
#![allow(
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "a story is told in one piece; a test's panic is its report, helpers included"
)]

mod ceremony;
mod full_disk;
mod metrics;
mod stops;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chipledger_ledger::fixture;
use chipledger_node::guard::{Guard, guard_path};
use chipledger_node::keys::{MemberKey, Purpose};

/// How long anything that a test waits for may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Looks again and again until something is there.
fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A node's folder, and the node while it runs; it ends with this.
struct Daemon {
    dir: tempfile::TempDir,
    api: SocketAddr,
    child: Option<Child>,
}

impl Daemon {
    /// The folder of a validator that is alone; `heartbeat_ms` apart it makes empty blocks.
    fn new(heartbeat_ms: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        Self::with_data(dir, data, heartbeat_ms)
    }

    /// The same with its data directory elsewhere.
    fn with_data(dir: tempfile::TempDir, data: PathBuf, heartbeat_ms: u64) -> Self {
        let keys = dir.path().join("keys");
        let member = |name: &str| MemberKey {
            member: fixture::id("REG-1"),
            key: fixture::key(name),
        };
        member("REG-1's peer")
            .save(&keys.join("peer.json"), Purpose::Peer)
            .unwrap();
        let path = keys.join("validator.json");
        let validator = member("REG-1");
        validator.save(&path, Purpose::Validator).unwrap();
        Guard::create(&validator, &guard_path(&path)).unwrap();
        let genesis = serde_json::to_string(&fixture::genesis()).unwrap();
        std::fs::write(dir.path().join("genesis.json"), genesis).unwrap();
        let [api, peers] = [free_port(), free_port()];
        let config = format!(
            "data = \"{}\"\ngenesis = \"genesis.json\"\npeer_key = \"keys/peer.json\"\n\
             [validator]\nkey = \"keys/validator.json\"\n\
             [network]\nlisten = [\"/ip4/127.0.0.1/tcp/{}\"]\n\
             [api]\nlisten = \"{api}\"\n\
             [consensus]\nblock_interval_ms = 10\nheartbeat_ms = {heartbeat_ms}\n",
            data.display(),
            peers.port()
        );
        std::fs::write(dir.path().join("node.toml"), config).unwrap();
        Self {
            dir,
            api,
            child: None,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts it under a shell that sets limits first.
    fn start_after(&mut self, limits: &str) {
        let log = std::fs::File::create(self.path("log")).unwrap();
        let child = Command::new("bash")
            .args(["-c", &format!("{limits}; exec \"$@\""), "limited"])
            .arg(env!("CARGO_BIN_EXE_chipledger-node"))
            .args(["run", "--config"])
            .arg(self.path("node.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    fn start(&mut self) {
        self.start_after(":");
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }

    /// The body of an answer with status 200.
    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.api).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: node\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        head.lines()
            .next()?
            .contains(" 200 ")
            .then(|| body.to_owned())
    }

    fn height(&self) -> Option<u64> {
        let health: serde_json::Value = serde_json::from_str(&self.get("/v1/health")?).ok()?;
        health["height"]
            .as_u64()
            .or_else(|| health["height"].as_str()?.parse().ok())
    }

    /// Waits until it has committed that height.
    fn reach(&mut self, height: u64) {
        wait_until(&format!("height {height}; {}", self.log()), || {
            self.height().filter(|at| *at >= height)
        });
    }

    /// Waits for its end and gives its exit code.
    fn ended(&mut self) -> i32 {
        let mut child = self.child.take().unwrap();
        let status = wait_until("the end of the process", || child.try_wait().unwrap());
        status.code().unwrap_or(-1)
    }

    /// Tells it to stop; gives the exit code and how long it took.
    fn terminate(&mut self, signal: &str) -> (i32, Duration) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let start = Instant::now();
        let mut shell = Command::new("bash");
        let shell = shell.args(["-c", "kill -s \"$0\" \"$1\"", signal, &id]);
        let told = shell.status().unwrap();
        assert!(told.success());
        (self.ended(), start.elapsed())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free_port() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap()
}

/// Runs the program to its end: exit code, and everything that it said.
fn program(arguments: &[&str], dir: &Path) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_chipledger-node"))
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut said = String::from_utf8(output.stdout).unwrap();
    said.push_str(&String::from_utf8(output.stderr).unwrap());
    (output.status.code().unwrap_or(-1), said)
}
