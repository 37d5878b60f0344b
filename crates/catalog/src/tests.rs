//! Catalogs from folders, and the one that is built in.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tidings_event::Definitions;

use crate::{Catalog, ErrorKind};

const LONG: &str = r#"{"type": "record", "name": "A", "fields": [{"name": "a", "type": "long"}]}"#;
const TEXT: &str =
    r#"{"type": "record", "name": "A", "fields": [{"name": "a", "type": "string"}]}"#;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn fingerprint(catalog: &Catalog, event_type: &str, minor: Option<i32>) -> Option<String> {
    let definition = catalog.definition(event_type, minor)?;
    Some(definition.schema.as_ref()?.fingerprint().to_owned())
}

#[test]
fn all_events_of_open_edx_are_built_in() {
    let catalog = Catalog::openedx();
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog/openedx");
    let on_disk = Catalog::from_folder(files).unwrap();
    assert_eq!((catalog.len(), on_disk.len()), (75, 75));
    let with_avro = || {
        catalog
            .definitions()
            .filter(|definition| definition.schema.is_some())
    };
    assert_eq!(with_avro().count(), 73);
    for definition in with_avro() {
        let schema = definition.schema.as_ref().unwrap();
        assert_eq!(definition.minorversion, 0);
        assert_eq!(
            fingerprint(&on_disk, &definition.event_type, Some(0)).as_deref(),
            Some(schema.fingerprint())
        );
        assert!(catalog.schema(schema.fingerprint()).is_some());
        assert!(schema.canonical_form().starts_with(&format!(
            r#"{{"name":"{}.CloudEvent","type":"record""#,
            definition.event_type
        )));
    }
}

#[test]
fn minor_versions_are_found_exactly_and_the_newest_by_default() {
    let folder = folder(&[
        ("org.example.a.made.v1.avsc", LONG),
        ("org.example.a.made.v1@2.avsc", TEXT),
        ("README.md", "not a schema"),
    ]);
    fs::create_dir(folder.path().join("nested.avsc")).unwrap();
    let catalog = Catalog::from_folder(folder.path()).unwrap();
    assert_eq!(catalog.len(), 2);
    let (old, new) = (
        fingerprint(&catalog, "org.example.a.made.v1", Some(0)).unwrap(),
        fingerprint(&catalog, "org.example.a.made.v1", Some(2)).unwrap(),
    );
    assert_ne!(old, new);
    assert_eq!(
        fingerprint(&catalog, "org.example.a.made.v1", None),
        Some(new)
    );
    assert_eq!(
        fingerprint(&catalog, "org.example.a.made.v1", Some(1)),
        None
    );
    assert_eq!(fingerprint(&catalog, "org.example.b.made.v1", None), None);
    assert!(catalog.schema(&old).is_some());
    assert!(catalog.schema("00").is_none());
}

#[test]
fn later_folders_win_and_what_they_replace_stays_readable() {
    let name = "org.openedx.content_authoring.course.created.v1";
    let file = format!("{name}.avsc");
    let site = Catalog::from_folder(folder(&[(file.as_str(), LONG), ("b.avsc", TEXT)]).path());
    let built_in = Catalog::openedx();
    let before = fingerprint(&built_in, name, Some(0)).unwrap();
    let both = built_in.and(site.unwrap());
    let after = fingerprint(&both, name, Some(0)).unwrap();
    assert_ne!(before, after);
    assert!(both.schema(&before).is_some() && both.schema(&after).is_some());
    assert_eq!(both.len(), 76);
}

#[test]
fn errors_carry_the_file() {
    let fails = |files: &[(&str, &str)]| {
        let folder = folder(files);
        let error = Catalog::from_folder(folder.path()).unwrap_err();
        let name = error.path().file_name().unwrap().to_str().unwrap();
        (error.kind(), name.to_owned(), error.to_string())
    };

    let (kind, file, text) = fails(&[("a.v1.avsc", "{")]);
    assert_eq!((kind, file.as_str()), (ErrorKind::Schema, "a.v1.avsc"));
    assert!(
        text.contains("a.v1.avsc: not an Avro schema: not valid JSON"),
        "{text}"
    );
    let bad = r#"{"type": "record", "name": "A", "fields": [{"name": "a", "type": "lung"}]}"#;
    let (_, _, text) = fails(&[("a.v1.avsc", bad)]);
    assert!(text.contains("a: unknown type `lung`"), "{text}");
    let (kind, file, _) = fails(&[("a.v1@x.avsc", LONG)]);
    assert_eq!((kind, file.as_str()), (ErrorKind::Name, "a.v1@x.avsc"));
    let (kind, file, _) = fails(&[("a.v1@0.avsc", LONG), ("a.v1.avsc", LONG)]);
    assert_eq!((kind, file.as_str()), (ErrorKind::Conflict, "a.v1@0.avsc"));
    let long = " ".repeat(2 * 1024 * 1024);
    let (kind, _, text) = fails(&[("a.v1.avsc", &long)]);
    assert_eq!(kind, ErrorKind::Schema);
    assert!(text.contains("the limit is"), "{text}");

    let error = Catalog::from_folder("/nonexistent/folder").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(std::error::Error::source(&error).is_some());
}
