//! Which functions can be registered: the shapes an orchestrator or activity may have.
//!
//! The traits are implemented for async functions and closures; there is no need to name them.

use super::{BoxError, OrchestrationContext, TaskError, activity::ActivityContext, error::error_type, json};
use futures_util::future::{BoxFuture, FutureExt as _, LocalBoxFuture};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Display;

/// An orchestrator: `async fn(OrchestrationContext) -> Result<O, E>`, or with an input as second argument.
pub trait OrchestratorFn<Shape>: Send + Sync + 'static {
    /// Calls the function with JSON text; its output is JSON text.
    fn call(
        &self,
        context: OrchestrationContext,
        input: Option<&str>,
    ) -> LocalBoxFuture<'static, Result<Option<String>, TaskError>>;
}

/// An activity: `async fn(ActivityContext, I) -> Result<O, E>`, where both arguments may be left out.
pub trait ActivityFn<Shape>: Send + Sync + 'static {
    /// Calls the function with JSON text; its output is JSON text.
    fn call(
        &self,
        context: ActivityContext,
        input: Option<&str>,
    ) -> BoxFuture<'static, Result<Option<String>, TaskError>>;
}

/// Shape of a function that takes its context and an input.
#[derive(Debug)]
pub struct ContextAndInput<I>(std::marker::PhantomData<I>);
/// Shape of a function that takes its context only.
#[derive(Debug)]
pub struct ContextOnly;
/// Shape of a function that takes an input only.
#[derive(Debug)]
pub struct InputOnly<I>(std::marker::PhantomData<I>);
/// Shape of a function that takes nothing.
#[derive(Debug)]
pub struct Nothing;

impl<F, I, Fut, O, E> OrchestratorFn<ContextAndInput<I>> for F
where
    F: Fn(OrchestrationContext, I) -> Fut + Send + Sync + 'static,
    I: DeserializeOwned + 'static,
    Fut: Future<Output = Result<O, E>> + 'static,
    O: Serialize + 'static,
    E: Into<BoxError> + 'static,
{
    fn call(
        &self,
        context: OrchestrationContext,
        input: Option<&str>,
    ) -> LocalBoxFuture<'static, Result<Option<String>, TaskError>> {
        match read_input(format_args!("'{}'", context.name()), input) {
            Ok(input) => self(context, input).map(write_output).boxed_local(),
            Err(error) => std::future::ready(Err(error)).boxed_local(),
        }
    }
}

impl<F, Fut, O, E> OrchestratorFn<ContextOnly> for F
where
    F: Fn(OrchestrationContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, E>> + 'static,
    O: Serialize + 'static,
    E: Into<BoxError> + 'static,
{
    fn call(
        &self,
        context: OrchestrationContext,
        _: Option<&str>,
    ) -> LocalBoxFuture<'static, Result<Option<String>, TaskError>> {
        self(context).map(write_output).boxed_local()
    }
}

/// The four shapes differ only in the arguments.
macro_rules! activity_shape {
    ($shape:ty, ($($argument:ty),*), [$($input:ident)?], |$context:ident, $text:ident| $call:expr) => {
        impl<F, $($input,)? Fut, O, E> ActivityFn<$shape> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            $($input: DeserializeOwned + 'static,)?
            Fut: Future<Output = Result<O, E>> + Send + 'static,
            O: Serialize + 'static,
            E: Into<BoxError> + 'static,
        {
            fn call(
                &self,
                $context: ActivityContext,
                $text: Option<&str>,
            ) -> BoxFuture<'static, Result<Option<String>, TaskError>> {
                let call: fn(&F, ActivityContext, Option<&str>) -> Result<Fut, TaskError> = $call;
                match call(self, $context, $text) {
                    Ok(future) => future.map(write_output).boxed(),
                    Err(error) => std::future::ready(Err(error)).boxed(),
                }
            }
        }
    };
}

activity_shape!(ContextAndInput<I>, (ActivityContext, I), [I], |context, text| |f, context, text| {
    let input = read_input(format_args!("'{}'", context.name()), text)?;
    Ok(f(context, input))
});
activity_shape!(InputOnly<I>, (I), [I], |context, text| |f, context, text| {
    Ok(f(read_input(format_args!("'{}'", context.name()), text)?))
});
activity_shape!(ContextOnly, (ActivityContext), [], |context, text| |f, context, _| Ok(f(context)));
activity_shape!(Nothing, (), [], |context, text| |f, _, _| Ok(f()));

/// `function` in words.
pub(super) fn read_input<I: DeserializeOwned + 'static>(
    function: impl Display,
    text: Option<&str>,
) -> Result<I, TaskError> {
    json::decode(text).map_err(|error| {
        let message = format_args!("the input of {function} cannot be used: {error}");
        TaskError::new(error_type::INVALID_INPUT, message).non_retriable()
    })
}

pub(super) fn write_output<O: Serialize, E: Into<BoxError>>(
    result: Result<O, E>,
) -> Result<Option<String>, TaskError> {
    let output = result.map_err(TaskError::wrap)?;
    json::encode(&output).map_err(|error| TaskError::data("the output cannot be written as JSON", &error))
}
