//! The shell blocks of the pages that people read first, run to the letter: what they print and
//! how they end is in the snapshots.
//!
//! `make` and `cargo` are left out, the built command stands in the path, and a server of the test
//! answers in place of the Redis at 6379.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tidings_conformance::servers::{RedisOptions, RedisServer};

use crate::site::hidden;

/// Between the outputs of two blocks.
const MARK: &str = "\u{1}";

#[tokio::test]
async fn the_readme_is_true() -> std::io::Result<()> {
    let transcript = play("README.md").await?;
    hidden().bind(|| insta::assert_snapshot!(transcript));
    Ok(())
}

#[tokio::test]
async fn getting_started_is_true() -> std::io::Result<()> {
    let transcript = play("docs/guides/getting-started.md").await?;
    hidden().bind(|| insta::assert_snapshot!(transcript));
    Ok(())
}

#[tokio::test]
async fn the_guide_of_the_catalog_is_true() -> std::io::Result<()> {
    let transcript = play("docs/guides/catalog.md").await?;
    hidden().bind(|| insta::assert_snapshot!(transcript));
    Ok(())
}

async fn play(page: &str) -> std::io::Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let blocks = blocks(&fs::read_to_string(root.join(page))?);
    let redis = RedisServer::start(RedisOptions::default()).await?;
    let folder = tempfile::tempdir()?;
    let local = |block: &String| {
        block
            .replace("$PWD/target/release:", "")
            .replace("/tmp/", "")
            .replace("127.0.0.1:6379", &redis.address().to_string())
    };
    let script: String = blocks
        .iter()
        .map(|block| format!("code=0\n{}\nprintf '{MARK}%s{MARK}' $code\n", local(block)))
        .collect();
    fs::write(folder.path().join("tour.sh"), script)?;
    let program = Path::new(env!("CARGO_BIN_EXE_tidings"));
    let path = std::env::var("PATH").unwrap_or_default();
    let bin = program.parent().expect("a folder").display();
    let command = "exec 2>&1; trap 'code=$?' ERR; source ./tour.sh";
    let ran = Command::new("bash")
        .args(["-c", command])
        .current_dir(folder.path())
        .env("PATH", format!("{bin}:{path}"))
        .env_remove("TIDINGS_BUS")
        .env_remove("TIDINGS_CATALOG")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let said: Vec<&str> = said.split(MARK).collect();
    assert_eq!(said.len(), blocks.len() * 2 + 1, "{said:?}");
    let mut transcript = String::new();
    for (block, said) in blocks.iter().zip(said.chunks(2)) {
        let prompt = block.replace('\n', "\n  ");
        transcript += &format!("$ {prompt}\n{}", said[0]);
        if said[1] != "0" {
            transcript += &format!("[exit {}]\n", said[1]);
        }
        transcript.push('\n');
    }
    Ok(transcript)
}

/// The blocks without a language, without the lines that build.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(fence) = lines.find(|line| line.trim_start().starts_with("```")) {
        let (indent, language) = fence.split_once("```").expect("a fence");
        let inside = lines.by_ref().take_while(|line| line.trim() != "```");
        let builds = |line: &&str| !line.starts_with("make ") && !line.starts_with("cargo ");
        let block = inside.map(|line| line.strip_prefix(indent).unwrap_or(line));
        let block: Vec<&str> = block.filter(builds).collect();
        if language.is_empty() && !block.is_empty() {
            blocks.push(block.join("\n"));
        }
    }
    blocks
}
