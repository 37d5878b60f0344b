//! How things go wrong.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::args::Role;
use crate::moment::enough;
use crate::plan::{CONSUMERS, Fault, Kind, LEASE, Plan, RELAYS, WRITERS};
use crate::planted::Bug;
use crate::process::{Process, Recipe};
use crate::stage::{APP, Stage, VIEW};
use crate::words::Result;

/// All processes of a run.
pub struct Crew {
    writers: Vec<Process>,
    relays: Vec<Process>,
    consumers: Vec<Process>,
    /// Who is stopped, and until when.
    stopped: Vec<(Role, usize, Instant)>,
    /// What went wrong so far.
    pub done: BTreeMap<Kind, usize>,
    /// When the log was killed, in milliseconds of the Unix epoch.
    pub bus_killed: Vec<i64>,
}

impl Crew {
    /// Starts all processes.
    pub fn start(stage: &Stage, seed: u64, plan: &Plan, plant: Option<Bug>) -> Result<Self> {
        let crew = |role, count: usize, name| {
            let recipe = |number| Recipe {
                role,
                number,
                seed,
                rate: plan.rate,
                lease: LEASE,
                plant,
                folder: stage.folder().to_owned(),
                bus: stage.bus_via(),
                database: stage.database_via(name),
            };
            (0..count)
                .map(|n| Process::start(recipe(n)))
                .collect::<Result<Vec<_>>>()
        };
        Ok(Self {
            writers: crew(Role::Writer, WRITERS, APP)?,
            relays: crew(Role::Relay, RELAYS, APP)?,
            consumers: crew(Role::Consumer, CONSUMERS, VIEW)?,
            stopped: Vec::new(),
            done: BTreeMap::new(),
            bus_killed: Vec::new(),
        })
    }

    fn of(&mut self, role: Role) -> &mut Vec<Process> {
        match role {
            Role::Writer => &mut self.writers,
            Role::Relay => &mut self.relays,
            Role::Consumer => &mut self.consumers,
        }
    }

    /// Does one thing.
    pub async fn suffer(&mut self, fault: &Fault, stage: &mut Stage) -> Result<()> {
        match fault.kind {
            Kind::KillConsumer => self.kill(Role::Consumer, fault).await?,
            Kind::KillRelay => self.kill(Role::Relay, fault).await?,
            Kind::KillWriter => self.kill(Role::Writer, fault).await?,
            Kind::StopConsumer => self.stop(Role::Consumer, fault)?,
            Kind::StopRelay => self.stop(Role::Relay, fault)?,
            Kind::KillBus => {
                self.bus_killed
                    .push(jiff::Timestamp::now().as_millisecond());
                stage.kill_bus(fault.for_).await?;
            }
            Kind::KillDatabase => stage.kill_database(fault.for_).await?,
            Kind::CutBus => stage.cut_bus(),
            Kind::CutDatabase => stage.cut_database(),
            Kind::FillBus => stage.fill_bus(fault.for_).await?,
        }
        *self.done.entry(fault.kind).or_default() += 1;
        self.check()
    }

    /// When somebody who is stopped is to go on, if anybody is.
    pub fn next_to_go_on(&self) -> Option<Instant> {
        self.stopped.iter().map(|(_, _, until)| *until).min()
    }

    /// Lets those go on whose time is over.
    pub fn go_on(&mut self, all: bool) -> Result<()> {
        let now = Instant::now();
        let (over, still): (Vec<_>, Vec<_>) = std::mem::take(&mut self.stopped)
            .into_iter()
            .partition(|(_, _, until)| all || *until <= now);
        self.stopped = still;
        for (role, number, _) in over {
            self.of(role)[number].go_on()?;
        }
        Ok(())
    }

    /// One that is not stopped; stops one after the other leave some.
    fn pick(&mut self, role: Role, which: usize) -> Option<usize> {
        let all = self.of(role);
        let count = all.len();
        (0..count)
            .map(|n| (which + n) % count)
            .find(|n| !all[*n].stopped)
    }

    async fn kill(&mut self, role: Role, fault: &Fault) -> Result<()> {
        let number = match self.pick(role, fault.which) {
            Some(number) => number,
            None => {
                self.go_on(true)?;
                0
            }
        };
        let process = &mut self.of(role)[number];
        process.kill().await?;
        tokio::time::sleep(fault.for_).await;
        process.start_again()
    }

    /// Kills the process that waits for it in the moment of a planted bug, if one does.
    pub async fn kill_in_its_moment(&mut self, stage: &Stage) -> Result<bool> {
        let all = [
            (&mut self.relays, Kind::KillRelay),
            (&mut self.consumers, Kind::KillConsumer),
        ];
        for (processes, kind) in all {
            if let Some(process) = processes.iter_mut().find(|process| process.waits()) {
                process.kill().await?;
                enough(stage.folder())?;
                process.start_again()?;
                *self.done.entry(kind).or_default() += 1;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn stop(&mut self, role: Role, fault: &Fault) -> Result<()> {
        let number = match self.pick(role, fault.which) {
            Some(number) => number,
            None => {
                self.go_on(true)?;
                0
            }
        };
        self.of(role)[number].stop()?;
        self.stopped
            .push((role, number, Instant::now() + fault.for_));
        Ok(())
    }

    /// Fails if a process has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        let all = [&mut self.writers, &mut self.relays, &mut self.consumers];
        all.into_iter().flatten().try_for_each(Process::check)
    }

    /// Nothing new is written.
    pub async fn end_writing(&mut self) -> Result<()> {
        for process in &mut self.writers {
            process.finish().await?;
        }
        self.writers.clear();
        Ok(())
    }

    /// Everybody ends in good order.
    pub async fn end(&mut self) -> Result<()> {
        for process in self.relays.iter_mut().chain(&mut self.consumers) {
            process.finish().await?;
        }
        Ok(())
    }
}
