//! The events that are measured.

/// An event as a service publishes it, about as large as the median Open edX event. All have the
/// same length.
pub fn document(n: usize) -> String {
    let key = key(n);
    format!(
        concat!(
            r#"{{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-{:012x}","#,
            r#""source":"/openedx/cms/web","type":"org.openedx.content_authoring.course.catalog_info.changed.v1","#,
            r#""time":"2026-11-23T21:26:15.021067Z","minorversion":0,"sourcehost":"cms-1","#,
            r#""partitionkey":"{key}","datacontenttype":"application/json","#,
            r#""data":{{"catalog_info":{{"course_key":"{key}","name":"Demonstration Course","#,
            r#""schedule_data":{{"start":"2025-09-01T08:00:00+00:00","pacing":"instructor","end":null}},"#,
            r#""hidden":false,"invitation_only":false}}}}}}"#
        ),
        n,
        key = key
    )
}

/// The key of an event: one of a thousand courses.
pub fn key(n: usize) -> String {
    format!("course-v1:a+b+{:03}", n % 1_000)
}

/// The type of [`DEFINITION`].
pub const TYPE: &str = "org.example.catalog.course.changed.v1";

/// A definition as people write them: nested objects, a list, formats, an enum.
pub const DEFINITION: &str = "
type: org.example.catalog.course.changed.v1
title: Course changed
description: A course was changed.
owner: {service: catalog, subdomain: catalog}
key: course.key
topics: [courses]
schema:
  type: object
  required: [course, changed]
  properties:
    course:
      type: object
      required: [key, title, state]
      properties:
        key: {type: string, maxLength: 255}
        title: {type: string}
        summary: {type: string}
        state: {enum: [draft, published, archived]}
        start: {type: string, format: date-time}
        seats: {type: integer, minimum: 0}
        price: {type: number}
        instructors:
          type: array
          items:
            type: object
            required: [id]
            properties:
              id: {type: string, format: uuid}
              name: {type: string}
    changed: {type: array, items: {type: string}}
";

/// A payload of it, of 1 KB.
pub fn payload() -> String {
    let instructor = |n: u32| {
        format!(r#"{{"id":"7a2b1c{n:02}-c9ab-11f0-8de9-0242ac120002","name":"Instructor {n}"}}"#)
    };
    let instructors: Vec<String> = (0..6).map(instructor).collect();
    let head = format!(
        r#"{{"course":{{"key":"course-v1:edX+DemoX+2026","title":"Demonstration","state":"published","start":"2026-11-26T12:00:00Z","seats":250,"price":99.5,"instructors":[{}],"summary":""#,
        instructors.join(",")
    );
    let tail = r#""},"changed":["title","seats","instructors"]}"#;
    let text = "x".repeat(1_024 - head.len() - tail.len());
    format!("{head}{text}{tail}")
}
