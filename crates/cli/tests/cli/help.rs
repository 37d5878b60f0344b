//! What `--help` says, of every command.

use crate::site::Site;

#[test]
fn every_command_explains_itself() {
    let mut snapshots = insta::Settings::clone_current();
    snapshots.set_prepend_module_to_snapshot(false);
    snapshots.set_snapshot_path("snapshots/help");
    let site = Site::new();
    let mut seen = 0;
    let mut left = vec![Vec::new()];
    while let Some(path) = left.pop() {
        let arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        let help = site.run(&[&arguments[..], &["--help"]].concat()).ok();
        assert_eq!(help.err, "");
        for line in help.out.lines() {
            assert!(line.chars().count() <= 100, "{path:?}: {line}");
        }
        // `tidings help X` is the same page.
        let other = site.run(&[&["help"], &arguments[..]].concat()).ok();
        assert_eq!(other.out, help.out);
        left.extend(verbs(&help.out).map(|verb| [&path[..], &[verb]].concat()));
        let name = [&["tidings".to_owned()], &path[..]].concat().join("-");
        snapshots.bind(|| insta::assert_snapshot!(name, help.out));
        seen += 1;
    }
    assert!(seen > 30, "only {seen} pages were found");
}

/// The names under `Commands:`.
fn verbs(help: &str) -> impl Iterator<Item = String> {
    let list = help
        .split_once("\nCommands:\n")
        .map_or("", |(_, rest)| rest);
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let verbs = names.filter(|name| !name.is_empty() && *name != "help");
    verbs.map(str::to_owned).collect::<Vec<_>>().into_iter()
}
