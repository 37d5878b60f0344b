#!/usr/bin/env python3
"""
Writes the definition of every event of the installed openedx-events: `SUBDOMAIN/TYPE.yaml`, and
beside the folders `TYPE.avsc`, the Avro schema, for each type that the package can serialize.

Usage: regenerate.py [--check] [FOLDER]

The schemas are the ones that the package builds in code from its attrs classes, since that is
what stands on the wire. (The `.avsc` files in the package's own test folder are snapshots of
older states: some differ.) Descriptions, keys and owners come from the annotations beside the
signals, what fields mean from the docstrings of the classes. FOLDER is where this file is, unless
it is given. With `--check` nothing is written, and differences end the run with exit code 1.

Needs a virtual environment with openedx-events and fastavro; `scripts/openedx-newest.sh` makes one
with the version that the files here come from.
"""
import inspect
import json
import pathlib
import re
import sys
import typing

import openedx_events
from django.conf import settings

settings.configure()

# pylint: disable=wrong-import-position
import django

django.setup()

import attr
import fastavro
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.tooling import OpenEdxPublicSignal, load_all_signals

# Classes whose every field is personal data, and fields that are wherever they stand.
PERSONAL_CLASSES = {"UserPersonalData"}
PERSONAL_FIELDS = {
    "coach_email": "email",
    "lis_person_contact_email_primary": "email",
    "author_email": "email",
    "username": "username",
    "email": "email",
}
# Fields that name a person in a form of their own, by their whole path.
PERSONAL_PATHS = {"role_assignment.subject": "username"}
PERSONAL_REASON = "openedx-events carries it in the event"

# The services behind the repositories that hold several.
SERVICES = {"edx-platform": {"content_authoring": "cms"}}
EDX_PLATFORM = "lms"
# Types without an annotation of their repository, by what the package says of them elsewhere.
REPOSITORIES = {
    "org.openedx.enterprise.subsidy.redeemed.v1": "enterprise-subsidy",
    "org.openedx.enterprise.subsidy.redemption-reversed.v1": "enterprise-subsidy",
}

# How words are written that are no words of English.
WORDS = {"ccx": "CCX", "idv": "IDV", "lti": "LTI", "ora": "ORA", "xblock": "XBlock"}

# Keys whose annotation names a field that the event does not have.
KEYS = {
    "org.openedx.authz.role_assignment.created": "role_assignment.subject",
    "org.openedx.authz.role_assignment.deleted": "role_assignment.subject",
    "org.openedx.content_authoring.course.import.completed.v1": "course.course_key",
    "org.openedx.content_authoring.course.rerun.completed.v1": "course.course_key",
}

# What these events break and keep: they are what the package writes. One reason a rule.
EXCEPTIONS = json.loads((pathlib.Path(__file__).parent / "exceptions.json").read_text())


def annotations():
    """Event type to the annotations in the comments beside its signal."""
    found = {}
    for path in sorted(pathlib.Path(openedx_events.__file__).parent.glob("*/signals.py")):
        block, key = {}, None
        for line in path.read_text().splitlines():
            begin = re.match(r"# \.\. event_(\w+): ?(.*)", line)
            more = re.match(r"#\s+(\S.*)", line)
            if begin:
                key = begin.group(1)
                block[key] = begin.group(2).strip()
            elif more and key:
                block[key] += " " + more.group(1).strip()
            else:
                if "type" in block:
                    found[block["type"]] = block
                block, key = {}, None
    return found


def documented(cls):
    """Field to its sentence in the docstring of an attrs class."""
    found, name = {}, None
    for line in (inspect.getdoc(cls) or "").splitlines():
        begin = re.match(r"\s+(\w+) \([^:]*\): ?(.*)", line)
        if begin:
            name = begin.group(1)
            found[name] = begin.group(2).strip()
        elif name and line.strip():
            found[name] += " " + line.strip()
        else:
            name = None
    return found


def unwrapped(kind):
    """The class inside Optional, and whether it is one."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is typing.Union and type(None) in arguments:
        inner = [argument for argument in arguments if argument is not type(None)]
        return inner[0], True
    return kind, False


def walk(name, kind, path, described, personal, seen=()):
    """Notes what fields mean and which are personal."""
    kind, _ = unwrapped(kind)
    if typing.get_origin(kind) is list:
        (kind,) = typing.get_args(kind)
        path += "[]"
    if attr.has(kind) and kind not in seen:
        said = documented(kind)
        for field in attr.fields(kind):
            inner = f"{path}.{field.name}"
            if said.get(field.name):
                described[inner] = said[field.name]
            if kind.__name__ in PERSONAL_CLASSES or field.name in PERSONAL_FIELDS:
                personal[inner] = PERSONAL_FIELDS.get(field.name, field.name)
            elif inner in PERSONAL_PATHS:
                personal[inner] = PERSONAL_PATHS[inner]
            walk(field.name, field.type, inner, described, personal, seen + (kind,))


def json_schema(kind):
    """JSON Schema of what the package cannot write as Avro."""
    kind, optional = unwrapped(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if attr.has(kind):
        fields = attr.fields(kind)
        required = [f.name for f in fields if f.default is attr.NOTHING]
        properties = {}
        for field in fields:
            schema = json_schema(field.type)
            if field.default is None and isinstance(schema.get("type"), str):
                schema = {**schema, "type": [schema["type"], "null"]}
            properties[field.name] = schema
        schema = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
    elif kind is list or origin is list:
        schema = {"type": "array", **({"items": json_schema(arguments[0])} if arguments else {})}
    elif kind is dict or origin is dict:
        schema = {"type": "object"}
        if len(arguments) == 2:
            schema["additionalProperties"] = json_schema(arguments[1])
    else:
        names = {bool: "boolean", int: "integer", float: "number"}
        schema = {"type": names.get(kind, "string")}
        if getattr(kind, "__name__", "") == "datetime":
            schema["format"] = "date-time"
    if optional and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    return schema


def example(name, kind, depth=0):
    """A value as it may be, with names that are invented."""
    kind, optional = unwrapped(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if attr.has(kind):
        return {f.name: example(f.name, f.type, depth + 1) for f in attr.fields(kind)}
    if kind is list or origin is list:
        return [example(name, arguments[0], depth + 1)] if arguments and depth < 6 else []
    if kind is dict or origin is dict:
        return {}
    if kind is bool:
        return True
    if kind is int:
        return 1
    if kind is float:
        return 0.5
    title = getattr(kind, "__name__", "")
    if title == "datetime":
        return "2026-11-26T12:00:00+00:00"
    if "UsageKey" in title or "XBlock" in title:
        return "block-v1:edX+DemoX+2026+type@problem+block@demo"
    if "LibraryUsage" in title:
        return "lb:edX:demo:problem:demo"
    if "Library" in title and "Locator" in title:
        return "lib:edX:demo"
    if "CCX" in title:
        return "ccx-v1:edX+DemoX+2026+ccx@1"
    if "Course" in title and "Key" in title:
        return "course-v1:edX+DemoX+2026"
    if title == "UUID":
        return "8353e8ea-e784-11f1-8511-02fc00000001"
    if "email" in name:
        return "ada@example.org"
    if name == "username":
        return "ada"
    return name.replace("_", " ")


def block(value, indent):
    """Lists and mappings as YAML, everything else as JSON, which is a part of it."""
    pad = " " * indent
    if isinstance(value, dict) and value:
        lines = []
        for key, member in value.items():
            name = key if re.fullmatch(r"[A-Za-z_][\w.]*", key) else json.dumps(key)
            if isinstance(member, (dict, list)) and member:
                lines.append(f"{pad}{name}:")
                lines += block(member, indent + 2)
            else:
                lines.append(f"{pad}{name}: {json.dumps(member, ensure_ascii=False)}")
        return lines
    lines = []
    for item in value:
        if isinstance(item, (dict, list)) and item:
            inner = block(item, indent + 2)
            lines.append(f"{pad}- {inner[0].lstrip()}")
            lines += inner[1:]
        else:
            lines.append(f"{pad}- {json.dumps(item, ensure_ascii=False)}")
    return lines


def service(event_type, subdomain, block_of):
    """The service that emits a type, and the repository that it is in."""
    repository = block_of.get("trigger_repository", "").split(" ")[0].rsplit("/", 1)[-1]
    repository = repository or REPOSITORIES.get(event_type, "edx-platform")
    if repository == "edx-platform":
        return SERVICES[repository].get(subdomain, EDX_PLATFORM), repository
    return repository, repository


def definition(signal, block_of, avro):
    """The text of a definition."""
    event_type = signal.event_type
    subdomain = event_type.split(".")[2]
    described, personal = {}, {}
    for name, kind in signal.init_data.items():
        walk(name, kind, name, described, personal)
    owner, repository = service(event_type, subdomain, block_of)
    words = block_of["name"].replace("_", " ").capitalize().split()
    title = " ".join(WORDS.get(word.lower(), word) for word in words)
    description = block_of["description"]
    warning = block_of.get("warning", "")
    # What the package can serialize by now it still warns of.
    if warning and not (avro and "incompatible with the event bus" in warning):
        description += " " + warning
    parts = {
        "type": event_type,
        "minorversion": signal.minor_version,
        "title": title,
        "description": description,
        "owner": {"service": owner, "subdomain": subdomain, "team": f"openedx/{repository}"},
    }
    key = KEYS.get(event_type, block_of.get("key_field"))
    if key:
        parts["key"] = key
    data = {name: example(name, kind) for name, kind in signal.init_data.items()}
    if avro:
        parts["avro_file"] = f"../{event_type}.avsc"
    else:
        properties = {name: json_schema(kind) for name, kind in signal.init_data.items()}
        parts["schema"] = {
            "type": "object", "required": list(properties), "properties": properties,
        }
    if described:
        parts["fields"] = described
    parts["examples"] = [{"data": data}]
    if personal:
        parts["pii"] = [
            {"field": path, "kind": kind, "reason": PERSONAL_REASON}
            for path, kind in personal.items()
        ]
    allowed = []
    for rule, exception in EXCEPTIONS.items():
        if event_type in exception["types"]:
            allowed.append({"rule": rule, "reason": exception["reason"]})
    if allowed:
        parts["allow"] = allowed
    return "\n".join(block(parts, 0)) + "\n"


def files():
    """Path from the folder to the text of the file."""
    load_all_signals()
    said = annotations()
    texts = {}
    for signal in OpenEdxPublicSignal.all_events():
        event_type = signal.event_type
        avro = None
        try:
            avro = AvroSignalSerializer(signal).schema
            fastavro.parse_schema(json.loads(json.dumps(avro)))
        except Exception as error:  # pylint: disable=broad-except
            print(f"no Avro schema for {event_type}: {error}", file=sys.stderr)
            avro = None
        if avro is not None:
            texts[f"{event_type}.avsc"] = json.dumps(avro, indent=1) + "\n"
        text = definition(signal, said[event_type], avro is not None)
        texts[f"{event_type.split('.')[2]}/{event_type}.yaml"] = text
    return texts


def main(arguments):
    """Writes or compares."""
    check = "--check" in arguments
    folders = [argument for argument in arguments if argument != "--check"]
    folder = pathlib.Path(folders[0] if folders else pathlib.Path(__file__).parent)
    present = [*folder.glob("*.avsc"), *folder.glob("*/*.yaml")]
    found = {str(path.relative_to(folder)): path.read_text() for path in present}
    wanted = files()
    if check:
        different = {name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)}
        for name in sorted(different):
            print(f"differs: {name}", file=sys.stderr)
        return 1 if different else 0
    for name in found.keys() - wanted.keys():
        (folder / name).unlink()
    for name, text in wanted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    schemas = sum(name.endswith(".avsc") for name in wanted)
    print(f"{len(wanted) - schemas} definitions, {schemas} Avro schemas of openedx-events "
          f"{openedx_events.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
