//! `chipledger`: the command line of a Chipledger ledger.

fn main() -> std::process::ExitCode {
    chipledger_cli::main()
}
