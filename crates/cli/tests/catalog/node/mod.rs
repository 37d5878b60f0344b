//! Node and a browser, as `scripts/site.sh` installs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where the packages are, or `None` where these tests are to be left out.
fn packages() -> Option<PathBuf> {
    if std::env::var_os("TIDINGS_SITE").is_some_and(|site| site == "absent") {
        return None;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let packages = root.join(target).join("site-node");
    assert!(
        packages.join("node_modules").exists(),
        "{} is missing: run scripts/site.sh first",
        packages.display()
    );
    Some(packages)
}

/// Whether these tests are to run.
pub fn installed() -> bool {
    packages().is_some()
}

/// Runs a program of this folder to its end; `None` where these tests are to be left out.
pub fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/catalog/node")
        .join(program);
    let output = Command::new("node")
        .arg(program)
        .args(arguments)
        .current_dir(packages()?)
        .output()
        .expect("node runs");
    Some(output)
}

/// Runs a program that must find nothing wrong; gives what it says at standard error.
#[track_caller]
pub fn nothing_wrong(program: &str, arguments: &[&str]) -> Option<String> {
    let output = run(program, arguments)?;
    let (found, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{program} finds:\n{found}\n{said}");
    Some(said.into_owned())
}

/// Where a program stands in the path.
pub fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name));
    let mut found = found.filter(|program| program.is_file());
    found
        .next()
        .unwrap_or_else(|| panic!("{name} is missing: run scripts/setup.sh"))
}
