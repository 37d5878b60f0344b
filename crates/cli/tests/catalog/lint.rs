//! `lint`

use crate::site::{COURSE_CREATED, Site};

fn site() -> Site {
    let text = COURSE_CREATED
        .replace(
            "  - {rule: past-tense, reason: It is in the past tense}\n",
            "  - {rule: missing-key, reason: It was so}\n",
        )
        .replace("reads: [course.course_key", "reads: [course.key");
    Site::new(&[("catalog/course.created.yaml", &text)])
}

#[test]
fn findings_are_shown_with_their_line() {
    let ran = site().catalog(&["lint"]).ends_with(65);
    insta::assert_snapshot!(format!("{}\n{}", ran.out.trim_end(), ran.err));
}

#[test]
fn findings_for_programs_and_for_github() {
    let site = site();
    let found = site.catalog(&["lint", "--json"]).ends_with(65).json();
    let rules: Vec<&str> = found
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert_eq!(rules, ["deprecation", "contract", "mapping", "allowance"]);
    assert_eq!(
        (&found[1]["line"], &found[1]["file"]),
        (&52.into(), &"events/catalog/course.created.yaml".into())
    );
    insta::assert_snapshot!(
        site.catalog(&["lint", "--github", "--rule", "contract"])
            .ends_with(65)
            .out
    );
    // A file that cannot be read is annotated as well.
    site.write("events/b.yaml", "type: [\n");
    let ran = site.catalog(&["lint", "--github"]).ends_with(65);
    assert!(
        ran.out.starts_with("::error file=events/b.yaml,line="),
        "{}",
        ran.out
    );
}

#[test]
fn settings_and_options_choose_the_rules() {
    let site = site();
    let only = site.catalog(&["lint", "--rule", "deprecation"]).ok();
    assert!(
        only.err
            .contains("1 definition checked: 0 errors, 1 warning"),
        "{}",
        only.err
    );
    site.catalog(&["lint", "--rule", "deprecation", "--strict"])
        .ends_with(65);
    let wrong = site.catalog(&["lint", "--rule", "alowance"]).ends_with(64);
    assert!(
        wrong.err.contains("did you mean `allowance`?"),
        "{}",
        wrong.err
    );
    site.write(
        "tidings.toml",
        "catalog = [\"events\"]\n[lint]\ncontract = \"off\"\nmapping = {level = \"warning\"}\n",
    );
    let ran = site.catalog(&["lint"]).ok();
    assert!(ran.err.contains("0 errors, 3 warnings"), "{}", ran.err);
    for (text, message) in [
        ("[lint]\ncontracts = \"off\"\n", "did you mean `contract`?"),
        (
            "[lint]\ncontract = \"of\"\n",
            "write `off`, `warning` or `error`",
        ),
        (
            "[lint]\ncontract = {words = []}\n",
            "has no setting \"words\"",
        ),
    ] {
        site.write("tidings.toml", text);
        let ran = site.catalog(&["lint"]).ends_with(78);
        assert!(ran.err.contains(message), "{}", ran.err);
    }
}

#[test]
fn a_rule_explains_itself() {
    let site = site();
    let ran = site.catalog(&["lint", "--explain", "callbacks"]).ok();
    assert!(
        ran.out.starts_with("callbacks\n\nWhat it does\n"),
        "{}",
        ran.out
    );
    let wrong = site
        .catalog(&["lint", "--explain", "callback"])
        .ends_with(64);
    assert!(
        wrong.err.contains("did you mean callbacks?"),
        "{}",
        wrong.err
    );
}

#[test]
fn a_folder_without_definitions_is_no_success() {
    let site = Site::new(&[]);
    site.write("events/notes.txt", "nothing yet");
    let ran = site.catalog(&["lint", "events"]).ends_with(66);
    assert!(ran.err.contains("no definition in events"), "{}", ran.err);
    std::fs::remove_file(site.path().join("tidings.toml")).expect("a file");
    let ran = site.catalog(&["lint"]).ends_with(64);
    assert!(ran.err.contains("nobody names a catalog"), "{}", ran.err);
}

#[test]
fn a_thousand_definitions_are_no_burden() {
    let site = Site::new(&[]);
    for n in 0..1000 {
        let text = COURSE_CREATED
            .replace("course.created.v2", &format!("course{n}.created.v1"))
            .replace("to_previous:", "#")
            .lines()
            .filter(|line| !line.starts_with("  - rename") && !line.starts_with("  - drop"))
            .filter(|line| !line.starts_with("  - default") && !line.starts_with("  - copy"))
            .fold(String::new(), |text, line| text + line + "\n");
        site.write(&format!("events/catalog/{n}.yaml"), &text);
    }
    let ran = site.catalog(&["lint"]).ok();
    assert!(ran.err.contains("1,000 definitions checked"), "{}", ran.err);
    let ran = site.catalog(&["docs", "--out", "site"]).ok();
    assert!(ran.err.contains("1,000 events in"), "{}", ran.err);
}

#[test]
fn a_last_day_that_is_over_is_told() {
    let over = format!("{COURSE_CREATED}\n").replace("until:", "until: 2020-01-02 #");
    let over = over.replace("since:", "since: 2020-01-01 #");
    let site = Site::new(&[("course.created.yaml", &over)]);
    let ran = site.catalog(&["lint", "--rule", "deprecation", "--json"]);
    let found = ran.ok().json();
    let messages: Vec<&str> = found.iter().filter_map(|f| f["message"].as_str()).collect();
    let over = |message: &&&str| message.starts_with("the last day, 2020-01-02, is over");
    assert_eq!(messages.iter().filter(over).count(), 1, "{messages:?}");
}
