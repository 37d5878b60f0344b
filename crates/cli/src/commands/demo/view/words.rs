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
    let (retried, again) = (number(v.retried.into()), number(v.again.into()));
    let in_step = match v.in_step {
        Some(seconds) => format!("in step {seconds:.1}s after the last change"),
        None => "never in step".into(),
    };
    let kills = match (v.kills, v.in_hand, v.in_step) {
        (1, Some(n), Some(_)) => format!(
            "1 SIGKILL; the {} came again: {again} had taken effect, {retried} had only been begun",
            deliveries(n)
        ),
        (n, ..) => format!(
            "{n} times SIGKILL; {again} repeats changed nothing, {retried} events were begun anew"
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
    ];
    if let Some(topic) = &v.left {
        lines.push(format!("  bus        topic {topic} is left on it, emptied"));
    }
    lines.push(String::new());
    for (service, digest) in [(Service::Discovery, &v.discovery), (Service::Lms, &v.lms)] {
        let (rows, sha256) = (number(digest.rows), &digest.sha256);
        lines.push(format!("  {service:<9}  {rows} courses  sha256 {sha256}"));
    }
    lines.push(String::new());
    let mut judge = |tone, text: &str| lines.push(output.paint(tone, text));
    if v.dead_letters > 0 {
        let text = format!("{} events became dead letters.", number(v.dead_letters));
        judge(Tone::Bad, &text);
    }
    if v.published < v.changes {
        let unsaid = number((v.changes - v.published).into());
        judge(
            Tone::Bad,
            &format!("{unsaid} changes were never published."),
        );
    }
    if v.missing > 0 {
        let text = format!(
            "{} events were confirmed and never took effect: {}{}",
            number(v.missing),
            v.missing_ids.join(", "),
            if v.missing > v.missing_ids.len() as u64 {
                ", …"
            } else {
                "."
            },
        );
        judge(Tone::Bad, &text);
    }
    match (v.discovery == v.lms, v.ok) {
        (true, true) => judge(Tone::Good, "The tables are identical."),
        (true, false) => judge(
            Tone::Bad,
            "The tables are identical, but not all went well.",
        ),
        (false, _) => judge(Tone::Bad, "THE TABLES DIFFER."),
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::verdict;
    use crate::args::OutputArgs;
    use crate::commands::demo::course::Digest;
    use crate::commands::demo::happening::Verdict;
    use crate::output::Output;

    fn went_well() -> Verdict {
        let digest = Digest {
            rows: 120,
            sha256: "5039613a71299123".into(),
        };
        Verdict {
            ok: true,
            discovery: digest.clone(),
            lms: digest,
            changes: 2_696,
            published: 2_696,
            applied: 2_696,
            retried: 15,
            again: 34,
            missing: 0,
            missing_ids: Vec::new(),
            dead_letters: 0,
            left: None,
            kills: 1,
            in_hand: Some(79),
            in_step: Some(0.24),
        }
    }

    fn said(v: &Verdict) -> String {
        verdict(Output::new(OutputArgs { json: false }), v)
    }

    #[test]
    fn a_good_end() {
        insta::assert_snapshot!(said(&went_well()), @r"

          discovery  2,696 changes, 2,696 events confirmed by the bus
          lms        2,696 events took effect, in step 0.2s after the last change
          kills      1 SIGKILL; the 79 deliveries came again: 34 had taken effect, 15 had only been begun

          discovery  120 courses  sha256 5039613a71299123
          lms        120 courses  sha256 5039613a71299123

        The tables are identical.
        ");
    }

    #[test]
    fn a_bad_end_says_what_is_bad() {
        let mut bad = went_well();
        bad.ok = false;
        bad.lms.sha256 = "0a41c9ad".into();
        bad.published = 2_690;
        bad.missing = 2;
        bad.missing_ids = vec!["6f1e1a52".into()];
        bad.dead_letters = 1;
        bad.kills = 30;
        bad.in_hand = None;
        bad.in_step = None;
        bad.left = Some("tidings-demo-cc38c31c".into());
        insta::assert_snapshot!(said(&bad), @r"

          discovery  2,696 changes, 2,690 events confirmed by the bus
          lms        2,696 events took effect, never in step
          kills      30 times SIGKILL; 34 repeats changed nothing, 15 events were begun anew
          bus        topic tidings-demo-cc38c31c is left on it, emptied

          discovery  120 courses  sha256 5039613a71299123
          lms        120 courses  sha256 0a41c9ad

        1 events became dead letters.
        6 changes were never published.
        2 events were confirmed and never took effect: 6f1e1a52, …
        THE TABLES DIFFER.
        ");
    }
}
