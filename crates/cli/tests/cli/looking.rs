//! `tidings topics`, `groups`, `tail`, `doctor`.

use crate::site::{Site, hidden};

#[test]
fn doctor_tells_of_a_group_that_nobody_serves() {
    let site = Site::new();
    site.run(&["groups", "create", "--topic", "courses", "--group", "idle"])
        .ok();
    site.publish(2);
    let findings = site.run(&["doctor", "--json"]).ok().json();
    let found = findings
        .iter()
        .find(|f| f["code"] == "group-without-consumer")
        .unwrap();
    assert!(found["what"].as_str().unwrap().contains("2 events behind"));
    site.run(&["doctor", "--strict"]).ends_with(1);
}

#[test]
fn tables_are_made_to_be_read() {
    let site = Site::new();
    let mut said = String::new();
    let mut show = |site: &Site, arguments: &[&str]| {
        let ran = site.run(arguments);
        said.push_str(&format!(
            "$ tidings {}\n{}\n",
            arguments.join(" "),
            ran.seen()
        ));
    };
    show(&site, &["topics"]);
    show(&site, &["groups"]);
    show(&site, &["doctor"]);
    show(&site, &["dlq", "list"]);
    for group in ["search", "mail"] {
        site.run(&["groups", "create", "--topic", "courses", "--group", group])
            .ok();
    }
    site.publish(3);
    let fails = "test $TIDINGS_KEY = c-0 || exit 3";
    let base = ["consume", "--topic", "courses", "--group", "mail"];
    site.run(&[&base[..], &["--exec", fails, "--until-idle", "700ms"]].concat())
        .ok();
    show(&site, &["topics"]);
    show(&site, &["groups"]);
    show(&site, &["doctor"]);
    show(&site, &["dlq", "list"]);
    hidden().bind(|| insta::assert_snapshot!("tables", said));
}
