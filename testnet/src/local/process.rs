//! A node's process: started, paused, told to stop, killed.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often an ending process is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A process cannot be started or told something.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program is not there. Build it: `cargo build --release --workspace`.
    #[error("{} does not exist; build it with cargo build --release --workspace", program.display())]
    NoProgram {
        /// The program.
        program: PathBuf,
    },
    /// The system refuses. The source says why.
    #[error("{}: {source}", what.display())]
    Io {
        /// The program or file.
        what: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The program of the same build as this one.
///
/// # Errors
/// When it was not built.
pub fn beside_this(name: &str) -> Result<PathBuf, ProcessError> {
    let this = std::env::current_exe().map_err(|source| io(Path::new(name), source))?;
    // A test's program lies one folder deeper than those that are installed.
    let folders = this.ancestors().skip(1).take(2);
    let mut found = folders.map(|folder| folder.join(name));
    let program = this.with_file_name(name);
    found
        .find(|path| path.is_file())
        .ok_or(ProcessError::NoProgram { program })
}

fn io(what: &Path, source: std::io::Error) -> ProcessError {
    ProcessError::Io {
        what: what.to_owned(),
        source,
    }
}

/// A program that is run again and again, one process at a time. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    dir: PathBuf,
    program: PathBuf,
    arguments: Vec<OsString>,
    child: Option<Child>,
    paused: bool,
}

impl Process {
    /// A program whose `pid` and `log` lie in `dir`; not started.
    pub fn new(dir: &Path, program: &Path, arguments: Vec<OsString>) -> Self {
        Self {
            dir: dir.to_owned(),
            program: program.to_owned(),
            arguments,
            child: None,
            paused: false,
        }
    }

    /// Another program, or other arguments, from the next start on.
    pub fn becomes(&mut self, program: &Path, arguments: Vec<OsString>) {
        program.clone_into(&mut self.program);
        self.arguments = arguments;
    }

    /// What it says.
    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Starts it if it does not run; its words are appended to the log.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn start(&mut self) -> Result<(), ProcessError> {
        if self.is_running()? {
            return Ok(());
        }
        let log = self.log();
        let mut options = File::options();
        let opened = options.append(true).create(true).open(&log);
        let output = opened.map_err(|source| io(&log, source))?;
        let errors = output.try_clone().map_err(|source| io(&log, source))?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        // A group of its own: Ctrl-C is for this program, which stops the nodes in order.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command
            .spawn()
            .map_err(|source| io(&self.program, source))?;
        let pid = self.dir.join("pid");
        let written = std::fs::write(&pid, format!("{}\n", child.id()));
        self.child = Some(child);
        self.paused = false;
        written.map_err(|source| io(&pid, source))
    }

    /// Whether it runs; a paused process does.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn is_running(&mut self) -> Result<bool, ProcessError> {
        let Some(child) = &mut self.child else {
            return Ok(false);
        };
        let ended = child
            .try_wait()
            .map_err(|source| io(&self.program, source))?;
        Ok(ended.is_none())
    }

    /// Whether it was started and has ended by itself.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn has_ended(&mut self) -> Result<bool, ProcessError> {
        Ok(self.child.is_some() && !self.is_running()?)
    }

    /// Its number, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Kills it at once, as a power cut would end it, and waits until it is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<(), ProcessError> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        let killed = child.kill().and_then(|()| child.wait());
        let _ = std::fs::remove_file(self.dir.join("pid"));
        killed.map(drop).map_err(|source| io(&self.program, source))
    }

    /// Stops the clock for it: it keeps its connections and says nothing.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn pause(&mut self) -> Result<(), ProcessError> {
        self.paused = true;
        self.signal("STOP")
    }

    /// Lets it go on after a pause.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn go_on(&mut self) -> Result<(), ProcessError> {
        self.paused = false;
        self.signal("CONT")
    }

    /// Asks it to stop.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn terminate(&mut self) -> Result<(), ProcessError> {
        if self.paused {
            self.go_on()?;
        }
        self.signal("TERM")
    }

    /// Waits for its end, and kills it if it has not ended by then.
    pub fn wait_until(&mut self, until: Instant) {
        while matches!(self.is_running(), Ok(true)) && Instant::now() < until {
            std::thread::sleep(LOOK);
        }
        // Nothing can be done about a process that the system does not let go.
        let _ = self.kill();
    }

    /// The shell's own `kill`: the standard library can only kill.
    fn signal(&self, name: &str) -> Result<(), ProcessError> {
        let Some(child) = &self.child else {
            return Ok(());
        };
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "kill -s \"$0\" \"$1\"", name, &child.id().to_string()]);
        shell.stderr(Stdio::null());
        let status = shell
            .status()
            .map_err(|source| io(Path::new("/bin/sh"), source))?;
        if status.success() {
            return Ok(());
        }
        let gone = std::io::Error::other(format!("process {} took no {name}", child.id()));
        Err(io(&self.program, gone))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.kill();
    }
}
