//! The help of every command as one text: what people read changes only on purpose.

use std::fmt::Write;
use std::path::Path;

/// Set this to write the golden file anew.
const REWRITE: &str = "CHIPLEDGER_REWRITE_GOLDEN";

#[test]
fn the_help_of_every_command_is_the_golden_text() {
    let mut text = String::new();
    let mut grammar = chipledger_cli::grammar().term_width(100);
    grammar.build();
    write_help(grammar, "chipledger", &mut text);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help.txt");
    if std::env::var_os(REWRITE).is_some() {
        std::fs::write(&path, &text).expect("the golden file is written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == text,
        "the help changed; look at it, then run with {REWRITE}=1"
    );
}

fn write_help(mut command: clap::Command, name: &str, text: &mut String) {
    let help = command.render_long_help();
    let lines: Vec<_> = help
        .to_string()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    writeln!(text, "# {name}\n{}\n", lines.join("\n").trim_end()).expect("a string takes text");
    let inner: Vec<_> = command.get_subcommands().cloned().collect();
    for command in inner {
        let name = format!("{name} {}", command.get_name());
        write_help(command.term_width(100), &name, text);
    }
}

#[test]
fn completions_and_manual_pages_are_made_for_every_command() {
    let bench = crate::bench::Bench::empty();
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            bench
                .ok(&format!("completions {shell}"))
                .contains("void-shipment")
        );
    }
    bench.ok("man pages");
    let pages = std::fs::read_dir(bench.path("pages"))
        .expect("pages")
        .count();
    let commands = chipledger_cli::grammar().get_subcommands().count();
    assert!(pages > commands, "{pages} pages of {commands} commands");
}
