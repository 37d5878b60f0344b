//! `tidings topics`, `groups`, `tail`, `doctor`.

use crate::site::Site;

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
