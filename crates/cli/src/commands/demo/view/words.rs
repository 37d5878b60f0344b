//! Happenings in words.

use crate::commands::demo::happening::{Happening, Progress, Verdict, What};
use crate::commands::demo::plan::Service;
use crate::output::{Output, Tone, age, count, number};

/// A happening as lines for people, without its time.
pub fn of(output: Output, happening: &Happening) -> String {
    match &happening.what {
        What::Started {
            bus,
            topic,
            seed,
            folder,
            length,
            discovery,
            lms,
        } => format!(
            "{title}: two services, one bus, {}\n  \
             bus        {bus}, topic {topic}\n  \
             discovery  pid {discovery}, owns the courses: {folder}/discovery.db\n  \
             lms        pid {lms}, keeps a copy:    {folder}/lms.db\n  \
             seed       {seed}",
            age(*length),
            title = output.paint(Tone::Strong, "Tidings"),
            folder = folder.display(),
        ),
        What::Progress(progress) => self::progress(progress),
        What::Killed {
            service,
            pid,
            in_hand,
        } => {
            let mut text = format!("{service} (pid {pid}) killed with SIGKILL");
            if let Some(n) = in_hand {
                text += &format!(" with {} in its hands, not acknowledged", deliveries(*n));
            }
            output.paint(Tone::Bad, &text)
        }
        What::Back { service, pid, away } => {
            let does = match service {
                Service::Discovery => "publishes what was not confirmed",
                Service::Lms => "gets again what was not acknowledged",
            };
            let text = format!(
                "{service} is back after {} as pid {pid}; {does}",
                age(*away)
            );
            output.paint(Tone::Good, &text)
        }
        What::Waiting => "discovery is done; waiting for lms to be in step".into(),
        What::Verdict(verdict) => self::verdict(output, verdict),
    }
}

fn progress(p: &Progress) -> String {
    let lag = match p.lag_seconds.is_zero() {
        true => String::new(),
        false => format!(" ({})", age(p.lag_seconds)),
    };
    format!(
        "changes {}  published {}  applied {}  lag {}{lag}  in hand {}  restarts {}",
        number(p.changes.into()),
        number(p.published.into()),
        number(p.applied.into()),
        count(p.lag),
        number(p.in_hand),
        p.restarts,
    )
}

fn deliveries(n: u64) -> String {
    match n {
        1 => "1 delivery".into(),
        n => format!("{} deliveries", number(n)),
    }
}

fn verdict(output: Output, v: &Verdict) -> String {
    let in_step = match v.in_step {
        Some(seconds) => format!("in step {seconds:.1}s after the last change"),
        None => "never in step".into(),
    };
    let (retried, again) = (number(v.retried.into()), number(v.again.into()));
    let kills = match (v.kills, v.in_hand, v.in_step) {
        (1, Some(n), Some(_)) => format!(
            "1 SIGKILL; the {} came again: {retried} had been begun, {again} had taken effect",
            deliveries(n)
        ),
        (n, ..) => format!(
            "{n} times SIGKILL; {retried} events were begun more than once, {again} repeats \
             changed nothing"
        ),
    };
    let mut lines = vec![
        String::new(),
        format!(
            "  discovery  {} changes, {} events confirmed by the bus",
            number(v.changes.into()),
            number(v.published.into())
        ),
        format!(
            "  lms        {} events took effect, {in_step}",
            number(v.applied.into())
        ),
        format!("  kills      {kills}"),
        String::new(),
        format!(
            "  discovery  {} courses  sha256 {}",
            v.discovery.rows, v.discovery.sha256
        ),
        format!(
            "  lms        {} courses  sha256 {}",
            v.lms.rows, v.lms.sha256
        ),
        String::new(),
    ];
    if v.dead_letters > 0 {
        let text = format!("{} events became dead letters.", number(v.dead_letters));
        lines.push(output.paint(Tone::Bad, &text));
    }
    if v.missing > 0 {
        let text = format!(
            "{} events were confirmed and never took effect: {}{}",
            number(v.missing),
            v.missing_ids.join(", "),
            if v.missing > v.missing_ids.len() as u64 {
                ", …"
            } else {
                ""
            },
        );
        lines.push(output.paint(Tone::Bad, &text));
    }
    lines.push(match v.ok {
        true => output.paint(Tone::Good, "The tables are identical."),
        false if v.discovery == v.lms => output.paint(
            Tone::Bad,
            "The tables are identical, but not all went well.",
        ),
        false => output.paint(Tone::Bad, "THE TABLES DIFFER."),
    });
    lines.join("\n")
}
