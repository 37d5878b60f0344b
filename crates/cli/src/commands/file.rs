//! `tidings file`: what keeps an embedded file well for years.

use indicatif::ProgressBar;
use serde_json::json;
use tidings::EmbeddedFile;
use tidings_transport::{Count, ErrorKind, Transport};

use crate::args::{BackupArgs, BusArgs, CheckFileArgs, CompactArgs, FileArgs, FileCommand};
use crate::bus::not_opened;
use crate::consent::Consent;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Output, Work, bytes, counted, progress, to_stderr};
use crate::settings::{Settings, redacted};
use crate::signals::Shutdown;

/// Copies, checks or compacts the file of the bus.
pub async fn run(args: FileArgs, shutdown: Shutdown) -> Result<Exit> {
    let work = async {
        match args.command {
            FileCommand::Backup(args) => backup(args).await,
            FileCommand::Check(args) => check(args).await,
            FileCommand::Compact(args) => compact(args, &shutdown).await,
        }
    };
    tokio::select! {
        done = work => done,
        () = shutdown.asked() => Ok(shutdown.exit()),
    }
}

fn open(args: &BusArgs) -> Result<(EmbeddedFile, String)> {
    let settings = Settings::resolve(args)?;
    let file =
        tidings::embedded_file(&settings.bus).map_err(|error| not_opened(&settings, error))?;
    let Some(file) = file else {
        let what = format!(
            "{} is not one file: it is looked after by its own tools",
            redacted(&settings.bus)
        );
        return Err(Failure::new(Exit::Usage, what).remedy("name a bus like sqlite:bus.db"));
    };
    Ok((file, redacted(&settings.bus)))
}

/// A bar that is set from what it is told.
fn bar() -> (ProgressBar, impl Fn(u64, u64)) {
    let bar = progress(Work::Bytes, Some(0));
    let told = bar.clone();
    (bar, move |done, total| {
        told.set_length(total);
        told.set_position(done);
    })
}

async fn backup(args: BackupArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let (file, shown) = open(&args.bus)?;
    let (bar, tell) = bar();
    let copied = file.backup(&args.to, tell).await;
    bar.finish_and_clear();
    let copied = copied?;
    let to = args.to.display().to_string();
    match output.is_json() {
        true => output.json(&json!({ "file": to, "bytes": copied }))?,
        false => output.text(&format!("{shown} is copied to {to}: {}", bytes(copied)))?,
    }
    Ok(Exit::Ok)
}

async fn check(args: CheckFileArgs) -> Result<Exit> {
    let output = Output::new(args.output);
    let (file, shown) = open(&args.bus)?;
    file.ping().await?;
    let size = file.size().await?;
    if output.is_terminal() {
        to_stderr(&format!("reading {}", bytes(size.bytes)));
    }
    let damage = match file.check(!args.quick).await {
        // Damage that keeps the check from going on is a finding like others.
        Err(error) if error.kind() == ErrorKind::Corrupt => vec![error.to_string()],
        damage => damage?,
    };
    if output.is_json() {
        output.json(&json!({ "bytes": size.bytes, "free": size.free, "damage": damage }))?;
    } else {
        for line in &damage {
            output.text(line)?;
        }
        let verdict = match damage.len() as u64 {
            0 => "whole".to_owned(),
            n => format!(
                "damaged, {}; stop those who write, keep the file, and go back to a copy",
                counted(Count::Exactly(n), "finding")
            ),
        };
        to_stderr(&format!("{shown}: {}, {verdict}", bytes(size.bytes)));
    }
    Ok(match damage.is_empty() {
        true => Exit::Ok,
        false => Exit::Data,
    })
}

async fn compact(args: CompactArgs, shutdown: &Shutdown) -> Result<Exit> {
    let output = Output::new(args.output);
    let what = "rewriting keeps everybody else from writing";
    let consent = args
        .rewrite
        .then(|| Consent::find_without_dry_run(args.consent, what));
    let consent = consent.transpose()?;
    let (file, shown) = open(&args.bus)?;
    let (before, after) = match consent {
        Some(consent) => {
            let question = format!("Rewrite {shown}, with nobody writing meanwhile?");
            consent.obtain(&question, shutdown).await?;
            file.rewrite().await?
        }
        None => {
            let (bar, tell) = bar();
            let compacted = file.compact(tell).await;
            bar.finish_and_clear();
            compacted.map_err(|error| match error.kind() {
                ErrorKind::Unsupported => Failure::from(error).remedy(
                    "`tidings file compact --rewrite` does that, with nobody writing meanwhile",
                ),
                _ => error.into(),
            })?
        }
    };
    match output.is_json() {
        true => output.json(&json!({
            "bytes_before": before.bytes,
            "bytes": after.bytes,
            "free": after.free,
        }))?,
        false => output.text(&format!(
            "{shown}: {} before, {} now",
            bytes(before.bytes),
            bytes(after.bytes)
        ))?,
    }
    Ok(Exit::Ok)
}
