//! Awaiting several things at once: the combinators of `futures_util` that behave the same on each replay.
//!
//! Events reach an orchestrator one at a time, and combinators that poll in a fixed order then do the same each time:
//!
//! | Combinator | Rule |
//! |---|---|
//! | [`join()`], [`join3`]…, [`join_all`], [`try_join_all`] | scheduled in the order given; results in the order given |
//! | [`try_join()`], [`try_join_all`]… | the first failure in history wins, the rest is left to itself |
//! | [`select()`] | the left one wins if both are ready |
//! | [`select_all`], [`select_ok`] | the first in the list wins; polls all of them for each event, so keep the list short |
//! | [`FuturesUnordered`] | results in the order in which they came; made for long lists |
//!
//! `tokio::join!` is fine, too. **`tokio::select!` is not**, unless it begins with `biased;`: it rolls dice.
//!
//! ```
//! use durahub::workers::embedded::{OrchestrationContext, TaskError, future::{Either, select}};
//! use std::time::Duration;
//!
//! async fn remind(ctx: OrchestrationContext) -> Result<u32, TaskError> {
//!     let mut reply = ctx.event::<()>("Reply");
//!     for reminders in 0.. {
//!         match select(reply, ctx.timer(Duration::from_secs(86_400))).await {
//!             Either::Left(_) => return Ok(reminders),
//!             Either::Right(((), still_waiting)) => reply = still_waiting,
//!         }
//!         ctx.activity::<()>("Remind", &()).await?;
//!     }
//!     unreachable!("the loop ends with a reply")
//! }
//! ```

pub use futures_util::future::{
    Either, join, join_all, join3, join4, join5, select, select_all, select_ok, try_join, try_join_all,
    try_join3, try_join4, try_join5,
};
pub use futures_util::stream::{FuturesUnordered, StreamExt};
