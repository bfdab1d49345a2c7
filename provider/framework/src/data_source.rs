//! Data sources.
//!
//! Owns [`DataSource`]. Providers implement it; `rpc` calls it. Invariant: a data source reads and changes
//! nothing. The attributes it answers include those of its configuration.

use crate::context::Context;
use crate::diagnostic::Diagnostics;
use crate::provider::BoxFuture;
use crate::schema::Schema;
use crate::value::Object;

/// One kind of thing to look up. `C` is the provider's client.
pub trait DataSource<C: Send + Sync>: Send + Sync {
    /// The full name, such as `example_server`.
    fn type_name(&self) -> &str;

    /// Attributes and rules.
    fn schema(&self) -> Schema;

    /// Rules between attributes. Runs unconfigured and may see unknown values.
    fn validate(&self, _config: &Object) -> Diagnostics {
        Diagnostics::new()
    }

    /// Looks it up. Start from `config` (wholly known here) and set the computed attributes.
    fn read<'a>(&'a self, cx: &'a Context<C>, config: Object) -> BoxFuture<'a, Result<Object, Diagnostics>>;
}
