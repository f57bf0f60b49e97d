//! How the programs are linked. Every `og viewstate` is a process, and half of its time is its loading.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if is_linux_gnu() {
        // At a fixed address, as Go links its programs: else a quarter of a millisecond of each start is spent on writing the
        // addresses of 23,000 places anew. Stack, heap and libraries stand elsewhere at every start as ever, and og has no
        // unsafe code of its own.
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
    if has_static_unwinder() {
        // In front of the standard library's own `gcc_s`, which is then not needed. That one asks the processor for its
        // features as it is loaded, which a virtual machine answers slowly: 0.1 ms.
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// Whether the linker finds gcc's unwinder as an archive; where it does not, the shared one is taken as ever.
fn has_static_unwinder() -> bool {
    if !is_linux_gnu() {
        return false;
    }
    let linker = match env::var_os("RUSTC_LINKER") {
        Some(linker) => linker,
        None if env::var("TARGET") == env::var("HOST") => "cc".into(),
        None => return false,
    };
    let found = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output();
    // What is not found is printed as it was asked.
    found.is_ok_and(|said| Path::new(String::from_utf8_lossy(&said.stdout).trim()).is_absolute())
}

/// Whether the program is for Linux, with the GNU C library as a library.
fn is_linux_gnu() -> bool {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|set| set == value);
    let is_static = env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|features| features.split(',').any(|one| one == "crt-static"));
    is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") && !is_static
}
