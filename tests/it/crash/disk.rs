//! A disk that remembers which of its bytes and names are durable: what a recorded program did,
//! and what a crash after any of its calls leaves.
//!
//! Stricter than any file system: a name is durable only once its directory was synced, bytes only
//! once their file was.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::recorder::{Call, bytes_of, descriptor, path_of};

const SECTOR_BYTES: usize = 512;

/// What a crash takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Loss {
    /// Nothing: the process died.
    Nothing,
    /// All that was not synced: the power failed.
    Unsynced,
    /// Bytes that were not synced; names are kept.
    Bytes,
    /// Names that were not synced; bytes are kept.
    Names,
    /// Some of each: any part of what was not synced, whole sectors as zeros.
    Some(u64),
}

/// What a call did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Effect {
    /// Nothing to the files below the root.
    None,
    /// It changed or synced a file or a directory, by name.
    Changed(String),
    /// It wrote to standard output.
    Said(String),
}

/// Files and directories by path; a directory has no content.
pub(super) type Image = BTreeMap<String, Option<Arc<Vec<u8>>>>;

type Names = BTreeMap<String, usize>;

#[derive(Clone, Debug)]
enum Node {
    File {
        now: Arc<Vec<u8>>,
        synced: Arc<Vec<u8>>,
    },
    Directory {
        synced: Names,
        pending: Vec<Naming>,
    },
}

/// A change of a directory that may not be durable yet.
#[derive(Clone, Debug)]
enum Naming {
    Put(String, usize),
    Remove(String),
    /// In one step.
    Rename {
        from: String,
        to: String,
    },
}

#[derive(Clone, Copy, Debug)]
struct Open {
    node: usize,
    at: usize,
    append: bool,
}

/// The disk below one directory.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    root: String,
    nodes: Vec<Node>,
    open: HashMap<i64, Open>,
}

const ROOT: usize = 0;

impl Disk {
    /// What lies in a directory now, all of it durable.
    pub(super) fn load(root: &Path) -> Self {
        let mut disk = Self {
            root: root.to_str().unwrap().to_owned(),
            nodes: Vec::new(),
            open: HashMap::new(),
        };
        disk.load_directory(root);
        disk
    }

    fn load_directory(&mut self, dir: &Path) -> usize {
        let number = self.add(Node::Directory {
            synced: Names::new(),
            pending: Vec::new(),
        });
        let mut names = Names::new();
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let node = if entry.file_type().unwrap().is_dir() {
                self.load_directory(&entry.path())
            } else {
                let content = Arc::new(std::fs::read(entry.path()).unwrap());
                self.add(Node::File {
                    now: Arc::clone(&content),
                    synced: content,
                })
            };
            names.insert(entry.file_name().into_string().unwrap(), node);
        }
        self.nodes[number] = Node::Directory {
            synced: names,
            pending: Vec::new(),
        };
        number
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// What a crash now leaves.
    pub(super) fn image(&self, loss: Loss) -> Image {
        let mut image = Image::new();
        let mut rng = match loss {
            Loss::Some(seed) => Some(ChaCha8Rng::seed_from_u64(seed)),
            _ => None,
        };
        self.collect(ROOT, "", loss, &mut rng, &mut image);
        image
    }

    fn collect(
        &self,
        node: usize,
        path: &str,
        loss: Loss,
        rng: &mut Option<ChaCha8Rng>,
        image: &mut Image,
    ) {
        match &self.nodes[node] {
            Node::File { now, synced } => {
                let content = match (loss, rng) {
                    (Loss::Nothing | Loss::Names, _) => Arc::clone(now),
                    (Loss::Some(_), Some(rng)) if now != synced => Arc::new(part(
                        now,
                        synced,
                        path.rsplit_once('.').is_some_and(|(_, kind)| kind == "log")
                            || path.contains("/MANIFEST-"),
                        rng,
                    )),
                    _ => Arc::clone(synced),
                };
                image.insert(path.to_owned(), Some(content));
            }
            Node::Directory { synced, pending } => {
                let kept = match (loss, rng.as_mut()) {
                    (Loss::Nothing | Loss::Bytes, _) => pending.len(),
                    (Loss::Some(_), Some(rng)) => rng.random_range(0..=pending.len()),
                    _ => 0,
                };
                image.insert(path.to_owned(), None);
                for (name, child) in names(synced, &pending[..kept]) {
                    self.collect(child, &format!("{path}/{name}"), loss, rng, image);
                }
            }
        }
    }

    /// The path below the root, if it lies there.
    fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(self.root.as_str())
    }

    /// The absolute path of an argument of a call that takes a directory before it, or not.
    fn path(&self, call: &Call, at: usize) -> Option<String> {
        let path = path_of(&call.arguments[at]);
        let path = if path.starts_with('/') {
            path
        } else {
            let (_, dir) = descriptor(at.checked_sub(1).map_or("", |dir| &call.arguments[dir]));
            format!("{dir}/{path}")
        };
        self.below(&path).map(str::to_owned)
    }

    fn names(&self, directory: usize) -> Names {
        match &self.nodes[directory] {
            Node::Directory { synced, pending } => names(synced, pending),
            Node::File { .. } => panic!("a file is no directory"),
        }
    }

    fn find(&self, path: &str) -> Option<usize> {
        let parts = path.split('/').filter(|part| !part.is_empty());
        let mut node = ROOT;
        for part in parts {
            node = *self.names(node).get(part)?;
        }
        Some(node)
    }

    /// The directory that a path names something in, and the name.
    fn parent<'p>(&self, path: &'p str) -> (usize, &'p str) {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let dir = self
            .find(dir)
            .unwrap_or_else(|| panic!("{path} lies nowhere"));
        (dir, name)
    }

    fn rename_in(&mut self, directory: usize, naming: Naming) {
        match &mut self.nodes[directory] {
            Node::Directory { pending, .. } => pending.push(naming),
            Node::File { .. } => panic!("a file is no directory"),
        }
    }

    /// Does what a call did.
    pub(super) fn apply(&mut self, call: &Call) -> Effect {
        if call.result < 0 {
            return Effect::None;
        }
        match call.name.as_str() {
            "open" | "creat" => panic!("an old call: {call:?}"),
            "openat" => self.opened(call),
            "close" => {
                self.open.remove(&descriptor(&call.arguments[0]).0);
                Effect::None
            }
            "lseek" => self.moved(call),
            "write" | "pwrite64" => self.wrote(call),
            "ftruncate" => self.cut(call),
            // It reserves room and leaves the size as it is, or else the model is wrong.
            "fallocate" if call.arguments[1].contains("KEEP_SIZE") => Effect::None,
            "fsync" | "fdatasync" => self.synced(call),
            // It begins to write, and promises nothing.
            "sync_file_range" => Effect::None,
            "mkdir" => self.made(self.path(call, 0)),
            "mkdirat" => self.made(self.path(call, 1)),
            "rename" => self.renamed(self.path(call, 0), self.path(call, 1)),
            "renameat" | "renameat2" => self.renamed(self.path(call, 1), self.path(call, 3)),
            "link" => self.linked(self.path(call, 0), self.path(call, 1)),
            "linkat" => self.linked(self.path(call, 1), self.path(call, 3)),
            "unlink" | "rmdir" => self.removed(self.path(call, 0)),
            "unlinkat" => self.removed(self.path(call, 1)),
            "copy_file_range" => self.copied(call),
            "mmap" => {
                let writes = call.arguments[2].contains("WRITE");
                let shared = call.arguments[3].contains("MAP_SHARED");
                let ours = self.open.contains_key(&descriptor(&call.arguments[4]).0);
                assert!(!(writes && shared && ours), "written by memory: {call:?}");
                Effect::None
            }
            _ => {
                let ours = |argument: &String| self.open.contains_key(&descriptor(argument).0);
                assert!(
                    !call.arguments.iter().any(ours),
                    "unknown to the model: {call:?}"
                );
                Effect::None
            }
        }
    }

    fn opened(&mut self, call: &Call) -> Effect {
        self.open.remove(&call.result);
        let Some(path) = self.path(call, 1) else {
            return Effect::None;
        };
        let (node, created) = match self.find(&path) {
            Some(node) => (node, false),
            None => {
                let (dir, name) = self.parent(&path);
                let empty = Arc::new(Vec::new());
                let node = self.add(Node::File {
                    now: Arc::clone(&empty),
                    synced: empty,
                });
                self.rename_in(dir, Naming::Put(name.to_owned(), node));
                (node, true)
            }
        };
        let flags = &call.arguments[2];
        let open = Open {
            node,
            at: 0,
            append: flags.contains("O_APPEND"),
        };
        self.open.insert(call.result, open);
        let mut cut = false;
        if let Node::File { now, .. } = &mut self.nodes[node]
            && flags.contains("O_TRUNC")
            && !now.is_empty()
        {
            *now = Arc::new(Vec::new());
            cut = true;
        }
        if created || cut {
            Effect::Changed(path)
        } else {
            Effect::None
        }
    }

    fn file(&mut self, number: i64) -> Option<(&mut Open, &mut Arc<Vec<u8>>)> {
        let open = self.open.get_mut(&number)?;
        match &mut self.nodes[open.node] {
            Node::File { now, .. } => Some((open, now)),
            Node::Directory { .. } => None,
        }
    }

    fn moved(&mut self, call: &Call) -> Effect {
        let place = usize::try_from(call.result).unwrap();
        if let Some((open, _)) = self.file(descriptor(&call.arguments[0]).0) {
            open.at = place;
        }
        Effect::None
    }

    fn wrote(&mut self, call: &Call) -> Effect {
        let (number, path) = descriptor(&call.arguments[0]);
        let count = usize::try_from(call.result).unwrap();
        let fixed = (call.name == "pwrite64").then(|| call.arguments[3].parse().unwrap());
        let Some((open, now)) = self.file(number) else {
            return match number {
                1 => Effect::Said(String::from_utf8(bytes_of(&call.arguments[1])).unwrap()),
                _ => Effect::None,
            };
        };
        let bytes = bytes_of(&call.arguments[1]);
        let at = fixed.unwrap_or(if open.append { now.len() } else { open.at });
        if fixed.is_none() {
            open.at = at + count;
        }
        put(Arc::make_mut(now), at, &bytes[..count]);
        Effect::Changed(path)
    }

    /// The call with half of its bytes, if it is a write below the root.
    pub(super) fn torn(&self, call: &Call) -> Option<Call> {
        let writes = matches!(call.name.as_str(), "write" | "pwrite64") && call.result > 1;
        let ours = writes && self.open.contains_key(&descriptor(&call.arguments[0]).0);
        ours.then(|| Call {
            result: call.result / 2,
            ..call.clone()
        })
    }

    fn cut(&mut self, call: &Call) -> Effect {
        let (number, path) = descriptor(&call.arguments[0]);
        let length: usize = call.arguments[1].parse().unwrap();
        match self.file(number) {
            Some((_, now)) if now.len() != length => {
                Arc::make_mut(now).resize(length, 0);
                Effect::Changed(path)
            }
            _ => Effect::None,
        }
    }

    fn copied(&mut self, call: &Call) -> Effect {
        let (from, to) = (
            descriptor(&call.arguments[0]).0,
            descriptor(&call.arguments[2]),
        );
        let count = usize::try_from(call.result).unwrap();
        let Some((source, content)) = self.file(from) else {
            assert!(!self.open.contains_key(&to.0), "from outside: {call:?}");
            return Effect::None;
        };
        let (at, content) = (source.at, Arc::clone(content));
        source.at += count;
        let (target, now) = self.file(to.0).expect("a copy within the root");
        put(Arc::make_mut(now), target.at, &content[at..at + count]);
        target.at += count;
        Effect::Changed(to.1)
    }

    fn synced(&mut self, call: &Call) -> Effect {
        let (number, path) = descriptor(&call.arguments[0]);
        let Some(open) = self.open.get(&number) else {
            return Effect::None;
        };
        match &mut self.nodes[open.node] {
            Node::File { now, synced } => *synced = Arc::clone(now),
            Node::Directory { synced, pending } => {
                *synced = names(synced, pending);
                pending.clear();
            }
        }
        Effect::Changed(path)
    }

    fn made(&mut self, path: Option<String>) -> Effect {
        let Some(path) = path else {
            return Effect::None;
        };
        let node = self.add(Node::Directory {
            synced: Names::new(),
            pending: Vec::new(),
        });
        let (dir, name) = self.parent(&path);
        self.rename_in(dir, Naming::Put(name.to_owned(), node));
        Effect::Changed(path)
    }

    fn renamed(&mut self, from: Option<String>, to: Option<String>) -> Effect {
        let (Some(from), Some(to)) = (from, to) else {
            return Effect::None;
        };
        let node = self.find(&from).expect("what is renamed exists");
        let ((from_dir, from_name), (to_dir, to_name)) = (self.parent(&from), self.parent(&to));
        let (from_name, to_name) = (from_name.to_owned(), to_name.to_owned());
        if from_dir == to_dir {
            self.rename_in(
                from_dir,
                Naming::Rename {
                    from: from_name,
                    to: to_name,
                },
            );
        } else {
            self.rename_in(to_dir, Naming::Put(to_name, node));
            self.rename_in(from_dir, Naming::Remove(from_name));
        }
        Effect::Changed(to)
    }

    fn linked(&mut self, from: Option<String>, to: Option<String>) -> Effect {
        let (Some(from), Some(to)) = (from, to) else {
            return Effect::None;
        };
        let node = self.find(&from).expect("what is linked exists");
        let (dir, name) = self.parent(&to);
        self.rename_in(dir, Naming::Put(name.to_owned(), node));
        Effect::Changed(to)
    }

    fn removed(&mut self, path: Option<String>) -> Effect {
        let Some(path) = path else {
            return Effect::None;
        };
        let (dir, name) = self.parent(&path);
        self.rename_in(dir, Naming::Remove(name.to_owned()));
        Effect::Changed(path)
    }
}

fn names(synced: &Names, pending: &[Naming]) -> Names {
    let mut names = synced.clone();
    for naming in pending {
        match naming {
            Naming::Put(name, node) => {
                names.insert(name.clone(), *node);
            }
            Naming::Remove(name) => {
                names.remove(name);
            }
            Naming::Rename { from, to } => {
                let node = names.remove(from).expect("renamed from a name");
                names.insert(to.clone(), node);
            }
        }
    }
    names
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if content.len() < at + bytes.len() {
        content.resize(at + bytes.len(), 0);
    }
    content[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Some of what was written since the last sync: all of it, its beginning, or of a log or a
/// manifest
/// its length with zeros from some sector on. File systems that order data before lengths (ext4,
/// XFS, Btrfs as they come) do not leave such zeros.
fn part(now: &[u8], synced: &[u8], is_log: bool, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let same = now.iter().zip(synced).take_while(|(a, b)| a == b).count();
    if same < synced.len() {
        // Overwritten in place: the one or the other.
        return if rng.random_bool(0.5) {
            now.to_vec()
        } else {
            synced.to_vec()
        };
    }
    let cut = rng.random_range(same..=now.len());
    match rng.random_range(0..if is_log { 3 } else { 2 }) {
        0 => now.to_vec(),
        1 => now[..cut].to_vec(),
        _ => {
            let mut zeroed = now.to_vec();
            let from = cut.next_multiple_of(SECTOR_BYTES).clamp(same, now.len());
            zeroed[from..].fill(0);
            zeroed
        }
    }
}

/// Writes an image into a new directory.
pub(super) fn write_image(image: &Image, dir: &Path) {
    if dir.exists() {
        std::fs::remove_dir_all(dir).unwrap();
    }
    for (path, content) in image {
        let path = dir.join(path.trim_start_matches('/'));
        match content {
            None => std::fs::create_dir_all(path).unwrap(),
            Some(content) => std::fs::write(path, content.as_slice()).unwrap(),
        }
    }
}
