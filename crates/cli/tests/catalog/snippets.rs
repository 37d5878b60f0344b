//! What the guide says to put into CI, run to the letter.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::site::Site;

const V1: &str = include_str!("../../../../examples/events/course.renamed.v1.yaml");
const V2: &str = include_str!("../../../../examples/events/course.renamed.v2.yaml");

/// The steps of the workflow, as a runner would run them for a pull request to `main`.
fn steps() -> Vec<String> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/catalog.md");
    let guide = fs::read_to_string(guide).unwrap();
    let workflow = guide
        .split("```yaml")
        .find(|block| block.contains("on: pull_request"));
    let workflow = workflow.unwrap().split("```").next().unwrap();
    let steps = workflow
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- run: "));
    steps
        .map(|step| step.replace("${{ github.base_ref }}", "main"))
        .collect()
}

fn bash(site: &Site, script: &str) -> (bool, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_tidings"));
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-e", "-c", script])
        .current_dir(site.path())
        .env(
            "PATH",
            format!("{}:{path}", program.parent().unwrap().display()),
        )
        .env_remove("TIDINGS_CATALOG")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), said)
}

#[test]
fn the_workflow_of_the_guide_passes_what_is_good_and_fails_what_breaks() {
    let steps = steps();
    assert_eq!(steps.len(), 3, "{steps:?}");
    let site = Site::new(&[("v1.yaml", V1), ("v2.yaml", V2)]);
    let commit = "git -c user.name=A -c user.email=a@example.org commit --quiet";
    let (made, said) = bash(
        &site,
        &format!(
            "git init --quiet -b main . && git add . && {commit} -m one &&
             git clone --quiet --bare . ../$(basename $PWD).git &&
             git remote add origin ../$(basename $PWD).git && git fetch --quiet origin"
        ),
    );
    assert!(made, "{said}");
    for step in &steps {
        let (good, said) = bash(&site, step);
        assert!(good, "{step}: {said}");
    }
    let broken = V1.replacen("title: {type: string", "title: {type: integer", 1);
    assert_ne!(broken, V1);
    site.write("events/v1.yaml", &broken);
    let (good, said) = bash(&site, &steps[1]);
    assert!(!good);
    assert!(said.contains("::error file="), "{said}");
    let (gone, _) = bash(&site, "rm -rf ../$(basename $PWD).git");
    assert!(gone);
}
