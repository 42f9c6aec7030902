//! `Samples.Account` and `Transfer`: money moves between two entities in a critical section, so that nobody ever sees it in both or in neither.
//!
//! ```sh
//! curl -X POST http://127.0.0.1:7071/runtime/webhooks/durabletask/orchestrators/Transfer \
//!      -H 'Content-Type: application/json' -d '{"from":"anna","to":"ben","amount":30}'
//! ```
//!
//! The entity's operations: `deposit` and `withdraw` with an amount above 0 give the new balance, `balance` the balance. The state is
//! `{"balance":70}`. To withdraw more than there is fails with `Overdrawn`, and so does the transfer.
//!
//! The orchestration's input: the keys of two different accounts, and an amount above 0. Output: both balances, for example
//! `{"from":70,"to":30}`.

use super::invalid_input;
use crate::workers::embedded::{Entity, EntityId, OrchestrationContext, Registry, TaskError};
use serde::{Deserialize, Serialize};

const ACCOUNT: &str = "Samples.Account";

pub(super) fn register(registry: Registry) -> Registry {
    let account = Entity::new()
        .operation("deposit", Account::deposit)
        .operation("withdraw", Account::withdraw)
        .operation("balance", Account::balance);
    registry.entity(ACCOUNT, account).orchestrator("Transfer", transfer)
}

#[derive(Default, Deserialize, Serialize)]
struct Account {
    balance: i64,
}

#[expect(
    clippy::unused_async,
    reason = "operations are async functions, whether they wait for something or not"
)]
impl Account {
    async fn deposit(&mut self, amount: i64) -> Result<i64, TaskError> {
        check(amount)?;
        let sum = self.balance.checked_add(amount);
        self.balance = sum.ok_or_else(|| {
            let message = format_args!("{} and {amount} is more than an Account can hold", self.balance);
            TaskError::new("Overflow", message).non_retriable()
        })?;
        Ok(self.balance)
    }

    async fn withdraw(&mut self, amount: i64) -> Result<i64, TaskError> {
        check(amount)?;
        if amount > self.balance {
            let message = format_args!("the balance is {}, which is less than {amount}", self.balance);
            return Err(TaskError::new("Overdrawn", message).non_retriable());
        }
        self.balance -= amount;
        Ok(self.balance)
    }

    async fn balance(&self) -> Result<i64, TaskError> {
        Ok(self.balance)
    }
}

fn check(amount: i64) -> Result<(), TaskError> {
    match amount {
        1.. => Ok(()),
        _ => Err(invalid_input(format_args!("amount must be above 0, not {amount}"))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    from: String,
    to: String,
    amount: i64,
}

#[derive(Serialize)]
struct Balances {
    from: i64,
    to: i64,
}

async fn transfer(ctx: OrchestrationContext, input: Input) -> Result<Balances, TaskError> {
    let Input { from, to, amount } = input;
    check(amount)?;
    if from == to {
        return Err(invalid_input(format_args!("from and to are the same account, '{from}'")));
    }
    let (from, to) = (EntityId::new(ACCOUNT, &from)?, EntityId::new(ACCOUNT, &to)?);
    let _section = ctx.lock_entities([&from, &to]).await?;
    let left = ctx.call_entity(&from, "withdraw", &amount).await?;
    match ctx.call_entity(&to, "deposit", &amount).await {
        Ok(sum) => Ok(Balances { from: left, to: sum }),
        Err(refused) => {
            // The money goes back to where it came from before anybody else can look.
            ctx.call_entity::<()>(&from, "deposit", &amount).await?;
            Err(refused)
        }
    }
}
