//! `tidings groups remove` and `tidings groups acknowledge`.

use serde_json::{Value, json};

use crate::site::Site;

const MAIL: [&str; 4] = ["--topic", "courses", "--group", "mail"];

fn run<'a>(verb: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["groups", verb][..], &MAIL, more].concat()
}

fn mail(site: &Site) -> Option<Value> {
    let groups = site.run(&["groups", "--json"]).ok().json();
    groups.into_iter().find(|group| group["group"] == "mail")
}

/// Ten events of which the hard cap takes six that the group had not heard.
fn site() -> Site {
    let site = Site::new();
    site.run(&[&["groups", "create"][..], &MAIL].concat()).ok();
    site.publish(10);
    let trim = ["trim", "--topic", "courses", "--hard-max-len", "4", "--yes"];
    site.run(&trim).ok();
    site
}

#[test]
fn what_was_lost_is_told_with_its_cause_until_it_is_acknowledged() {
    let site = site();
    let lost = mail(&site).unwrap();
    assert_eq!(lost["lost"], 6);
    let cause = lost["lost_cause"].as_str().unwrap();
    assert!(cause.contains("hard cap"), "not by others: {cause}");
    let doctor = site.run(&["doctor"]).ends_with(1);
    assert!(
        doctor.out.contains("hard cap")
            && doctor.out.contains("groups acknowledge --topic courses"),
        "{}",
        doctor.out
    );
    let table = site.run(&["groups"]).ok();
    assert!(table.out.contains("courses, mail: lost:"), "{}", table.out);
    let ran = site.run(&run("acknowledge", &["--dry-run"])).ok();
    assert!(ran.out.contains("6 lost events"), "{}", ran.out);
    // Nobody can be asked.
    site.run(&run("acknowledge", &[])).ends_with(64);
    assert_eq!(mail(&site).unwrap()["lost"], 6);
    let told = site
        .run(&run("acknowledge", &["--yes", "--json"]))
        .ok()
        .json();
    assert_eq!(
        (&told[0]["lost"], &told[0]["acknowledged"]),
        (&json!(6), &json!(true))
    );
    let after = mail(&site).unwrap();
    assert_eq!(
        (&after["lost"], &after["lost_cause"]),
        (&json!(0), &Value::Null)
    );
    let doctor = site.run(&["doctor"]).ok();
    assert!(!doctor.out.contains("gap"), "{}", doctor.out);
    // Whom it concerns is told all the same, once.
    let consume = [&["consume", "--max", "4"][..], &MAIL].concat();
    let ran = site.run(&consume).ok();
    let said = ran.err.matches("lost to").count();
    assert_eq!(said, 1, "{}", ran.err);
    assert!(!ran.err.contains("Some("), "{}", ran.err);
}

#[test]
fn a_group_that_nobody_needs_goes_for_good_and_not_while_it_is_consumed() {
    let site = site();
    let ran = site.run(&run("remove", &["--dry-run"])).ok();
    assert!(ran.out.contains("would go"), "{}", ran.out);
    site.run(&run("remove", &[])).ends_with(64);
    assert!(mail(&site).is_some());
    let mut consumer = site
        .command(&[&["consume"][..], &MAIL].concat())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while mail(&site).unwrap()["consumers"] == json!([]) {
        assert!(std::time::Instant::now() < end, "it never joins");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let ran = site.run(&run("remove", &["--yes"])).ends_with(64);
    assert!(ran.err.contains("is consumed by"), "{}", ran.err);
    crate::site::terminate(&consumer);
    crate::site::wait(&mut consumer);
    let told = site.run(&run("remove", &["--yes", "--json"])).ok().json();
    assert_eq!(told[0]["removed"], json!(true));
    assert_eq!(mail(&site), None);
    let ran = site.run(&run("remove", &["--yes"])).ends_with(66);
    assert!(ran.err.contains("no group mail"), "{}", ran.err);
}
