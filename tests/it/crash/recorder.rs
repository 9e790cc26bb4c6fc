//! Runs a program under `strace` and says, call by call, what it did to files and what it said.
//! Nothing of the program is changed for it: the calls are those of every run.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// Calls that change files, make changes durable, or are needed to follow those.
const TRACED: &str = "openat,open,creat,close,dup,dup2,dup3,lseek,write,pwrite64,writev,pwritev,\
    fsync,fdatasync,sync,syncfs,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,\
    ftruncate,truncate,fallocate,link,linkat,copy_file_range,sendfile,splice,mmap";

/// A finished system call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Call {
    /// The call.
    pub name: String,
    /// Its arguments as `strace -xx` writes them: no comma or bracket within.
    pub arguments: Vec<String>,
    /// What it returned; negative if it failed.
    pub result: i64,
}

/// Whether programs may be traced here; if not, why.
pub(super) fn check_permitted() -> Result<(), String> {
    let tried = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "--seccomp-bpf",
            "-e",
            "trace=fsync",
            "true",
        ])
        .output();
    match tried {
        Err(error) => Err(format!("strace cannot be started: {error}")),
        Ok(output) if !output.status.success() => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("strace is not permitted: {}", said.trim()))
        }
        Ok(_) => Ok(()),
    }
}

/// Runs the program to its end and returns its calls in the order in which they ended.
pub(super) fn record(program: &mut Command, log: &Path) -> Vec<Call> {
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-qq", "-y", "-xx", "-s", "67108864", "--seccomp-bpf"])
        .args(["-e", "signal=none", "-e", &format!("trace={TRACED}"), "-o"])
        .arg(log)
        .arg(program.get_program())
        .args(program.get_args());
    let output = traced.output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program:?}: {message}");
    let text = std::fs::read_to_string(log).unwrap();
    std::fs::remove_file(log).unwrap();
    calls(&text)
}

fn calls(log: &str) -> Vec<Call> {
    let mut begun: HashMap<&str, String> = HashMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let (thread, text) = line
            .split_once(' ')
            .unwrap_or_else(|| panic!("line {line:?}"));
        let text = text.trim_start();
        if text.starts_with("+++") || text.starts_with("---") {
            continue;
        }
        if let Some(beginning) = text.strip_suffix(" <unfinished ...>") {
            if beginning.starts_with("close(") {
                // Its number may be another file's before it has returned.
                calls.extend(call(&format!("{beginning}) = 0")));
            }
            begun.insert(thread, beginning.to_owned());
            continue;
        }
        let whole = match text.strip_prefix("<... ") {
            None => text.to_owned(),
            Some(end) => {
                let (_, end) = end.split_once(" resumed>").expect("a call that goes on");
                let beginning = begun.remove(thread).expect("a call that began");
                if beginning.starts_with("close(") {
                    continue;
                }
                beginning + end
            }
        };
        calls.extend(call(&whole));
    }
    calls
}

/// One call, or `None` for one that the program's end cut off.
fn call(text: &str) -> Option<Call> {
    let (head, result) = text.rsplit_once(" = ")?;
    let (name, arguments) = head.trim_end().strip_suffix(')')?.split_once('(')?;
    let number = result.split(['<', ' ']).next()?;
    Some(Call {
        name: name.to_owned(),
        arguments: arguments.split(", ").map(str::to_owned).collect(),
        result: number.parse().unwrap_or(-1),
    })
}

/// The bytes of a quoted argument.
pub(super) fn bytes_of(argument: &str) -> Vec<u8> {
    let quoted = argument
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    unescape(quoted.unwrap_or_else(|| panic!("no whole string: {argument:.80}")))
}

/// A path argument.
pub(super) fn path_of(argument: &str) -> String {
    String::from_utf8(bytes_of(argument)).expect("paths of tests are text")
}

/// The number of a descriptor, and the path that it had.
pub(super) fn descriptor(argument: &str) -> (i64, String) {
    let (number, path) = argument.split_once('<').unwrap_or((argument, ""));
    let path = path.split('>').next().unwrap_or_default();
    let number = number.parse().unwrap_or(-1);
    (
        number,
        String::from_utf8_lossy(&unescape(path)).into_owned(),
    )
}

fn unescape(text: &str) -> Vec<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let bytes = text.as_bytes().chunks(4);
    bytes
        .map(|part| match part {
            [b'\\', b'x', high, low] => {
                let (high, low) = (digit(*high), digit(*low));
                high.zip(low).map(|(high, low)| high * 16 + low)
            }
            _ => None,
        })
        .collect::<Option<_>>()
        .unwrap_or_else(|| panic!("not escaped throughout: {text:.80}"))
}

#[test]
fn calls_are_read_also_when_threads_interleave() {
    let log = "9 close(5<\\x2f\\x63> <unfinished ...>\n\
        7 write(3<\\x2f\\x61>, \"\\x41\\x0a\", 2 <unfinished ...>\n\
        8 fsync(4<\\x2f\\x62>) = 0\n\
        7 <... write resumed>)              = 2\n\
        9 <... close resumed>)              = 0\n\
        8 openat(AT_FDCWD<\\x2f>, \"\\x78\", O_RDONLY) = -1 ENOENT (No such file or directory)\n\
        8 +++ exited with 0 +++\n";
    let calls = calls(log);
    let names: Vec<_> = calls
        .iter()
        .map(|call| (call.name.as_str(), call.result))
        .collect();
    assert_eq!(
        names,
        [("close", 0), ("fsync", 0), ("write", 2), ("openat", -1)]
    );
    assert_eq!(descriptor(&calls[2].arguments[0]), (3, "/a".to_owned()));
    assert_eq!(bytes_of(&calls[2].arguments[1]), b"A\n");
}
