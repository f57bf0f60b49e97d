//! The `og` command.

fn main() -> std::process::ExitCode {
    og::cli::main()
}
