//! The `og` command.

fn main() {}
