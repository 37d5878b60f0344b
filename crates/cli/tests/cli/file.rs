//! `tidings file`: an embedded file, looked after.

use rusqlite::Connection;

use crate::site::Site;

#[test]
fn a_copy_is_a_bus_with_its_groups() {
    let site = Site::new();
    let group = ["--topic", "courses", "--group", "g"];
    site.run(&[&["groups", "create"][..], &group].concat()).ok();
    site.publish(10);
    site.run(&[&["consume", "--max", "4"][..], &group].concat())
        .ok();
    let copied = site.run(&["file", "backup", "copy.db", "--json"]).ok();
    assert!(
        copied.json()[0]["bytes"].as_u64() > Some(0),
        "{}",
        copied.out
    );
    let copy = ["--bus", "sqlite:copy.db"];
    let ran = site.run(&[&["consume", "--max", "6"][..], &group, &copy].concat());
    assert_eq!(ran.ok().out.lines().count(), 6);
    let groups = site.run(&["groups", "--json"]).ok().json();
    assert_eq!(groups[0]["lag_events"], 6, "the original is as it was");
    let again = site.run(&["file", "backup", "copy.db"]).ends_with(64);
    assert!(again.err.contains("is there already"), "{}", again.err);
    let ran = site.run(&["file", "backup", "no/copy.db"]).ends_with(64);
    assert!(ran.err.contains("there is no folder no"), "{}", ran.err);
    site.run(&["file", "check", "--bus", "sqlite:no.db"])
        .ends_with(66);
    // What SQLite would take for a URI, and what names a bus, are no files to copy to.
    for no_path in ["file:copy2.db", "sqlite:copy2.db"] {
        site.run(&["file", "backup", no_path]).ends_with(64);
    }
    site.run(&["topics", "--bus", "sqlite:file:copy.db"])
        .ends_with(78);
    std::fs::write(site.folder().join("empty.db"), "").unwrap();
    let empty = site.run(&["file", "check", "--bus", "sqlite:empty.db"]);
    assert!(empty.ends_with(66).err.contains("is empty"));
    let other = site.run(&["file", "check", "--bus", "redis://127.0.0.1:1"]);
    assert!(other.ends_with(64).err.contains("is not one file"));
}

#[test]
fn damage_is_told_with_65_and_a_newer_format_with_78() {
    let site = Site::new();
    site.publish(10);
    let ran = site.run(&["file", "check"]).ok();
    assert!(ran.err.contains("whole"), "{}", ran.err);
    let db = Connection::open(site.folder().join("bus.db")).unwrap();
    db.execute("UPDATE topics SET bytes = 1", []).unwrap();
    let ran = site.run(&["file", "check", "--json"]).ends_with(65);
    assert!(ran.out.contains("counters of topic courses"), "{}", ran.out);
    db.pragma_update(None, "user_version", 99).unwrap();
    let ran = site.run(&["topics"]).ends_with(78);
    assert!(ran.err.contains("version 99"), "{}", ran.err);
}

#[test]
fn a_damaged_file_is_not_copied() {
    let site = Site::new();
    site.publish(200);
    // Everything stands in the file itself.
    site.run(&["file", "compact"]).ok();
    let path = site.folder().join("bus.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let ran = site.run(&["file", "backup", "copy.db"]).ends_with(65);
    assert!(ran.err.contains("amaged"), "{}", ran.err);
    assert!(!site.folder().join("copy.db").exists());
}

/// One mistake has one code: the bus was named wrongly. And looking leaves nothing behind.
#[test]
fn a_path_that_is_no_bus_is_a_misconfiguration() {
    let site = Site::new();
    std::fs::create_dir(site.folder().join("folder")).unwrap();
    let db = Connection::open(site.folder().join("other.db")).unwrap();
    db.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(db);
    std::fs::write(
        site.folder().join("text.db"),
        "this is no database at all, but long enough",
    )
    .unwrap();
    for (bus, code) in [
        ("sqlite:no/bus.db", 78),
        ("sqlite:folder", 78),
        ("sqlite:other.db", 65),
        ("sqlite:text.db", 65),
    ] {
        site.run(&["topics", "--bus", bus]).ends_with(code);
    }
    let left = std::fs::read_dir(site.folder()).unwrap();
    let left: Vec<_> = left
        .map(|f| f.unwrap().file_name().into_string().unwrap())
        .collect();
    let litter = |name: &&String| name.ends_with("-lock") || name.ends_with("-wake");
    assert_eq!(left.iter().find(litter), None, "{left:?}");
    // A bus that is made by consuming is worth a word: its path may be mistyped.
    let consume = [
        "consume",
        "--topic",
        "t",
        "--group",
        "g",
        "--until-idle",
        "10ms",
    ];
    let ran = site.run(&[&consume[..], &["--bus", "sqlite:new.db"]].concat());
    assert!(ran.err.contains("new.db is new"), "{}", ran.err);
    let ran = site.run(&[&consume[..], &["--bus", "sqlite:new.db"]].concat());
    assert!(!ran.err.contains("is new"), "{}", ran.err);
}

#[test]
fn free_space_is_given_back() {
    let site = Site::new();
    site.publish(10);
    site.run(&["trim", "--topic", "courses", "--max-len", "0", "--yes"])
        .ok();
    let told = site.run(&["file", "compact", "--json"]).ok().json();
    assert_eq!(told[0]["free"], 0, "{told:?}");
    let rewrite = ["file", "compact", "--rewrite"];
    site.run(&rewrite).ends_with(64);
    let told = site
        .run(&[&rewrite[..], &["--yes", "--json"]].concat())
        .ok();
    assert_eq!(told.json()[0]["free"], 0, "{}", told.out);
    let db = Connection::open(site.folder().join("bus.db")).unwrap();
    db.execute_batch("PRAGMA auto_vacuum = 0; VACUUM").unwrap();
    drop(db);
    let ran = site.run(&["file", "compact"]).ends_with(69);
    assert!(ran.err.contains("--rewrite"), "{}", ran.err);
}
