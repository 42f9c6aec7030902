//! Text in, text out: what the engine makes of a story told in a few words.
//!
//! A script is a row of steps separated by `|`. A step is `messages -> actions`: the messages arrive, a second passes, and the engine
//! decides once. `-> actions` is a worker's answer to the turn that is delivered then; without `->` a delivery is only shown, and
//! control messages are applied. What comes out is the last step's decision. `script` holds the words, `show` the rendering, `world`
//! stands in for the store (and checks after each commit that what the engine returned is what a reader of the rows would find).

mod activities;
mod complete;
mod continue_as_new;
mod discard;
mod entities;
mod entity_calls;
mod entity_world;
mod events;
mod late;
mod properties;
mod rewind;
mod rewound;
pub(crate) mod script;
pub(crate) mod show;
mod status;
mod sub_orchestrations;
mod suspend;
mod terminate;
mod timers;
mod turns;
mod violations;
mod world;

pub(crate) use properties::check_history;

use expect_test::Expect;
use world::World;

/// Plays `script` and compares what its last step gives.
fn check(script: &str, expected: Expect) {
    let mut world = World::default();
    let mut shown = String::new();
    for step in script.split(" | ") {
        shown = world.step(step);
    }
    expected.assert_eq(&shown);
}
