//! `HelloCities`: three activities, one after another.
//!
//! ```sh
//! curl -X POST http://127.0.0.1:7071/runtime/webhooks/durabletask/orchestrators/HelloCities
//! ```
//!
//! Takes no input (and ignores any). Output: `["Hello, Tokyo!","Hello, Seattle!","Hello, London!"]`.

use crate::workers::embedded::{OrchestrationContext, Registry, TaskError};

const SAY_HELLO: &str = "Samples.SayHello";

pub(super) fn register(registry: Registry) -> Registry {
    registry.orchestrator("HelloCities", hello_cities).activity(SAY_HELLO, say_hello)
}

async fn hello_cities(ctx: OrchestrationContext) -> Result<Vec<String>, TaskError> {
    let mut greetings = Vec::new();
    for city in ["Tokyo", "Seattle", "London"] {
        greetings.push(ctx.activity(SAY_HELLO, city).await?);
    }
    Ok(greetings)
}

async fn say_hello(name: String) -> Result<String, TaskError> {
    Ok(format!("Hello, {name}!"))
}
