//! The `opengraphs` command: `og` by its long name.

fn main() -> std::process::ExitCode {
    og::cli::main()
}
