//! Which consumers a change breaks, and where it points.

use tidings_catalog::Catalog;
use tidings_catalog::evolution::{ChangeKind, ChangeReport, Mode, Severity, diff};

const TYPE: &str = "org.example.catalog.course.created.v1";

fn avro(fields: &str, consumers: &str) -> Catalog {
    let schema = format!(
        r#"{{"type": "record", "name": "Event", "fields": [{{"name": "course", "type":
        {{"type": "record", "name": "Course", "fields": [{fields}]}}}}]}}"#
    );
    let definition = format!(
        "type: {TYPE}\ntitle: A\nowner: {{service: catalog, subdomain: catalog}}\n\
         avro_file: {TYPE}.avsc\nconsumers: {consumers}\n"
    );
    let files = [
        (format!("{TYPE}.yaml"), definition),
        (format!("{TYPE}.avsc"), schema),
    ];
    Catalog::from_texts(files).unwrap()
}

fn consumers(report: &ChangeReport) -> Vec<&str> {
    let mut all: Vec<&str> = report
        .changes
        .iter()
        .flat_map(|change| &change.consumers)
        .map(String::as_str)
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn an_avro_field_that_is_no_longer_written_concerns_those_who_read_it() {
    let reads = "[{service: search, reads: [course.title]}, {service: mail, reads: [course.id]}]";
    let (id, title) = (
        r#"{"name": "id", "type": "string"}"#,
        r#"{"name": "title", "type": "string"}"#,
    );
    let old = avro(&format!("{id}, {title}"), reads);
    let new = avro(id, reads);
    let day = "2026-11-26".parse().unwrap();
    for mode in [Mode::Oep41, Mode::Forward, Mode::Full] {
        let report = diff(&old, &new, mode, day);
        assert_eq!(consumers(&report), ["search"], "{mode:?}");
        let change = &report.changes[0];
        assert_eq!(change.path.as_ref().unwrap().as_str(), "course.title");
    }
    let forward = diff(&old, &new, Mode::Forward, day);
    let breaking = forward
        .changes
        .iter()
        .find(|change| change.witness.is_some() && change.severity == Severity::Breaking);
    let message = &breaking.unwrap().message;
    assert!(
        message.contains("`course.title` is not written, and the reader has no default"),
        "{message}"
    );
}

#[test]
fn a_contract_that_changes_with_what_breaks_it_is_still_one() {
    let (id, title) = (
        r#"{"name": "id", "type": "string"}"#,
        r#"{"name": "title", "type": "string"}"#,
    );
    let old = avro(
        &format!("{id}, {title}"),
        "[{service: search, reads: [course.title]}, {service: mail, reads: [course.title]}]",
    );
    let new = avro(id, "[{service: search, reads: [course.id]}]");
    let report = diff(&old, &new, Mode::Oep41, "2026-11-26".parse().unwrap());
    assert_eq!(consumers(&report), ["mail", "search"]);
}

#[test]
fn a_caret_follows_references() {
    let text = format!(
        "type: {TYPE}\ntitle: A\nowner: {{service: catalog, subdomain: catalog}}\nschema:\n  \
         type: object\n  properties:\n    course: {{$ref: '#/$defs/course'}}\n  $defs:\n    \
         course:\n      type: object\n      properties:\n        title: {{$ref: '#/$defs/text'}}\n    \
         text:\n      type: object\n      properties:\n        en: {{type: string}}\n"
    );
    let catalog = Catalog::from_texts([(format!("{TYPE}.yaml"), text)]).unwrap();
    let event = catalog.event(TYPE).unwrap();
    let line = |path: &str| {
        event
            .locate_field(&path.into())
            .line_and_column()
            .unwrap()
            .0
    };
    assert_eq!(line("course"), 7);
    assert_eq!(line("course.title"), 12);
    assert_eq!(line("course.title.en"), 16);
}

/// What a change of the tags of a definition is told as, with its severity.
fn personal(old: &str, new: &str) -> Vec<(Severity, String)> {
    let definition = |more: &str| {
        format!("type: {TYPE}\ntitle: A\nowner: {{service: catalog, subdomain: catalog}}\n{more}\n")
    };
    let of = |more: &str| Catalog::from_texts([("a.yaml", definition(more))]).unwrap();
    let report = diff(
        &of(old),
        &of(new),
        Mode::Oep41,
        "2026-11-26".parse().unwrap(),
    );
    let changes = report.changes.into_iter();
    changes
        .filter(|change| change.kind == ChangeKind::Personal)
        .map(|change| (change.severity, change.message))
        .collect()
}

#[test]
fn what_becomes_personal_and_what_no_longer_is() {
    let schema = |fields: &str| format!("schema: {{type: object, properties: {{{fields}}}}}\n");
    let tag = |field: &str, kind: &str| {
        format!("pii: [{{field: {field}, kind: {kind}, reason: The letter is sent to it}}]\n")
    };
    let mail = schema("mail: {type: string}");
    let person = |more: &str| {
        schema(&format!(
            "person: {{type: object, properties: {{a: {{}}{more}}}}}"
        ))
    };
    let notice = |text: &str| vec![(Severity::Notice, text.to_owned())];
    for (old, new, told) in [
        (
            mail.clone(),
            mail.clone() + &tag("mail", "email"),
            notice("`mail` is tagged as personal data now (email)"),
        ),
        (
            mail.clone() + &tag("mail", "email"),
            mail.clone(),
            notice("`mail` is no longer tagged as personal data (email)"),
        ),
        (
            schema("a: {}"),
            schema("a: {}, mail: {type: string}") + &tag("mail", "email"),
            notice("`mail` is new and holds personal data (email)"),
        ),
        (
            person("") + &tag("person", "profile"),
            person(", b: {}") + &tag("person", "profile"),
            notice("`person.b` is new and holds personal data (profile)"),
        ),
        (
            mail.clone() + &tag("mail", "email"),
            mail.clone() + &tag("mail", "contact"),
            vec![(
                Severity::Compatible,
                "`mail` is personal data of the kind `contact`, and was `email`".to_owned(),
            )],
        ),
        // A tag that covers more, and a field that went with its tag, are no news of their own.
        (
            person("") + &tag("person", "profile"),
            person("") + &tag("person.a", "profile"),
            notice("`person` is no longer tagged as personal data (profile)"),
        ),
        (
            person("") + &tag("person.a", "profile"),
            person("") + &tag("person", "profile"),
            notice("`person` is tagged as personal data now (profile)"),
        ),
        (
            mail.clone() + &tag("mail", "email"),
            schema("a: {}"),
            vec![],
        ),
        (
            mail.clone() + &tag("mail", "email"),
            mail + &tag("mail", "email"),
            vec![],
        ),
    ] {
        assert_eq!(personal(&old, &new), told, "{old} -> {new}");
    }
}
