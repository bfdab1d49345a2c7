//! The provider itself.
//!
//! Owns [`Provider`]. A plugin implements it once and hands it to [`serve`](crate::serve()). Invariant: it is
//! shared by all calls, so what configuration yields lives in the client, not in the provider.

use std::future::Future;
use std::pin::Pin;

use crate::data_source::DataSource;
use crate::diagnostic::Diagnostics;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::value::Object;

/// A boxed future, which keeps the traits usable as trait objects. Make one with `Box::pin(async move { … })`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A Terraform provider.
pub trait Provider: Send + Sync + 'static {
    /// What resources and data sources work with, made by [`configure`](Self::configure).
    type Client: Send + Sync + 'static;

    /// The name that type names start with, such as `example`.
    fn name(&self) -> &str;

    /// The version of the provider.
    fn version(&self) -> &str;

    /// The provider block.
    fn schema(&self) -> Schema;

    /// Rules between attributes of the provider block; values may be unknown.
    fn validate(&self, _config: &Object) -> Diagnostics {
        Diagnostics::new()
    }

    /// Makes the client. Values may be unknown during plan: do not fail for that here, only when the value is
    /// needed. Do not call the API either, so that plans without need of it work offline.
    fn configure<'a>(&'a self, request: Configure) -> BoxFuture<'a, Result<Configured<Self::Client>, Diagnostics>>;

    /// All resources; called once.
    fn resources(&self) -> Vec<Box<dyn Resource<Self::Client>>>;

    /// All data sources; called once.
    fn data_sources(&self) -> Vec<Box<dyn DataSource<Self::Client>>>;
}

/// What [`Provider::configure`] is given.
#[derive(Clone, Debug)]
pub struct Configure {
    /// The provider block.
    pub config: Object,
    /// The version of Terraform or OpenTofu.
    pub terraform_version: String,
}

/// What [`Provider::configure`] answers. A client alone converts into one.
#[derive(Debug)]
pub struct Configured<C> {
    /// The client.
    pub client: C,
    /// Warnings to show.
    pub warnings: Diagnostics,
}

impl<C> From<C> for Configured<C> {
    fn from(client: C) -> Self {
        Self { client, warnings: Diagnostics::new() }
    }
}
