//! The course of the demo: starts the services, kills them as planned, waits until they agree.

use std::collections::VecDeque;
use std::time::Duration;

use tidings_transport::{Count, GroupInfo};
use tokio::time::{Instant, sleep, sleep_until};

use super::happening::{Happening, Progress, What};
use super::plan::{Kill, Service};
use super::process::Process;
use super::stage::Stage;
use super::verdict::{self, Kills};
use super::view::View;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::to_stderr;
use crate::signals::Shutdown;

/// How often the panel is brought up to date.
const LOOK: Duration = Duration::from_millis(100);
/// How long a service may take for what it has begun when it is asked to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// So many deliveries in hand are worth a kill, once some of them have been worked on.
const MANY: u64 = 20;
/// So many are to be left when that has happened.
const FEW: u64 = 5;

/// The demo while it runs.
pub struct Show {
    stage: Stage,
    view: Box<dyn View>,
    began: Instant,
    /// By [`Service`]; `None` while it is dead.
    processes: [Option<Process>; 2],
    returns: Vec<Return>,
    kills: Kills,
    restarts: u32,
}

/// A dead service that comes back.
struct Return {
    service: Service,
    died: Instant,
    at: Instant,
}

impl Show {
    /// Starts both services.
    pub fn begin(stage: Stage, view: Box<dyn View>) -> Result<Self> {
        let lms = Process::start(&stage, Service::Lms)?;
        let discovery = Process::start(&stage, Service::Discovery)?;
        Ok(Self {
            stage,
            view,
            began: Instant::now(),
            processes: [Some(discovery), Some(lms)],
            returns: Vec::new(),
            kills: Kills::default(),
            restarts: 0,
        })
    }

    /// Plays it to its end.
    pub async fn play(
        mut self,
        length: Duration,
        plan: Vec<Kill>,
        shutdown: &Shutdown,
    ) -> Result<Exit> {
        let result = tokio::select! {
            result = self.acts(length, plan.into()) => result,
            () = shutdown.asked() => {
                self.leave().await?;
                Ok(shutdown.exit())
            }
        };
        if matches!(result, Ok(Exit::Failed) | Err(_)) {
            self.stage.keep();
            let kept = self.stage.folder().display();
            to_stderr(&format!("the databases and logs stay in {kept}"));
        }
        result
    }

    async fn acts(&mut self, length: Duration, plan: VecDeque<Kill>) -> Result<Exit> {
        self.tell(What::Started {
            bus: self.stage.bus_shown(),
            topic: self.stage.topic().to_string(),
            seed: self.stage.seed(),
            folder: self.stage.folder().to_owned(),
            length,
            discovery: self.pid(Service::Discovery),
            lms: self.pid(Service::Lms),
        })?;
        self.run(length, plan).await?;
        self.tell(What::Waiting)?;
        let done = Instant::now();
        self.end(Service::Discovery).await?;
        let in_step = self.wait_in_step(done).await?;
        self.end(Service::Lms).await?;
        self.look().await?;
        let verdict = verdict::reach(&self.stage, self.kills, in_step).await?;
        let exit = if verdict.ok { Exit::Ok } else { Exit::Failed };
        self.tell(What::Verdict(verdict))?;
        self.stage.clear().await?;
        Ok(exit)
    }

    /// Lets the services work for a while, with the kills that are planned.
    async fn run(&mut self, length: Duration, mut plan: VecDeque<Kill>) -> Result<()> {
        let end = self.began + length;
        let mut look = Instant::now();
        loop {
            let now = Instant::now();
            self.bring_back(now)?;
            // A victim that is still dead is killed when it is back.
            if let Some(kill) = plan.front().copied()
                && self.began + kill.at <= now
                && self.processes[kill.service as usize].is_some()
            {
                plan.pop_front();
                self.kill(kill).await?;
                continue;
            }
            if now >= end && plan.is_empty() && self.returns.is_empty() {
                return Ok(());
            }
            if now >= look {
                look = now + LOOK;
                self.look().await?;
            }
            let kill = plan.front().map(|kill| self.began + kill.at);
            let back = self.returns.iter().map(|r| r.at).min();
            let next = [Some(end), kill, back].into_iter().flatten();
            let next = next.filter(|at| *at > now).min().unwrap_or(look);
            sleep_until(next.min(look)).await;
        }
    }

    async fn kill(&mut self, kill: Kill) -> Result<()> {
        let in_hand = match kill.in_hand {
            true => Some(self.catch_in_the_act(kill.service).await?),
            false => None,
        };
        let Some(mut process) = self.processes[kill.service as usize].take() else {
            return Ok(());
        };
        process.check()?;
        let pid = process.pid();
        process.kill().await?;
        let died = Instant::now();
        self.kills.count += 1;
        if let Some(n) = in_hand {
            *self.kills.in_hand.get_or_insert(0) += n;
        }
        self.returns.push(Return {
            service: kill.service,
            died,
            at: died + kill.away,
        });
        self.tell(What::Killed {
            service: kill.service,
            pid,
            in_hand,
        })
    }

    /// Freezes lms in the middle of its work, and says how many deliveries it has in hand.
    ///
    /// Mostly there are few: it is frozen, looked at, and let go on until there are many of which
    /// some have just taken effect. Whoever waits for that for too long takes what there is.
    async fn catch_in_the_act(&mut self, service: Service) -> Result<u64> {
        let began = Instant::now();
        let mut look = began + LOOK;
        let mut many = None;
        loop {
            // Not while it is frozen: if that is in the middle of a commit, its database tells
            // nothing before it goes on.
            let applied = self.stage.applied()?.events;
            self.signal(service, Process::freeze);
            let Some(group) = self.stage.glance().await else {
                self.signal(service, Process::thaw);
                self.look().await?;
                continue;
            };
            let in_hand = group.pending;
            let enough = match began.elapsed().as_secs() {
                0..=3 => in_hand >= FEW && many.is_some_and(|before| before < applied),
                4..=5 => in_hand > 0,
                _ => true,
            };
            if enough {
                return Ok(in_hand);
            }
            many = match in_hand >= MANY {
                true => many.or(Some(applied)),
                false => many.filter(|_| in_hand > 0),
            };
            self.signal(service, Process::thaw);
            if Instant::now() >= look {
                look = Instant::now() + LOOK;
                self.look().await?;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn signal(&self, service: Service, signal: impl FnOnce(&Process)) {
        if let Some(process) = &self.processes[service as usize] {
            signal(process);
        }
    }

    fn bring_back(&mut self, now: Instant) -> Result<()> {
        while let Some(i) = self.returns.iter().position(|r| r.at <= now) {
            let Return { service, died, .. } = self.returns.swap_remove(i);
            let process = Process::start(&self.stage, service)?;
            let pid = process.pid();
            self.processes[service as usize] = Some(process);
            self.restarts += 1;
            self.tell(What::Back {
                service,
                pid,
                away: died.elapsed(),
            })?;
        }
        Ok(())
    }

    /// Asks a service to end, and goes on looking while it does.
    async fn end(&mut self, service: Service) -> Result<()> {
        let Some(mut process) = self.processes[service as usize].take() else {
            return Ok(());
        };
        let mut finish = std::pin::pin!(process.finish(PATIENCE));
        loop {
            tokio::select! {
                result = &mut finish => return result,
                () = sleep(LOOK) => drop(self.look().await?),
            }
        }
    }

    /// How many seconds it took until nothing was left to be done; `None` if there always was.
    async fn wait_in_step(&mut self, since: Instant) -> Result<Option<f64>> {
        while since.elapsed() < PATIENCE {
            let group = self.look().await?;
            if group.pending == 0 && group.lag.events == Count::Exactly(0) {
                return Ok(Some(since.elapsed().as_secs_f64()));
            }
            sleep(LOOK).await;
        }
        Ok(None)
    }

    /// Looks at everything and shows it.
    async fn look(&mut self) -> Result<GroupInfo> {
        for process in self.processes.iter_mut().flatten() {
            process.check()?;
        }
        let group = self.stage.group().await?;
        let (said, applied) = (self.stage.said()?, self.stage.applied()?);
        self.tell(What::Progress(Progress {
            changes: said.changes,
            published: said.published,
            applied: applied.events,
            again: applied.again,
            lag: group.lag.events,
            lag_seconds: group.lag.age,
            in_hand: group.pending,
            restarts: self.restarts,
        }))?;
        Ok(group)
    }

    /// Ends early, without a verdict.
    async fn leave(&mut self) -> Result<()> {
        for service in Service::ALL {
            self.end(service).await?;
        }
        self.stage.clear().await
    }

    fn pid(&self, service: Service) -> u32 {
        let process = self.processes[service as usize].as_ref();
        process.map_or(0, Process::pid)
    }

    fn tell(&mut self, what: What) -> Result<()> {
        let at = self.began.elapsed();
        self.view.show(&Happening { at, what })
    }
}
