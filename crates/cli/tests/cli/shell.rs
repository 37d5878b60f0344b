//! `tidings completions` and `tidings man`.

use std::fs;
use std::process::Command;

use crate::site::Site;

#[test]
fn every_shell_completes_every_command() {
    let site = Site::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = site.run(&["completions", shell]).ok().out;
        // Elvish and PowerShell are told of commands and options only, not of values.
        let values: &[&str] = match shell {
            "elvish" | "powershell" => &[],
            _ => &["park-key", "lane_full"],
        };
        for word in ["consume", "until-idle", "prune-inbox"]
            .iter()
            .chain(values)
        {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
        assert!(
            !script.contains("demo-service"),
            "{shell} shows what is hidden"
        );
    }
    site.run(&["completions", "tcsh"]).ends_with(64);
}

#[test]
fn bash_takes_the_script_and_completes() {
    let site = Site::new();
    let script = site.run(&["completions", "bash"]).ok().out;
    site.write("tidings.bash", &script);
    let ask = "source ./tidings.bash; COMP_WORDS=(tidings dlq rel); COMP_CWORD=2; \
               _tidings tidings rel dlq; echo \"${COMPREPLY[*]}\"";
    let bash = Command::new("bash")
        .args(["-c", ask])
        .current_dir(site.folder())
        .output();
    assert_eq!(String::from_utf8_lossy(&bash.unwrap().stdout), "release\n");
}

#[test]
fn every_command_has_a_page() {
    let site = Site::new();
    site.run(&["man", "--out", "share/man1"]).ok();
    let folder = site.folder().join("share/man1");
    let names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for page in [
        "tidings.1",
        "tidings-consume.1",
        "tidings-dlq-retry.1",
        "tidings.toml.5",
    ] {
        assert!(
            names.iter().any(|name| name == page),
            "no {page} in {names:?}"
        );
    }
    assert!(!names.iter().any(|name| name.contains("demo-service")));
    let page = fs::read_to_string(folder.join("tidings.1")).unwrap();
    assert!(
        page.contains("EXIT CODES") && page.contains("TIDINGS_BUS"),
        "{page}"
    );
    site.write("a-file", "");
    site.run(&["man", "--out", "a-file"]).ends_with(74);
}
