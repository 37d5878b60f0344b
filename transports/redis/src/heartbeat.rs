//! Keeping deliveries.

use std::sync::Arc;

use tidings_transport::{Delivery, Result};

use crate::bundle::{Bundles, Item, stale};
use crate::error::Failure;
use crate::held::What;
use crate::lease::{Tended, sign_of_life, tended};
use crate::member::Member;
use crate::script::TOUCH;
use crate::value;

impl Member {
    /// Renews leases: of the consumer in all topics, and where consumers compete of each delivery;
    /// elsewhere the lease of the topic keeps them.
    pub(crate) async fn heartbeat(&self, deliveries: &[Arc<Delivery>]) -> Vec<Result<()>> {
        if self.check_open("heartbeat").is_err() {
            let closed = |_| self.check_open("heartbeat");
            return deliveries.iter().map(closed).collect();
        }
        if let Err(failure) = self.renew().await {
            // Nothing of this cannot be repeated.
            let unanswered = |_| Err(failure.clone().reading("heartbeat"));
            return deliveries.iter().map(unanswered).collect();
        }
        let mut results: Vec<Option<Result<()>>> = deliveries.iter().map(|_| None).collect();
        let mut bundles = Bundles::default();
        {
            let desk = self.desk();
            for (at, delivery) in deliveries.iter().enumerate() {
                let Some(held) = desk.held(delivery) else {
                    continue;
                };
                let kept = match held.what {
                    What::Live(_) => bundles.add(self, &desk, at, held),
                    // A letter is kept by the lease alone.
                    What::Released(_) | What::Redelivered(_) => {
                        self.mine(&desk, held.lane).is_some()
                    }
                };
                results[at] = kept.then_some(Ok(()));
            }
        }
        let same = |_: &Item, _: &Item| false;
        let calls = bundles.calls(self, &TOUCH, same, |call, run| {
            if let What::Live(id) = run[0].held.what {
                call.push(id);
            }
        });
        let answers = calls.run(self).await;
        let mut desk = self.desk();
        for answer in &answers {
            for (Item { at, held }, kept) in answer.each() {
                let delivery = &deliveries[at];
                let kept = kept
                    .map_err(Clone::clone)
                    .and_then(|a| value::number(a, "whether it is held"));
                results[at] = match kept {
                    Ok(0) => {
                        desk.let_go(held);
                        None
                    }
                    Ok(_) => Some(Ok(())),
                    Err(failure) => Some(Err(self.failed(
                        "heartbeat",
                        &mut desk,
                        held,
                        delivery,
                        failure,
                    ))),
                };
            }
        }
        let table = results.into_iter().zip(deliveries);
        let results =
            table.map(|(r, delivery)| r.unwrap_or_else(|| Err(stale("heartbeat", delivery))));
        results.collect()
    }

    async fn renew(&self) -> Result<(), Failure> {
        let leases: Vec<_> = {
            let desk = self.desk();
            (0..self.keys.len()).map(|i| desk.lease(i)).collect()
        };
        let calls = leases.iter().enumerate();
        let calls = calls.map(|(i, lease)| sign_of_life(self, i, lease.as_deref(), false));
        for (i, answer) in self
            .link
            .scripts(calls.collect())
            .await?
            .into_iter()
            .enumerate()
        {
            let (tended, _) = tended(answer?)?;
            let kept = matches!(&tended, Tended::Mine(_));
            let mut desk = self.desk();
            // The background task may have taken another one in the meantime.
            if leases[i].is_some() && !kept && desk.lease(i) == leases[i] {
                desk.lose_lease(i, self.competes());
            }
        }
        Ok(())
    }
}
