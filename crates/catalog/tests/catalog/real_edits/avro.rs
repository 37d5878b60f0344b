//! Edits of Avro schemas.

use serde_json::{Value, json};

use super::Edit;
use crate::avro_edits::{fields, remove};

const ENROLLED: &str = "learning.course.enrollment.created.v1";

fn optional() -> Value {
    json!({"name": "org", "type": ["null", "string"], "default": null})
}

pub(super) const EDITS: &[Edit] = &[
    (
        ENROLLED,
        "an optional field comes with a minor version",
        "compatible field-added",
        |f| {
            f.minor();
            f.grow("CourseData", optional());
        },
    ),
    (ENROLLED, "and without one", "breaking minorversion", |f| {
        f.grow("CourseData", optional())
    }),
    (
        "content_authoring.xblock.published.v1",
        "a field without a default comes",
        "breaking backward",
        |f| {
            f.minor();
            f.grow("XBlockData", json!({"name": "org", "type": "string"}));
        },
    ),
    (
        "learning.certificate.created.v1",
        "a URL goes",
        "breaking field-removed",
        |f| {
            remove(&mut f.avro, "CertificateData", "download_url");
        },
    ),
    (
        "learning.badge.awarded.v1",
        "an optional field goes",
        "breaking field-removed",
        |f| {
            remove(&mut f.avro, "BadgeTemplateData", "image_url");
        },
    ),
    (
        "learning.badge.awarded.v1",
        "an optional field is renamed",
        "breaking field-removed,minorversion",
        |f| {
            f.field("image_url")["name"] = json!("icon_url");
        },
    ),
    (
        "learning.program.certificate.awarded.v1",
        "a field is renamed with an alias",
        "breaking field-removed",
        |f| {
            f.minor();
            let status = f.field("status");
            status["name"] = json!("state");
            status["aliases"] = json!(["status"]);
        },
    ),
    (
        "learning.exam.attempt.submitted.v1",
        "text becomes a list of symbols",
        "breaking backward,forward",
        |f| {
            f.field("exam_type")["type"] =
                json!({"type": "enum", "name": "ExamType", "symbols": ["timed", "proctored"]});
        },
    ),
    (
        "enterprise.subsidy.redeemed.v1",
        "a number becomes text",
        "breaking backward,forward",
        |f| {
            f.field("lms_user_id")["type"] = json!("string");
        },
    ),
    (
        "learning.external_grader.score.submitted.v1",
        "whole points become decimal",
        "breaking forward",
        |f| {
            f.field("points_earned")["type"] = json!("double");
        },
    ),
    (
        "learning.course.persistent_grade_summary.changed.v1",
        "a grade loses precision",
        "breaking backward",
        |f| {
            f.field("percent_grade")["type"] = json!("float");
        },
    ),
    (
        "content_authoring.course.catalog_info.changed.v1",
        "an end becomes certain",
        "breaking backward",
        |f| {
            let end = f.field("end");
            end["type"] = json!("string");
            end.as_object_mut().unwrap().remove("default");
        },
    ),
    (
        "content_authoring.course.catalog_info.changed.v1",
        "a flag may be unknown",
        "breaking forward",
        |f| {
            f.field("hidden")["type"] = json!(["null", "boolean"]);
        },
    ),
    (
        "content_authoring.content.object.associations.changed.v1",
        "names become numbers",
        "breaking backward,forward",
        |f| {
            f.field("changes")["type"]["items"] = json!("long");
        },
    ),
    (
        "content_authoring.content_library.created.v1",
        "a class is renamed",
        "breaking backward,forward",
        |f| {
            f.field("content_library")["type"]["name"] = json!("LibraryData");
        },
    ),
    (
        "content_authoring.library_block.created.v1",
        "fields change places",
        "nothing",
        |f| {
            fields(&mut f.avro, "LibraryBlockData").reverse();
        },
    ),
    (
        "analytics.tracking.event.emitted.v1",
        "a field is documented in the schema",
        "nothing",
        |f| {
            f.field("timestamp")["doc"] = json!("When it happened");
        },
    ),
    (
        "authz.role_assignment.created",
        "a default goes",
        "nothing",
        |f| {
            f.field("actor_id")
                .as_object_mut()
                .unwrap()
                .remove("default");
        },
    ),
    (
        "learning.cohort_membership.changed.v1",
        "a default comes",
        "nothing",
        |f| {
            fields(&mut f.avro, "CohortData")[2]["default"] = json!("");
        },
    ),
    (
        "learning.lti_provider.launch.success.v1",
        "the values of a map become numbers",
        "breaking backward,forward",
        |f| {
            f.field("extra_params")["type"]["values"] = json!("long");
        },
    ),
    (
        "learning.discussions.configuration.changed.v1",
        "a field with a default comes in the middle",
        "compatible field-added",
        |f| {
            f.minor();
            let at = fields(&mut f.avro, "CourseDiscussionConfigurationData");
            at.insert(
                2,
                json!({"name": "paused", "type": "boolean", "default": false}),
            );
        },
    ),
    (
        "learning.discussions.configuration.changed.v1",
        "what 11.1.0 inserted is taken out",
        "breaking field-removed",
        |f| {
            remove(&mut f.avro, "CourseDiscussionConfigurationData", "enabled");
        },
    ),
    (
        "learning.forum.thread.created.v1",
        "the person goes out of the user",
        "breaking field-removed",
        |f| {
            remove(&mut f.avro, "UserData", "pii");
        },
    ),
    (
        "learning.student.registration.completed.v1",
        "a name goes",
        "breaking field-removed",
        |f| {
            remove(&mut f.avro, "UserPersonalData", "name");
        },
    ),
    (
        "learning.ora.submission.created.v1",
        "sizes become smaller numbers",
        "breaking backward",
        |f| {
            f.field("file_sizes")["type"]["items"] = json!("int");
        },
    ),
    (
        "learning.xblock.skill.verified.v1",
        "a list goes",
        "breaking field-removed",
        |f| {
            remove(&mut f.avro, "XBlockSkillVerificationData", "ignored_skills");
        },
    ),
    (
        "enterprise.subsidy_ledger_transaction.reversed.v1",
        "an optional part grows",
        "compatible field-added",
        |f| {
            f.minor();
            f.grow("LedgerTransactionReversal", optional());
        },
    ),
    (
        "learning.user.notification.requested.v1",
        "ids become text",
        "breaking backward,forward",
        |f| {
            f.field("user_ids")["type"]["items"] = json!("string");
        },
    ),
    (
        "learning.course.unenrollment.completed.v1",
        "a time becomes milliseconds",
        "breaking backward,forward",
        |f| {
            f.field("creation_date")["type"] =
                json!({"type": "long", "logicalType": "timestamp-millis"});
        },
    ),
    (
        "learning.idv_attempt.denied.v1",
        "a status may be unknown",
        "breaking forward",
        |f| {
            f.field("status")["type"] = json!(["null", "string"]);
        },
    ),
    (
        "enterprise.enterprise_group.deleted.v1",
        "text is said to be a UUID",
        "nothing",
        |f| {
            f.field("uuid")["type"] = json!({"type": "string", "logicalType": "uuid"});
        },
    ),
];
