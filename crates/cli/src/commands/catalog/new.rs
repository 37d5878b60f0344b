//! `tidings catalog new`

mod ask;
mod critic;

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use tidings_catalog::lint::Level;
use tidings_catalog::{Draft, DraftField};
use tidings_event::{Emitter, Role};
use tidings_transport::Topic;

use super::diagnostic;
use crate::args::NewArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::to_stderr;
use crate::settings::NamedCatalogs;
use ask::{Question, Questions};
use critic::{Critic, Verdict, told};

/// Writes a definition.
pub fn run(args: NewArgs) -> Result<Exit> {
    let person = io::stdin().is_terminal() && io::stderr().is_terminal();
    let named = NamedCatalogs::resolve(&args.which.catalog)?;
    let critic = Critic::of(&named);
    let draft = draft(&args, &Questions::new(person), &critic)?;
    look_at(&draft, &critic)?;
    let text = draft.to_yaml();
    let name = format!("{}.yaml", draft.event_type);
    if args.print {
        io::stdout()
            .write_all(text.as_bytes())
            .map_err(|e| Failure::stream("standard output", e))?;
        return Ok(Exit::Ok);
    }
    let path = match &args.out {
        Some(path) => path.clone(),
        None => folder(named)?.join(&draft.subdomain).join(name),
    };
    let cannot = |e| Failure::new(Exit::Io, format!("cannot write {}", path.display())).source(e);
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        fs::create_dir_all(parent).map_err(cannot)?;
    }
    let opened = OpenOptions::new().write(true).create_new(true).open(&path);
    let mut file = opened.map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::new(Exit::Usage, format!("{} exists already", path.display()))
                .remedy("edit it, or begin the next major version: the type ends in .v2")
        }
        _ => cannot(e),
    })?;
    file.write_all(text.as_bytes()).map_err(cannot)?;
    to_stderr(&format!(
        "wrote {}; now say what the fields mean, then run `tidings catalog lint`",
        path.display()
    ));
    Ok(Exit::Ok)
}

fn folder(named: NamedCatalogs) -> Result<PathBuf> {
    named.folders.into_iter().next().ok_or_else(|| {
        Failure::new(
            Exit::Config,
            "no catalog folder is named, so there is no place for the file",
        )
        .remedy("name one: --catalog events, or `catalog = [\"events\"]` in tidings.toml")
    })
}

/// The draft that the arguments and the answers make. Each answer is looked at as it is given.
fn draft(args: &NewArgs, questions: &Questions, critic: &Critic) -> Result<Draft> {
    let ask = |given: Option<&str>,
               option: &str,
               text: &str,
               default: Option<&str>,
               check: &dyn Fn(&str) -> Verdict| {
        let question = Question {
            given,
            option,
            text,
            default,
        };
        questions.answer(&question, check)
    };
    let any = |_: &str| Verdict::Good;
    let text = "Type, like org.example.catalog.course.created.v1";
    let of_type = |ty: &str| critic.of_type(ty);
    let ty = ask(args.ty.as_deref(), "TYPE", text, None, &of_type)?;
    let third = critic.subdomain_in(&ty);
    let of_service = |service: &str| match Emitter::new("a", service, Role::Web) {
        Ok(_) => critic.judge(&Draft::new(&ty, service, &third), &["one-owner"]),
        Err(invalid) => Verdict::Wrong(invalid.to_string()),
    };
    let text = "Service that emits it";
    let service = ask(
        args.service.as_deref(),
        "--service",
        text,
        None,
        &of_service,
    )?;
    let of_subdomain =
        |name: &str| critic.judge(&Draft::new(&ty, &service, name), &["subdomain-known"]);
    let text = "Subdomain that the service belongs to";
    let subdomain = args.subdomain.as_deref();
    let subdomain = ask(
        subdomain,
        "--subdomain",
        text,
        Some(third.as_str()),
        &of_subdomain,
    )?;
    let mut draft = Draft::new(&ty, service, subdomain);
    let team = ask(
        args.team.as_deref(),
        "--team",
        "Team to ask",
        Some(""),
        &any,
    )?;
    draft.team = Some(team).filter(|team| !team.is_empty());
    let text = "What happened, in a few words";
    draft.title = ask(args.title.as_deref(), "--title", text, None, &any)?;
    let text = "What happened, and when it is sent";
    draft.description = ask(
        args.description.as_deref(),
        "--description",
        text,
        None,
        &any,
    )?;
    questions.lines(
        &args.field,
        "--field",
        "Fields, one a line as PATH=TYPE, with `?` if it is optional; an empty line ends",
        |line| field(&mut draft, line, critic),
    )?;
    let of_key = |key: &str| {
        let mut keyed = draft.clone();
        key.clone_into(&mut keyed.key);
        // Without the field the key is of no use, whatever the level of the rule; and then an example
        // without it says nothing more.
        match critic.judge(&keyed, &["missing-key"]) {
            Verdict::Good => critic.judge(&keyed, &["example-invalid"]),
            Verdict::Doubtful(why) | Verdict::Wrong(why) => Verdict::Wrong(why),
        }
    };
    let text = "Key, the field that says what the event is about";
    draft.key = ask(args.key.as_deref(), "--key", text, None, &of_key)?;
    let of_topic = |topic: &str| match Topic::new(topic) {
        Ok(_) => Verdict::Good,
        Err(error) => Verdict::Wrong(error.to_string()),
    };
    match args.topic.as_slice() {
        [] => {
            let topic = ask(None, "--topic", "Topic", Some(""), &of_topic)?;
            draft
                .topics
                .extend(Some(topic).filter(|topic| !topic.is_empty()));
        }
        given => {
            for topic in given {
                let topic = ask(Some(topic), "--topic", "Topic", None, &of_topic)?;
                draft.topics.push(topic);
            }
        }
    }
    Ok(draft)
}

/// Adds a field, if it is one.
fn field(draft: &mut Draft, line: &str, critic: &Critic) -> Verdict {
    let added = line
        .parse::<DraftField>()
        .and_then(|field| draft.add(field));
    if let Err(invalid) = added {
        return Verdict::Wrong(invalid.to_string());
    }
    // What was said of earlier fields is not said again.
    let mut alone = Draft::new(&draft.event_type, &draft.service, &draft.subdomain);
    alone.fields.extend(draft.fields.last().cloned());
    let verdict = critic.judge(&alone, &["control-flow", "pii-untagged", "timestamp-zone"]);
    if let Verdict::Wrong(_) = verdict {
        draft.fields.pop();
    }
    verdict
}

/// Looks at the whole: what the lint would refuse is not written, and what it advises is told.
fn look_at(draft: &Draft, critic: &Critic) -> Result<()> {
    let findings = critic.findings(draft, &[]);
    let findings = findings.map_err(|error| diagnostic::refused(&error))?;
    // These were told as they were answered.
    let asked = [
        "past-tense",
        "specific-action",
        "control-flow",
        "pii-untagged",
        "timestamp-zone",
    ];
    let mut refused = Vec::new();
    for finding in &findings {
        match finding.level {
            Level::Error => refused.push(told(finding)),
            _ if asked.contains(&finding.rule) => {}
            _ => to_stderr(&format!("note: {}", told(finding))),
        }
    }
    match refused.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(
            Exit::Usage,
            format!("nothing was written: {}", refused.join("; ")),
        )),
    }
}
