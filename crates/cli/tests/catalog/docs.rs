//! `docs`: the folder that it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::site::{COURSE_CREATED, Site};

/// What an attacker would write into a definition.
const HOSTILE: &str = include_str!("hostile.yaml");

#[test]
fn a_site_is_made_of_the_events_of_open_edx() {
    let site = openedx();
    let ran = site.catalog(&["docs", "--out", "site", "--json"]).ok();
    let said = &ran.json()[0];
    let files = files(&site.path().join("site"));
    assert_eq!(said["events"], 75);
    // The list of the files is not one of them.
    assert_eq!(said["files"], files.len() as u64 - 1);
    let events = files.keys().filter(|path| path.starts_with("events/"));
    assert_eq!(events.count(), 75);
    // A type that names no major version, as the package has it.
    let page = site.read("site/events/org.openedx.authz.role_assignment.created.html");
    assert!(page.contains(">minor 0<"), "{page}");
    let page = site.read("site/events/org.openedx.learning.certificate.created.v1.html");
    for said in [
        "Certificate created",
        "openedx/edx-platform",
        "certificate.course.course_key",
        "unique identifier for the Django User object.",
        "personal: email",
        "course-v1:edX+DemoX+2026",
        "tidings consume --topic TOPIC",
    ] {
        let text = page
            .replace("<wbr>", "")
            .replace("<span class=\"outer\">", "")
            .replace("</span>", "");
        assert!(text.contains(said), "{said} is missing");
    }
}

#[test]
fn the_same_definitions_give_the_same_bytes() {
    let site = everything();
    let arguments = |out| ["docs", "--openedx", "--since", "older", "--out", out];
    site.catalog(&arguments("one")).ok();
    site.catalog(&arguments("two")).ok();
    assert!(files(&site.path().join("one")) == files(&site.path().join("two")));
}

#[test]
fn every_link_leads_somewhere() {
    let site = everything();
    site.catalog(&["docs", "--openedx", "--since", "older", "--out", "site"])
        .ok();
    let files = files(&site.path().join("site"));
    let mut followed = 0;
    for (path, content) in files.iter().filter(|(path, _)| path.ends_with(".html")) {
        let html = String::from_utf8(content.clone()).unwrap();
        for link in links(&html) {
            if ["https://", "http://", "mailto:"]
                .iter()
                .any(|scheme| link.starts_with(scheme))
            {
                continue;
            }
            let (target, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match target.is_empty() {
                true => path.clone(),
                false => resolved(path, target),
            };
            let found = files
                .get(&target)
                .unwrap_or_else(|| panic!("{path}: {link} leads nowhere"));
            let named = format!("id=\"{anchor}\"");
            assert!(
                anchor.is_empty() || String::from_utf8_lossy(found).contains(&named),
                "{path}: {link} leads to no anchor"
            );
            followed += 1;
        }
    }
    assert!(followed > 2_000, "{followed}");
    // Every page is led to.
    let mut reached = BTreeSet::from(["index.html".to_owned()]);
    let mut todo = vec!["index.html".to_owned()];
    while let Some(path) = todo.pop() {
        let html = String::from_utf8_lossy(&files[&path]).into_owned();
        for link in links(&html).iter().filter(|link| !link.contains(':')) {
            let target = resolved(&path, link.split('#').next().unwrap());
            if target.ends_with(".html") && reached.insert(target.clone()) {
                todo.push(target);
            }
        }
    }
    let pages = files.keys().filter(|path| path.ends_with(".html"));
    assert_eq!(
        pages.collect::<Vec<_>>(),
        reached.iter().collect::<Vec<_>>()
    );
}

#[test]
fn what_a_definition_says_stays_text() {
    let site = Site::new(&[("hostile.yaml", HOSTILE), ("a.yaml", COURSE_CREATED)]);
    site.catalog(&[
        "docs",
        "--out",
        "site",
        "--title",
        "<script>alert(0)</script>",
    ])
    .ok();
    let files = files(&site.path().join("site"));
    let mut seen = 0;
    for (path, content) in &files {
        assert!(path.split('/').all(|part| !part.starts_with('.')), "{path}");
        let text = String::from_utf8_lossy(content);
        if !path.ends_with(".html") {
            continue;
        }
        seen += text.matches("&lt;script&gt;").count();
        for (index, _) in text.match_indices("<script") {
            assert!(text[index..].starts_with("<script src="), "{path}");
        }
        for forbidden in [
            "<img",
            "<iframe",
            "javascript:alert",
            "\" onmouseover=\"",
            "<style",
        ] {
            assert!(!text.contains(forbidden), "{path} has {forbidden}");
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn a_folder_of_others_is_left_alone() {
    let site = openedx();
    site.write("mine/notes.txt", "mine");
    let ran = site.catalog(&["docs", "--out", "mine"]).ends_with(64);
    assert!(
        ran.err.contains("holds files, and none of a site"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("help: name a new folder"), "{}", ran.err);
    assert_eq!(files(&site.path().join("mine")).len(), 1);
    // A list that somebody wrote removes nothing outside the folder.
    site.write(
        "ours/tidings-site.json",
        r#"{"files": ["../mine/notes.txt", "/etc/hostname", "old.html"]}"#,
    );
    site.write("ours/old.html", "old");
    site.write("ours/CNAME", "events.example.org");
    let ran = site.catalog(&["docs", "--out", "ours"]).ok();
    assert!(
        ran.err.contains("1 file of the earlier site removed"),
        "{}",
        ran.err
    );
    assert_eq!(site.read("mine/notes.txt"), "mine");
    assert_eq!(site.read("ours/CNAME"), "events.example.org");
    assert!(!site.path().join("ours/old.html").exists());
}

#[test]
fn a_changelog_compares_with_revisions() {
    let site = Site::new(&[("a.yaml", COURSE_CREATED)]);
    let git = |arguments: &[&str]| {
        let author = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
        let mut command = Command::new("git");
        command
            .args(author)
            .args(arguments)
            .current_dir(site.path());
        assert!(command.output().unwrap().status.success(), "{arguments:?}");
    };
    git(&["init", "--quiet", "."]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "One"]);
    git(&["tag", "v1"]);
    let renamed = COURSE_CREATED
        .replace("required: [username]", "required: [user]")
        .replace("username: {type", "user: {type");
    site.write(
        "events/a.yaml",
        &renamed.replace("{username: ada}", "{user: ada}"),
    );
    site.catalog(&["docs", "--out", "site", "--since", "v1"])
        .ok();
    let page = site.read("site/changelog.html").replace("<wbr>", "");
    assert!(page.contains("<h2>v1 → now</h2>"), "{page}");
    assert!(
        page.contains("<code>created_by.username</code> is no longer there"),
        "{page}"
    );
    assert!(page.contains("breaking"), "{page}");
    let ran = site
        .catalog(&["docs", "--out", "site", "--since", "v9"])
        .ends_with(66);
    assert!(
        ran.err.contains("git has no revision \"v9\""),
        "{}",
        ran.err
    );
}

#[test]
fn a_catalog_without_events_makes_no_site() {
    let site = Site::new(&[]);
    let ran = site.catalog(&["docs", "--out", "site"]).ends_with(66);
    assert!(ran.err.contains("the catalog has no events"), "{}", ran.err);
    assert!(!site.path().join("site").exists());
}

/// A folder where the events of Open edX are the catalog.
fn openedx() -> Site {
    let site = Site::new(&[]);
    site.write("tidings.toml", "");
    site
}

/// A catalog with all that a page can say, and an older state of it in `older`.
pub fn everything() -> Site {
    let site = Site::new(&[("a.yaml", COURSE_CREATED)]);
    let next = COURSE_CREATED
        .replace("created.v2", "created.v3")
        .replace("title: {type: string}", "name: {type: string}")
        .replace("course_key, title]", "course_key, name]")
        .replace("title: Demonstration", "name: Demonstration")
        .replace("course.title", "course.name");
    let (next, _) = next.split_once("deprecation:").unwrap();
    let older = COURSE_CREATED.replace("        state: {enum: [draft, published]}\n", "");
    site.write(
        "older/a.yaml",
        &older
            .replace(", state: draft", "")
            .replace("    accepts: {course.state: [draft, published]}\n", ""),
    );
    site.write("events/b.yaml", next);
    site
}

/// The files of a folder and the folders in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(root, &path, files),
                false => {
                    let name = path
                        .strip_prefix(root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned();
                    files.insert(name, fs::read(&path).unwrap());
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

/// What `href` and `src` name.
fn links(html: &str) -> Vec<String> {
    let mut links = Vec::new();
    for attribute in [" href=\"", " src=\""] {
        for (index, _) in html.match_indices(attribute) {
            let rest = &html[index + attribute.len()..];
            let link = &rest[..rest.find('"').unwrap()];
            links.push(link.replace("&amp;", "&"));
        }
    }
    links
}

/// The file that a link of a page means.
fn resolved(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            ".." => assert!(
                parts.pop().is_some(),
                "{page}: {link} leads out of the site"
            ),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
