//! Where things are in this project.

use crate::steps::Failure;
use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable when it runs this program; the compiled-in path serves a binary
    // that is started by hand.
    let own = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().expect("xtask is a folder of the repository").into()
}

/// The folder for everything that is built.
pub(crate) fn target() -> PathBuf {
    let set = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    root().join(set.unwrap_or_else(|| "target".into()))
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let could_not = |error| Failure::new(format!("could not read `{}`: {error}", path.display()));
    fs::read_to_string(path).map_err(could_not)
}

/// Writes a file and the folders above it.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let could_not = |error| Failure::new(format!("could not write `{}`: {error}", path.display()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(could_not)?;
    }
    fs::write(path, text).map_err(could_not)
}

/// The names of the targets in a folder such as `examples`: its files and the folders with a
/// `main.rs`, sorted.
pub(crate) fn targets(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "rs") || path.join("main.rs").exists())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

/// The names of the benchmarks, sorted: those of the facade, and those of the crates that are
/// benchmarks themselves.
pub(crate) fn benchmarks() -> Vec<String> {
    let mut names = targets("benches");
    let crates = fs::read_dir(root().join("benches")).into_iter().flatten().flatten();
    for folder in crates {
        let folder = folder.file_name();
        names.extend(targets(&format!("benches/{}/benches", folder.to_string_lossy())));
    }
    names.sort();
    names
}

/// The features of the facade, except `default`.
pub(crate) fn features() -> Result<Vec<String>, Failure> {
    let manifest = read(&root().join("Cargo.toml"))?;
    let section = manifest.split("\n[features]\n").nth(1).unwrap_or("");
    let section = section.split("\n[").next().unwrap_or("");
    let names = section.lines().filter_map(|line| line.split_once('='));
    let names = names.map(|(name, _)| name.trim().to_owned());
    Ok(names.filter(|name| name != "default" && !name.starts_with('#')).collect())
}
