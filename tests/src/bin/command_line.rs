//! The command line as a program of this package, so that tests can run it beside a server.

fn main() -> std::process::ExitCode {
    chipledger_cli::main()
}
