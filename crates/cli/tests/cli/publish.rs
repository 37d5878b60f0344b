//! `tidings publish`: receipts, bad lines, whole files.

use crate::site::{Site, TYPE, document};

#[test]
fn an_event_is_stamped_by_the_profile() {
    let site = Site::new();
    let made = [
        "publish",
        "--json",
        "--topic",
        "courses",
        "--type",
        TYPE,
        "--service",
        "catalog",
    ];
    let receipt = &site
        .run(
            &[
                &made[..],
                &[
                    "--key-path",
                    "course.id",
                    "--data",
                    r#"{"course":{"id":"c-9"}}"#,
                ],
            ]
            .concat(),
        )
        .ok()
        .json()[0];
    assert_eq!(receipt["topic"], "courses");
    assert_eq!(receipt["position"], "1");
    let event = &site.run(&["tail", "--no-follow"]).ok().json()[0];
    assert_eq!(event["id"], receipt["id"]);
    assert_eq!(event["source"], "/example/catalog/worker");
    assert_eq!(event["partitionkey"], "c-9");
    site.write("event.json", &event.to_string());
    site.run(&["check", "event.json"]).ok();
}

#[test]
fn a_bad_line_is_told_and_the_good_ones_go_on() {
    let site = Site::new();
    let wrong_type = document(7).replace(TYPE, "org.example.catalog.course.create");
    let input = [document(1), "{\"bad\"\n".into(), wrong_type, document(2)].concat();
    let ran = site
        .feed(&["publish", "--topic", "courses", "--json"], &input)
        .ends_with(65);
    let lines = ran.json();
    assert_eq!(lines.len(), 4, "{}", ran.out);
    assert_eq!(lines[0]["position"], "1");
    assert_eq!(lines[1]["error"]["line"], 2);
    assert_eq!(lines[2]["error"]["line"], 3);
    assert_eq!(lines[2]["error"]["code"], "OEP41-type-grammar");
    assert!(!lines[2]["error"]["remedy"].as_str().unwrap().is_empty());
    assert_eq!(lines[3]["position"], "2");

    let atomic = site
        .feed(&["publish", "--topic", "other", "--atomic"], &input)
        .ends_with(65);
    assert!(
        atomic.err.contains("nothing was published"),
        "{}",
        atomic.err
    );
    let topics = site.run(&["topics", "--json"]).ok().json();
    assert!(topics.iter().all(|topic| topic["topic"] != "other"));
}

#[test]
fn an_array_is_as_good_as_lines() {
    let site = Site::new();
    let array = format!("[{},\n {}]", document(1).trim(), document(2).trim());
    site.write("events.json", &array);
    let ran = site.run(&[
        "publish",
        "--topic",
        "courses",
        "--atomic",
        "--json",
        "events.json",
    ]);
    assert_eq!(ran.ok().json().len(), 2);
}
