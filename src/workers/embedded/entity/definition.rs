//! What an entity is made of: a state, and operations that are functions of it.

use super::{
    super::{
        BoxError, TaskError,
        function::{read_input, write_output},
        json,
    },
    EntityContext,
};
use futures_util::future::{BoxFuture, FutureExt as _};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt, marker::PhantomData, sync::Arc};

/// What can be the state of an entity. Implemented for all that fits.
///
/// An entity that has no state yet, or whose state was deleted, begins with the default.
pub trait EntityState: Serialize + DeserializeOwned + Default + Send + Sync + 'static {}

impl<S: Serialize + DeserializeOwned + Default + Send + Sync + 'static> EntityState for S {}

/// The operations of one kind of entity with state `S`, to be registered with [`Registry::entity`](super::super::Registry::entity).
///
/// An operation is a function that takes the state as `&mut S` or `&S`, then an [`EntityContext`] and an input, both of which may be left
/// out: an `async fn` in `impl S` is the natural form. Operation names are compared without regard to case.
///
/// ```
/// use durahub::workers::embedded::{Entity, Registry, TaskError};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Deserialize, Serialize)]
/// struct Stock(u32);
///
/// impl Stock {
///     async fn put(&mut self, pieces: u32) -> Result<u32, TaskError> {
///         self.0 += pieces;
///         Ok(self.0)
///     }
///     async fn take(&mut self, pieces: u32) -> Result<u32, TaskError> {
///         let left = self.0.checked_sub(pieces);
///         self.0 = left.ok_or_else(|| TaskError::new("OutOfStock", format_args!("only {} are left", self.0)))?;
///         Ok(self.0)
///     }
///     async fn count(&self) -> Result<u32, TaskError> {
///         Ok(self.0)
///     }
/// }
///
/// let stock = Entity::new().operation("put", Stock::put).operation("take", Stock::take).operation("count", Stock::count);
/// let registry = Registry::new().entity("Stock", stock);
/// assert!(registry.entities().eq(["stock"]));
/// ```
///
/// What always holds:
/// - Operations of one entity run one after the other.
/// - An operation that fails, or panics, leaves no trace: the state is as before, and nothing it wanted to send or start is. Whoever
///   called it gets the failure.
/// - After an operation with `&mut S` the state is written, after one with `&S` it is not: asking an entity that is not there does not
///   make it. A state that is `null` as JSON is none.
/// - Every entity knows the operation `delete`, which deletes the state, unless it defines one of that name itself.
/// - A batch of operations is committed together. If the process dies before, they run again, so the effects of an operation on the world
///   outside should be safe to repeat.
pub struct Entity<S> {
    operations: Operations,
    state: PhantomData<fn() -> S>,
}

impl<S: EntityState> Entity<S> {
    /// An entity that knows nothing but `delete`.
    pub fn new() -> Self {
        Self { operations: Operations::default(), state: PhantomData }
    }

    /// Adds an operation. Replaces one of the same name.
    #[must_use]
    pub fn operation<Shape>(
        mut self,
        name: impl AsRef<str>,
        function: impl for<'a> OperationFn<'a, S, Shape>,
    ) -> Self {
        let function = Arc::new(function);
        let run = move |context: EntityContext, state: Option<&str>, input: Option<&str>| {
            let function = function.clone();
            let state = state.map_or_else(|| Ok(S::default()), |text| json::decode(Some(text)));
            let state = state.map_err(|error| {
                TaskError::data(format_args!("the state of entity '{}' cannot be used", context.id()), &error)
            });
            let input = input.map(str::to_owned);
            async move { perform(&*function, context, state?, input).await }.boxed()
        };
        self.operations.0.insert(name.as_ref().to_lowercase(), Arc::new(run));
        self
    }

    pub(in super::super) fn into_operations(self) -> Operations {
        self.operations
    }
}

async fn perform<S: EntityState, F, Shape>(
    function: &F,
    context: EntityContext,
    mut state: S,
    input: Option<String>,
) -> Result<Ran, TaskError>
where
    F: for<'a> OperationFn<'a, S, Shape>,
{
    let id = context.id().clone();
    let output = function.call(context, &mut state, input.as_deref()).await?;
    let state = match <F as OperationFn<'_, S, Shape>>::WRITES {
        false => None,
        true => Some(json::encode(&state).map_err(|error| {
            TaskError::data(format_args!("the state of entity '{id}' cannot be written as JSON"), &error)
        })?),
    };
    Ok(Ran { output, state })
}

impl<S: EntityState> Default for Entity<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for Entity<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entity").field(&self.operations).finish()
    }
}

/// What an operation that succeeded leaves.
#[derive(Debug)]
pub(in super::super) struct Ran {
    pub output: Option<String>,
    /// `None`: as it was; `Some(None)`: deleted.
    pub state: Option<Option<String>>,
}

type Run = dyn Fn(EntityContext, Option<&str>, Option<&str>) -> BoxFuture<'static, Result<Ran, TaskError>>
    + Send
    + Sync;

/// Operations by name, in lower case, on states as JSON text.
#[derive(Clone, Default)]
pub(in super::super) struct Operations(BTreeMap<String, Arc<Run>>);

impl Operations {
    pub fn get(&self, name: &str) -> Option<&Run> {
        self.0.get(&name.to_lowercase()).map(Arc::as_ref)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.keys().fmt(f)
    }
}

/// An operation: an async function of `&mut S` or `&S`, an [`EntityContext`] and an input, where the last two may be left out.
///
/// Implemented for async functions and closures; there is no need to name it.
pub trait OperationFn<'a, S, Shape>: Send + Sync + 'static {
    /// Whether it may change the state.
    const WRITES: bool;

    /// Calls the function with JSON text; its output is JSON text.
    fn call(
        &self,
        context: EntityContext,
        state: &'a mut S,
        input: Option<&str>,
    ) -> BoxFuture<'a, Result<Option<String>, TaskError>>;
}

/// The shapes differ only in the arguments.
macro_rules! operation_shape {
    (
        $(#[$about:meta])* $shape:ident $(<$input:ident>)?, writes: $writes:literal, ($($argument:ty),*), $call:expr
    ) => {
        $(#[$about])*
        #[derive(Debug)]
        pub struct $shape $(<$input>(PhantomData<$input>))?;

        impl<'a, F, S, $($input,)? Fut, O, E> OperationFn<'a, S, $shape $(<$input>)?> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            S: EntityState,
            $($input: DeserializeOwned + 'static,)?
            Fut: Future<Output = Result<O, E>> + Send + 'a,
            O: Serialize + 'static,
            E: Into<BoxError> + 'static,
        {
            const WRITES: bool = $writes;

            fn call(
                &self,
                context: EntityContext,
                state: &'a mut S,
                input: Option<&str>,
            ) -> BoxFuture<'a, Result<Option<String>, TaskError>> {
                type Call<'a, F, S, Fut> =
                    fn(&F, EntityContext, &'a mut S, Option<&str>) -> Result<Fut, TaskError>;
                let call: Call<'a, F, S, Fut> = $call;
                match call(self, context, state, input) {
                    Ok(future) => future.map(write_output).boxed(),
                    Err(error) => std::future::ready(Err(error)).boxed(),
                }
            }
        }
    };
}

operation_shape!(
    /// Shape of an operation that may change the state.
    Writes, writes: true, (&'a mut S), |f, _, state, _| Ok(f(state))
);
operation_shape!(
    /// Shape of an operation that may change the state and takes an input.
    WritesWithInput<I>, writes: true, (&'a mut S, I), |f, context, state, input| {
        Ok(f(state, read_input(context.label(), input)?))
    }
);
operation_shape!(
    /// Shape of an operation that may change the state and takes its context.
    WritesWithContext, writes: true, (&'a mut S, EntityContext), |f, context, state, _| Ok(f(state, context))
);
operation_shape!(
    /// Shape of an operation that may change the state and takes its context and an input.
    WritesWithContextAndInput<I>, writes: true, (&'a mut S, EntityContext, I), |f, context, state, input| {
        let input = read_input(context.label(), input)?;
        Ok(f(state, context, input))
    }
);
operation_shape!(
    /// Shape of an operation that only reads the state.
    Reads, writes: false, (&'a S), |f, _, state, _| Ok(f(state))
);
operation_shape!(
    /// Shape of an operation that only reads the state and takes an input.
    ReadsWithInput<I>, writes: false, (&'a S, I), |f, context, state, input| {
        Ok(f(state, read_input(context.label(), input)?))
    }
);
operation_shape!(
    /// Shape of an operation that only reads the state and takes its context.
    ReadsWithContext, writes: false, (&'a S, EntityContext), |f, context, state, _| Ok(f(state, context))
);
operation_shape!(
    /// Shape of an operation that only reads the state and takes its context and an input.
    ReadsWithContextAndInput<I>, writes: false, (&'a S, EntityContext, I), |f, context, state, input| {
        let input = read_input(context.label(), input)?;
        Ok(f(state, context, input))
    }
);
