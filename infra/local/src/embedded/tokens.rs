//! The `ClientRequestToken`s of the last transactions.
//!
//! The engine remembers every token of the last ten minutes and walks all of them on each
//! transaction, which under load took up to 41 % of the processor. The service's promise is kept
//! here instead, for as many tokens as a client can still be repeating: it does so within seconds.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::{Arc, Mutex, PoisonError};

use dynoxide::actions::transact_write_items::{
    TransactWriteItemsRequest, TransactWriteItemsResponse,
};
use dynoxide::{Database, DynoxideError};

/// How many tokens are remembered.
const MAX_TOKENS: usize = 4096;

/// Remembers transactions by their tokens; clones share it.
#[derive(Clone, Default)]
pub(super) struct Tokens(Arc<Mutex<CompletedTransactions>>);

#[derive(Default)]
struct CompletedTransactions {
    /// The hash of the transaction and its output, by token.
    outputs: HashMap<String, (u64, TransactWriteItemsResponse)>,
    /// The tokens, oldest first.
    order: VecDeque<String>,
}

impl Tokens {
    /// Runs a transaction unless its token says that it has run. As the lock is held meanwhile, of
    /// two with one token one runs.
    pub(super) fn transact(
        &self,
        database: &Database,
        mut request: TransactWriteItemsRequest,
    ) -> dynoxide::Result<TransactWriteItemsResponse> {
        let Some(token) = request.client_request_token.take() else {
            return database.transact_write_items(request);
        };
        // As a value: the attributes of an item have no order.
        let content = serde_json::to_value(&request.transact_items)
            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
        let content = BuildHasherDefault::<DefaultHasher>::default().hash_one(content);
        let mut completed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((first, output)) = completed.outputs.get(&token) {
            return if *first == content { Ok(output.clone()) } else { Err(mismatch()) };
        }
        let output = database.transact_write_items(request)?;
        completed.outputs.insert(token.clone(), (content, output.clone()));
        completed.order.push_back(token);
        if completed.order.len() > MAX_TOKENS
            && let Some(oldest) = completed.order.pop_front()
        {
            completed.outputs.remove(&oldest);
        }
        Ok(output)
    }
}

fn mismatch() -> DynoxideError {
    DynoxideError::IdempotentParameterMismatchException(
        "The request uses the same client token as a previous, but non-identical request."
            .to_owned(),
    )
}
