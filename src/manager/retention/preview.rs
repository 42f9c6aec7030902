//! What a rule would remove now.

use super::{
    super::{Error, Manager},
    search::{Search, Step},
};
use crate::model::{HubId, InstanceId, InstanceRecord, Timestamp};
use std::time::Duration;
use tokio::time::Instant;

/// How long is searched; the count is of what was found by then.
const PATIENCE: Duration = Duration::from_secs(2);

/// A look at what a rule would remove.
#[derive(Clone, Debug)]
pub struct Preview {
    pub at: Timestamp,
    /// The first of them, in the order in which they would go.
    pub instances: Vec<Previewed>,
    pub count: u64,
    /// There may be more than were counted: time was up.
    pub more: bool,
}

/// An instance that would go.
#[derive(Clone, Debug)]
pub struct Previewed {
    /// The name of its hub.
    pub hub: String,
    pub record: InstanceRecord,
    /// The instance that it would go with; `None`: it would go on its own account.
    pub with: Option<InstanceId>,
}

impl Manager {
    /// What the rule of that number would remove in the hub if it were carried out now: `top` of them, and how many they are. `Invalid`: there
    /// is no such rule.
    pub async fn preview_retention(&self, hub: HubId, number: usize, top: usize) -> Result<Preview, Error> {
        let rule = self.rule(number)?;
        let (began, at) = (Instant::now(), self.clock.now());
        let mut preview = Preview { at, instances: Vec::new(), count: 0, more: false };
        for (hub, name) in self.covered(rule).into_iter().filter(|(covered, _)| *covered == hub) {
            let mut search = Search::new(self, rule, hub, None, at);
            loop {
                if began.elapsed() > PATIENCE {
                    return Ok(Preview { more: true, ..preview });
                }
                match search.step().await? {
                    Step::Goes(going) => {
                        preview.count += 1;
                        if preview.instances.len() < top {
                            let with = going.with.map(|top| top.id);
                            preview.instances.push(Previewed {
                                hub: name.clone(),
                                record: going.record,
                                with,
                            });
                        }
                    }
                    Step::Looked => {}
                    Step::End => break,
                }
            }
        }
        Ok(preview)
    }
}
