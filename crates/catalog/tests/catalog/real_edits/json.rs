//! Edits of a JSON Schema.

use super::Edit;

const CONFIG: &str = "content_authoring.course.certificate_config.changed.v1";

pub(super) const EDITS: &[Edit] = &[
    (
        CONFIG,
        "an optional property comes with a minor version",
        "compatible field-added",
        |f| {
            f.minor();
            f.put(
                "              image:\n",
                "              email: {type: string}\n              image:\n",
            );
        },
    ),
    (CONFIG, "and without one", "breaking minorversion", |f| {
        f.put(
            "        is_active:\n",
            "        language: {type: string}\n        is_active:\n",
        );
    }),
    (
        CONFIG,
        "a required property comes",
        "breaking backward",
        |f| {
            f.minor();
            f.put(
                "        is_active:\n",
                "        language: {type: string}\n        is_active:\n",
            );
            f.put(
                "        - \"course_key\"\n",
                "        - \"course_key\"\n        - language\n",
            );
        },
    ),
    (
        CONFIG,
        "an optional property becomes required",
        "breaking backward",
        |f| {
            f.put(
                "        - \"course_key\"\n",
                "        - \"course_key\"\n        - is_active\n",
            );
        },
    ),
    (
        CONFIG,
        "a required property becomes optional",
        "breaking forward",
        |f| {
            f.put("        - \"course_key\"\n", "");
        },
    ),
    (
        CONFIG,
        "text becomes a list of values",
        "breaking backward",
        |f| {
            f.put(
                "certificate_type:\n          type: \"string\"",
                "certificate_type:\n          enum: [verified, masters]",
            );
        },
    ),
    (
        CONFIG,
        "a flag becomes text",
        "breaking backward,forward",
        |f| {
            f.put("type: \"boolean\"", "type: \"string\"");
        },
    ),
    (CONFIG, "a flag may be null", "breaking forward", |f| {
        f.put("type: \"boolean\"", "type: [boolean, \"null\"]");
    }),
    (CONFIG, "a key is bounded", "breaking backward", |f| {
        f.put(
            "course_key:\n          type: \"string\"",
            "course_key:\n          type: \"string\"\n          maxLength: 255",
        );
    }),
    (
        CONFIG,
        "a list may no longer be empty",
        "breaking backward",
        |f| {
            f.put("type: \"array\"", "type: \"array\"\n          minItems: 1");
        },
    ),
    (
        CONFIG,
        "a required property goes",
        "breaking field-removed",
        |f| {
            f.put(
                "              organization:\n                type: \"string\"\n",
                "",
            );
            f.put("              - \"organization\"\n", "");
        },
    ),
    (
        CONFIG,
        "a required property is renamed",
        "breaking backward,field-removed",
        |f| {
            f.minor();
            f.put("              organization:\n", "              employer:\n");
            f.put(
                "              - \"organization\"\n",
                "              - employer\n",
            );
        },
    ),
    (CONFIG, "an open object is closed", "nothing", |f| {
        f.put(
            "    certificate_config:\n      type: \"object\"\n",
            "    certificate_config:\n      type: \"object\"\n      additionalProperties: false\n",
        );
    }),
];
