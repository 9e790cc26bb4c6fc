//! Which codes a rule can give, read from the sources: the codes that it names and those of
//! everything that it calls, in the order in which they stand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chipledger_ledger::rejection::Code;

use crate::tokens::{after_closing, tokens};

/// Codes that a call can never give, because of what holds before it: caller or callee, code,
/// reason.
const NEVER: &[(&str, &str, &str)] = &[
    (
        "account_place",
        "SiteUnknown",
        "items and shipments stand at declared sites",
    ),
    (
        "jurisdiction_of",
        "SiteUnknown",
        "asked of sites that were looked up, or that items stand at",
    ),
    (
        "ultimate_parent",
        "MemberUnknown",
        "owners and parents are members",
    ),
    (
        "require_role",
        "MemberUnknown",
        "signers are members; others are looked up first",
    ),
    ("is_customs_of", "MemberUnknown", "signers are members"),
    ("check_sealer", "MemberUnknown", "the author is a member"),
    ("evidence_of", "MemberUnknown", "the author is a member"),
    ("dispute::run", "MemberUnknown", "the author is a member"),
    ("check_agreed", "MemberUnknown", "co-signers are members"),
    (
        "add",
        "ContentTooLarge",
        "chips are numbered in 64 bits, so their sum fits",
    ),
    (
        "new_units",
        "SerialTaken",
        "only labels that nobody registered are new",
    ),
    ("register::run", "ContentTooMixed", "roots are in no unit"),
    ("ship::run", "ContentTooMixed", "roots are in no unit"),
    (
        "void_shipment::run",
        "ContentTooMixed",
        "roots are in no unit",
    ),
    ("redirect::run", "ContentTooMixed", "roots are in no unit"),
    ("destroy::run", "ContentTooMixed", "roots are in no unit"),
    (
        "unpack::run",
        "ContentTooMixed",
        "what leaves a unit adds nothing to it",
    ),
    (
        "receive::run",
        "ContentTooMixed",
        "what leaves a unit adds nothing to it",
    ),
    (
        "set_loss::run",
        "ContentTooMixed",
        "what leaves a unit adds nothing to it",
    ),
    (
        "set_seizure::run",
        "ContentTooMixed",
        "what leaves a unit adds nothing to it",
    ),
    (
        "seal::run",
        "ContentTooMixed",
        "a seal is no part of what a unit contains",
    ),
    (
        "break_seal::run",
        "ContentTooMixed",
        "a seal is no part of what a unit contains",
    ),
];

/// A function: where its calls go is decided by its file.
#[derive(Default)]
struct Function {
    events: Vec<Event>,
}

/// What a function does, as far as codes go.
enum Event {
    Gives(String),
    Calls(String),
}

/// Every function of the rules, as `file::name`, or `Draft::name` for what every rule can call.
#[derive(Default)]
pub(crate) struct Sources {
    functions: BTreeMap<String, Function>,
    imports: BTreeMap<String, BTreeMap<String, String>>,
}

impl Sources {
    /// Reads the rules and what they share.
    pub(crate) fn read(ledger: &Path) -> Self {
        let mut files = vec![
            ledger.join("src/authority.rs"),
            ledger.join("src/execute.rs"),
            ledger.join("src/verify.rs"),
        ];
        for folder in ["src/execute", "src/state"] {
            walk(&ledger.join(folder), &mut files);
        }
        files.sort();
        let texts: Vec<(String, Vec<String>)> = files
            .iter()
            .map(|file| {
                let name = file.file_stem().expect("a name").to_string_lossy();
                let text = std::fs::read_to_string(file).expect("a source file");
                (name.into_owned(), tokens(&text))
            })
            .collect();
        let mut sources = Self::default();
        for (file, tokens) in &texts {
            sources.imports.insert(file.clone(), imports(tokens));
        }
        // Names first: a call can only be told from a local by the functions that exist.
        let mut found = Vec::new();
        for (file, tokens) in &texts {
            find_functions(file, tokens, &mut found);
        }
        let names: BTreeSet<String> = found.iter().map(|(name, ..)| name.clone()).collect();
        for (name, file, body) in found {
            let events = sources.events(&names, &file, body);
            sources
                .functions
                .entry(name)
                .or_default()
                .events
                .extend(events);
        }
        sources
    }

    /// Whether a kind has a rule.
    pub(crate) fn has(&self, function: &str) -> bool {
        self.functions.contains_key(function)
    }

    /// Codes that a function can give, in the order in which it checks.
    pub(crate) fn codes(&self, function: &str) -> Vec<Code> {
        let mut codes = Vec::new();
        for name in self.names(function, &mut Vec::new()) {
            let code = Code::ALL.iter().find(|code| format!("{code:?}") == name);
            let code = *code.unwrap_or_else(|| panic!("Code::{name} is in {function}"));
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes
    }

    fn names(&self, function: &str, stack: &mut Vec<String>) -> Vec<String> {
        let Some(found) = self.functions.get(function) else {
            return Vec::new();
        };
        if stack.iter().any(|on| on == function) {
            return Vec::new();
        }
        stack.push(function.to_owned());
        let mut names = Vec::new();
        for event in &found.events {
            match event {
                Event::Gives(name) => names.push(name.clone()),
                Event::Calls(callee) => names.extend(self.names(callee, stack)),
            }
        }
        stack.pop();
        let short = function.rsplit("::").next().unwrap_or(function);
        names.retain(|name| {
            !NEVER
                .iter()
                .any(|(of, code, _)| (*of == short || *of == function) && code == name)
        });
        let mut seen = BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    fn events(&self, names: &BTreeSet<String>, file: &str, body: &[String]) -> Vec<Event> {
        let word = |at: usize| body.get(at).map_or("", String::as_str);
        let before = |at: usize, back: usize| at.checked_sub(back).map_or("", word);
        let mut events = Vec::new();
        for at in 0..body.len() {
            let name = word(at);
            if name == "Code" && word(at + 1) == "::" {
                events.push(Event::Gives(word(at + 2).to_owned()));
                continue;
            }
            let callee = match (before(at, 1), before(at, 2)) {
                (".", "draft" | "self") => format!("Draft::{name}"),
                (".", _) => continue,
                ("::", "Self") => format!("{file}::{name}"),
                ("::", module) => format!("{module}::{name}"),
                _ => self
                    .imports
                    .get(file)
                    .and_then(|imports| imports.get(name))
                    .cloned()
                    .unwrap_or_else(|| format!("{file}::{name}")),
            };
            if names.contains(&callee) {
                events.push(Event::Calls(callee));
            }
        }
        events
    }
}

fn walk(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs")
            && path.file_stem().is_some_and(|stem| stem != "tests")
        {
            files.push(path);
        }
    }
}

/// Functions of a file with their bodies; those of `impl Draft` belong to everyone.
fn find_functions<'t>(
    file: &str,
    tokens: &'t [String],
    found: &mut Vec<(String, String, &'t [String])>,
) {
    let mut draft_until = 0;
    for at in 0..tokens.len() {
        match tokens[at].as_str() {
            "impl" if tokens.get(at + 1).is_some_and(|next| next == "<") => {
                let Some(open) = tokens[at..].iter().position(|t| t == "{") else {
                    continue;
                };
                if tokens[at..at + open].iter().any(|t| t == "Draft") {
                    draft_until = after_closing(tokens, at + open);
                }
            }
            "fn" => {
                let Some(open) = tokens[at..].iter().position(|t| t == "{" || t == ";") else {
                    continue;
                };
                if tokens[at + open] == "{" {
                    let end = after_closing(tokens, at + open);
                    let owner = if at < draft_until { "Draft" } else { file };
                    let name = format!("{owner}::{}", tokens[at + 1]);
                    found.push((name, file.to_owned(), &tokens[at + open..end]));
                }
            }
            _ => {}
        }
    }
}

/// What `use` brings into a file: name -> `module::name`.
fn imports(tokens: &[String]) -> BTreeMap<String, String> {
    let mut imports = BTreeMap::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] != "use" {
            at += 1;
            continue;
        }
        let mut module = String::new();
        let mut previous = String::new();
        let mut modules = Vec::new();
        at += 1;
        while at < tokens.len() && tokens[at] != ";" {
            match tokens[at].as_str() {
                "::" => module.clone_from(&previous),
                "{" => modules.push(module.clone()),
                "}" => {
                    modules.pop();
                }
                "," => module = modules.last().cloned().unwrap_or_default(),
                name => {
                    name.clone_into(&mut previous);
                    imports.insert(previous.clone(), format!("{module}::{name}"));
                }
            }
            at += 1;
        }
    }
    imports
}
