//! Where the bus comes from, and what is said of wrong settings.

use crate::site::Site;

#[test]
fn wrong_settings_are_told_with_their_remedy() {
    let site = Site::new();
    for (bus, says) in [
        ("sqlight:bus.db", "Did you mean \"sqlite\"?"),
        (
            "sqlite:bus.db?durabilty=full",
            "Did you mean \"durability\"?",
        ),
        ("redis://user:secret@127.0.0.1/x", "number of a database"),
    ] {
        let ran = site.run(&["topics", "--bus", bus]).ends_with(78);
        assert!(ran.err.contains(says), "{bus}: {}", ran.err);
        assert!(!ran.err.contains("secret"), "{}", ran.err);
    }
    site.write("tidings.toml", "buss = \"memory:\"\n");
    let ran = site.run(&["topics"]).ends_with(78);
    assert!(ran.err.contains("bus"), "{}", ran.err);
    std::fs::remove_file(site.folder().join("tidings.toml")).unwrap();
    site.run(&["topics", "--bus", "redis://127.0.0.1:1"])
        .ends_with(69);
    site.run(&["no-such-verb"]).ends_with(64);
    site.run(&["publish", "--topic", "a{b}"]).ends_with(64);
    site.run(&["publish", "--topic", "a", "no-such-file"])
        .ends_with(66);
}
