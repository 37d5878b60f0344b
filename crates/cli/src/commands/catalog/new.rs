//! `tidings catalog new`

mod ask;

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use tidings_catalog::{Catalog, Draft, DraftField};

use super::diagnostic;
use crate::args::NewArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::to_stderr;
use crate::settings::NamedCatalogs;
use ask::Questions;

/// Writes a definition.
pub fn run(args: NewArgs) -> Result<Exit> {
    let person = io::stdin().is_terminal() && io::stderr().is_terminal();
    let draft = draft(&args, &Questions::new(person))?;
    let text = draft.to_yaml();
    // What is written can be read: a type or a field that is no good is refused here.
    let name = format!("{}.yaml", draft.event_type);
    Catalog::from_texts([(name.as_str(), text.as_str())])
        .map_err(|error| diagnostic::refused(&error))?;
    if args.print {
        io::stdout()
            .write_all(text.as_bytes())
            .map_err(|e| Failure::stream("standard output", e))?;
        return Ok(Exit::Ok);
    }
    let path = match &args.out {
        Some(path) => path.clone(),
        None => folder(&args)?.join(&draft.subdomain).join(name),
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

fn folder(args: &NewArgs) -> Result<PathBuf> {
    let named = NamedCatalogs::resolve(&args.which.catalog)?;
    named.folders.into_iter().next().ok_or_else(|| {
        Failure::new(
            Exit::Config,
            "no catalog folder is named, so there is no place for the file",
        )
        .remedy("name one: --catalog events, or `catalog = [\"events\"]` in tidings.toml")
    })
}

fn draft(args: &NewArgs, questions: &Questions) -> Result<Draft> {
    let ty = questions.answer(
        &args.ty,
        "TYPE",
        "Type, like org.example.catalog.course.created.v1",
    )?;
    let service = questions.answer(&args.service, "--service", "Service that emits it")?;
    let third = ty.split('.').nth(2).unwrap_or_default().to_owned();
    let subdomain = match &args.subdomain {
        Some(subdomain) => subdomain.clone(),
        None => questions.answer_or("Subdomain", &third)?,
    };
    let mut draft = Draft::new(ty, service, subdomain);
    draft.team = match &args.team {
        Some(team) => Some(team.clone()),
        None => Some(questions.answer_or("Team to ask", "")?).filter(|team| !team.is_empty()),
    };
    draft.title = questions.answer(&args.title, "--title", "What happened, in a few words")?;
    draft.description = questions.answer(
        &args.description,
        "--description",
        "What happened, and when it is sent",
    )?;
    draft.fields = fields(args, questions)?;
    draft.key = questions.answer(&args.key, "--key", "Key, the field that it is about")?;
    draft.topics = args.topic.clone();
    if draft.topics.is_empty() {
        let topic = questions.answer_or("Topic", "")?;
        draft
            .topics
            .extend(Some(topic).filter(|topic| !topic.is_empty()));
    }
    Ok(draft)
}

fn fields(args: &NewArgs, questions: &Questions) -> Result<Vec<DraftField>> {
    let mut texts = args.field.clone();
    if texts.is_empty() {
        texts = questions.lines("--field", "Fields, one a line as PATH=TYPE, none to end")?;
    }
    let parse = |text: &String| {
        text.parse().map_err(|e: tidings_catalog::InvalidField| {
            Failure::new(Exit::Usage, format!("--field {text}: {e}"))
        })
    };
    texts.iter().map(parse).collect()
}
