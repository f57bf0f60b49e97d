//! Finds the interpreter for `og run train.py`.

use super::fail::Fail;
use std::{
    ffi::OsString,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Virtual environments looked for beside the script's working directory.
const VENVS: &[&str] = &[".venv", "venv"];

/// The interpreter: `$OG_PYTHON`, the active virtual environment, one that lies in `cwd`, then `python3` and `python`
/// on the `PATH`. `env` asks for a variable.
pub fn interpreter(cwd: &Path, env: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, Fail> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    if let Some(python) = set("OG_PYTHON") {
        let path = PathBuf::from(&python);
        let found =
            if path.components().count() > 1 { Some(cwd.join(&path)).filter(|path| is_program(path)) } else { on_path(&path, &set) };
        return found.ok_or_else(|| {
            Fail::new("no_python", format!("OG_PYTHON names no program: {}", path.display())).hint("set it to a python, or unset it")
        });
    }
    let active = set("VIRTUAL_ENV").map(|venv| PathBuf::from(venv).join("bin/python"));
    let beside = VENVS.iter().map(|venv| cwd.join(venv).join("bin/python"));
    active
        .into_iter()
        .chain(beside)
        .find(|path| is_program(path))
        .or_else(|| ["python3", "python"].iter().find_map(|name| on_path(Path::new(name), &set)))
        .ok_or_else(|| {
            Fail::new("no_python", "no python is installed here")
                .hint("install python3, activate a virtual environment, or set OG_PYTHON to an interpreter")
        })
}

fn on_path(name: &Path, set: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    std::env::split_paths(&set("PATH")?).map(|dir| dir.join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashMap, fs};

    fn program(path: PathBuf) -> PathBuf {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn the_nearest_interpreter_wins() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let mut env: HashMap<&str, OsString> = HashMap::from([("PATH", at("usr").into())]);
        let find = |env: &HashMap<&str, OsString>| interpreter(dir.path(), |name| env.get(name).cloned());

        assert_eq!(find(&env).unwrap_err().code, "no_python");
        let python = program(at("usr/python"));
        assert_eq!(find(&env).unwrap(), python);
        let python3 = program(at("usr/python3"));
        assert_eq!(find(&env).unwrap(), python3);
        let venv = program(at("venv/bin/python"));
        assert_eq!(find(&env).unwrap(), venv);
        let dot_venv = program(at(".venv/bin/python"));
        assert_eq!(find(&env).unwrap(), dot_venv);
        env.insert("VIRTUAL_ENV", at("gone").into());
        assert_eq!(find(&env).unwrap(), dot_venv, "a virtual environment that is gone is passed over");
        let active = program(at("mine/bin/python"));
        env.insert("VIRTUAL_ENV", at("mine").into());
        assert_eq!(find(&env).unwrap(), active);
        env.insert("OG_PYTHON", "python3".into());
        assert_eq!(find(&env).unwrap(), python3);
        env.insert("OG_PYTHON", at("nothing").into());
        assert!(find(&env).unwrap_err().message.starts_with("OG_PYTHON names no program"));
    }
}
