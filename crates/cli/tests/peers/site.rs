//! Runs the Python programs beside this file in the virtual environment of the peers.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Long enough for a loaded machine; the programs take a second or two.
const DEADLINE: Duration = Duration::from_secs(120);

/// The interpreter, or `None` where the tests are to be left out.
pub fn python() -> Option<PathBuf> {
    if std::env::var_os("TIDINGS_PEERS").is_some_and(|peers| peers == "absent") {
        return None;
    }
    let root = root();
    let from_target = || {
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        root.join(target).join("peers-venv")
    };
    let venv = std::env::var_os("TIDINGS_VENV").map_or_else(from_target, |venv| root.join(venv));
    let python = venv.join("bin/python");
    assert!(
        python.exists(),
        "{} is missing: run scripts/peers.sh first",
        python.display()
    );
    Some(python)
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs a program to its end with a text on its standard input.
pub async fn run(program: &Path, arguments: &[&str], input: String) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        // No bytecode beside the sources, and no settings of ours from outside.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("TIDINGS_BUS")
        .env_remove("TIDINGS_CATALOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (_, output) = tokio::time::timeout(DEADLINE, async {
        tokio::join!(
            // A program that ends before it has read all shows in its exit code.
            async move { stdin.write_all(input.as_bytes()).await },
            child.wait_with_output()
        )
    })
    .await
    .unwrap_or_else(|_| panic!("{} does not end", program.display()));
    output.unwrap()
}

/// Runs a program of this folder that must succeed; gives the JSON lines that it prints.
pub async fn lines(python: &Path, program: &str, arguments: &[&str], input: String) -> Vec<Value> {
    let path = root().join("crates/cli/tests/peers").join(program);
    let arguments = [&[path.to_str().unwrap()], arguments].concat();
    let output = run(python, &arguments, input).await;
    assert!(
        output.status.success(),
        "{program}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    json_lines(&output.stdout)
}

pub fn json_lines(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
