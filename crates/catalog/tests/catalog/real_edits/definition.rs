//! Edits of what stands around the schema.

use super::Edit;

pub(super) const EDITS: &[Edit] = &[
    (
        "learning.course.enrollment.created.v1",
        "the key is another field",
        "breaking key",
        |f| {
            f.put(
                "key: \"enrollment.course.course_key\"",
                "key: enrollment.user.id",
            );
        },
    ),
    (
        "learning.cohort_membership.changed.v1",
        "a key comes",
        "compatible key",
        |f| {
            f.put("avro_file:", "key: cohort.course.course_key\navro_file:");
        },
    ),
    (
        "learning.program.certificate.awarded.v1",
        "another service owns it",
        "compatible owner",
        |f| {
            f.put("service: \"", "service: \"new-");
        },
    ),
    (
        "learning.certificate.created.v1",
        "it is described in other words",
        "nothing",
        |f| {
            f.put(
                "title: \"Certificate created\"",
                "title: \"A certificate was made\"",
            );
        },
    ),
    (
        "learning.certificate.revoked.v1",
        "it ends in years",
        "compatible deprecation",
        |f| {
            f.add("deprecation: {since: 2026-11-27, until: 2099-06-30}\n");
        },
    ),
    (
        "learning.certificate.revoked.v1",
        "it ended yesterday",
        "breaking deprecation",
        |f| {
            f.add("deprecation: {since: 2026-01-01, until: 2026-11-26}\n");
        },
    ),
    (
        "learning.student.registration.completed.v1",
        "an address is no longer tagged",
        "notice pii",
        |f| {
            f.put("  - field: \"user.pii.email\"\n    kind: \"email\"\n    reason: \"openedx-events carries it in the event\"\n", "");
        },
    ),
    (
        "learning.ora.submission.created.v1",
        "an id becomes personal",
        "notice pii",
        |f| {
            f.add("pii: [{field: submission.anonymous_user_id, kind: id, reason: Staff can look it up}]\n");
        },
    ),
    (
        "learning.badge.revoked.v1",
        "a consumer declares itself",
        "compatible consumers",
        |f| {
            f.add("consumers: [{service: credentials, reads: [badge.uuid]}]\n");
        },
    ),
    (
        "content_authoring.course.created.v1",
        "it is no longer there",
        "breaking removed",
        |f| {
            f.yaml.clear();
        },
    ),
];
