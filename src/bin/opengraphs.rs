//! The `opengraphs` command: `og` by its long name.

fn main() {}
