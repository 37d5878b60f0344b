//! A file and a folder that may only be read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::site::{Ran, Site, hidden};

/// Whoever is root may write everywhere: then the command runs as somebody else.
fn run_unprivileged(site: &Site, arguments: &[&str]) -> Ran {
    let program = site.folder().join("tidings");
    let mut command = match nix::unistd::geteuid().is_root() {
        true => {
            let mut setpriv = Command::new("setpriv");
            setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
            setpriv.arg(&program);
            setpriv
        }
        false => Command::new(&program),
    };
    let output = command
        .args(arguments)
        .current_dir(site.folder())
        .env_remove("TIDINGS_CATALOG")
        .env_remove("RUST_LOG")
        .env("TIDINGS_BUS", "sqlite:bus.db")
        .output();
    Ran::from(output.unwrap())
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_cannot_be_written_is_explained() {
    let site = Site::new();
    site.publish(1);
    // Somebody else may not look into the folder that holds the build.
    fs::copy(env!("CARGO_BIN_EXE_tidings"), site.folder().join("tidings")).unwrap();
    allow(&site.folder().join("tidings"), 0o755);
    let made = ["--type", crate::site::TYPE, "--service", "catalog"];
    let commands: [&[&str]; 6] = [
        &[&["publish", "--topic", "courses"], &made[..]].concat(),
        &["consume", "--topic", "courses", "--group", "g"],
        &["tail", "--no-follow"],
        &["topics"],
        &["groups"],
        &["doctor"],
    ];
    let mut said = String::new();
    for (what, folder) in [("a file", 0o777), ("an empty folder", 0o555)] {
        for entry in fs::read_dir(site.folder()).unwrap().map(Result::unwrap) {
            match entry.file_name() == "tidings" {
                true => {}
                false if folder == 0o555 => fs::remove_file(entry.path()).unwrap(),
                false => allow(&entry.path(), 0o444),
            }
        }
        allow(site.folder(), folder);
        for command in commands {
            let ran = run_unprivileged(&site, command);
            said.push_str(&format!("# {what}: tidings {}\n{}", command[0], ran.seen()));
            // To look makes no file, so that it needs no right to.
            let makes_it = ["publish", "consume"].contains(&command[0]);
            let code = if folder == 0o555 && !makes_it { 66 } else { 77 };
            assert_eq!(ran.code, Some(code), "{said}");
        }
    }
    allow(site.folder(), 0o755);
    hidden().bind(|| insta::assert_snapshot!("read_only", said));
}
