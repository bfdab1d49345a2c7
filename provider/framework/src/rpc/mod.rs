//! The protocol's calls, one file each: decode → logic → encode.
//!
//! Owns [`Server`], which `transport` serves and `testing` calls directly. Invariants: a call works without any
//! call before it, except that resources and data sources need ConfigureProvider; nothing is kept per call, so
//! memory does not grow; a mistake in a request is an error diagnostic. Rules of planning and validation are not
//! here: see `plan`, `validators` and `consistency`.

mod absent;
mod apply_resource_change;
mod configure_provider;
mod diagnostics;
mod entry;
mod get_metadata;
mod get_provider_schema;
mod import_resource_state;
mod plan_resource_change;
mod read_data_source;
mod read_resource;
mod service;
mod stop_provider;
mod upgrade_resource_state;
mod validate_data_resource_config;
mod validate_provider_config;
mod validate_resource_config;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tfplugin_proto::tfplugin6 as wire;

pub(crate) use self::diagnostics::{decode_diagnostics, encode_diagnostics};
pub(crate) use self::entry::{DataSourceEntry, ResourceEntry};
pub(crate) use self::values::{decode_path, decode_value, encode_value};
use crate::consistency::SelfCheck;
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::provider::Provider;
use crate::schema::Schema;
use crate::timeouts::{FALLBACK, Operation};
use crate::transport::StopSignal;
use crate::value::{Object, Type};

/// A provider as a tfplugin6 service.
pub struct Server<P: Provider> {
    provider: P,
    schema: Schema,
    ty: Type,
    resources: BTreeMap<String, ResourceEntry<P::Client>>,
    data_sources: BTreeMap<String, DataSourceEntry<P::Client>>,
    schema_response: OnceLock<wire::get_provider_schema::Response>,
    configuration: RwLock<Option<Configuration<P::Client>>>,
    stop: StopSignal,
    self_check: SelfCheck,
}

impl<P: Provider> fmt::Debug for Server<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("provider", &self.provider.name()).finish_non_exhaustive()
    }
}

struct Configuration<C> {
    client: Arc<C>,
    terraform_version: Arc<str>,
}

impl<C> Clone for Configuration<C> {
    fn clone(&self) -> Self {
        Self { client: Arc::clone(&self.client), terraform_version: Arc::clone(&self.terraform_version) }
    }
}

impl<P: Provider> Server<P> {
    /// Builds the tables of `provider`; `stop` is raised by StopProvider.
    #[must_use]
    pub fn new(provider: P, stop: StopSignal) -> Self {
        let schema = provider.schema();
        let resources = provider.resources().into_iter().map(ResourceEntry::new);
        let data_sources = provider.data_sources().into_iter().map(DataSourceEntry::new);
        Self {
            ty: schema.object_type(),
            schema,
            resources: resources.map(|entry| (entry.resource.type_name().to_owned(), entry)).collect(),
            data_sources: data_sources.map(|entry| (entry.data_source.type_name().to_owned(), entry)).collect(),
            schema_response: OnceLock::new(),
            configuration: RwLock::new(None),
            stop,
            self_check: SelfCheck::default(),
            provider,
        }
    }

    /// The same server with its self-check switched.
    #[must_use]
    pub fn self_check(mut self, self_check: SelfCheck) -> Self {
        self.self_check = self_check;
        self
    }

    pub(crate) fn provider_type(&self) -> &Type {
        &self.ty
    }

    pub(crate) fn resource(&self, type_name: &str) -> Result<&ResourceEntry<P::Client>, Diagnostics> {
        self.resources.get(type_name).ok_or_else(|| self.no_such("resource type", type_name))
    }

    pub(crate) fn data_source(&self, type_name: &str) -> Result<&DataSourceEntry<P::Client>, Diagnostics> {
        self.data_sources.get(type_name).ok_or_else(|| self.no_such("data source", type_name))
    }

    fn no_such(&self, what: &str, name: &str) -> Diagnostics {
        let detail = format!("The provider `{}` has no {what} `{name}`.", self.provider.name());
        Diagnostic::error(format!("Unknown {what}")).detail(detail).into()
    }

    fn configure(&self, client: P::Client, terraform_version: &str) {
        let configuration = Configuration { client: Arc::new(client), terraform_version: terraform_version.into() };
        *self.configuration.write().unwrap_or_else(PoisonError::into_inner) = Some(configuration);
    }

    /// The context of a call, with the time limit that `timed` sets for `operation` in a resource of `schema`.
    fn context(&self, schema: &Schema, operation: Operation, timed: &Object) -> Result<Context<P::Client>, Diagnostics> {
        let configuration = self.configuration.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(Configuration { client, terraform_version }) = configuration else {
            return Err(Diagnostic::error("Provider not configured")
                .detail("The host asked for work before it configured the provider.")
                .into());
        };
        let limit = schema.declared_timeouts().map_or(FALLBACK, |timeouts| timeouts.limit(operation, timed));
        Ok(Context::new(client, self.stop.token(), limit, terraform_version))
    }
}

/// What every call's answer has in common.
trait Response: Default {
    fn with_diagnostics(self, diagnostics: Vec<wire::Diagnostic>) -> Self;
}

macro_rules! responses {
    ($($call:ident),+ $(,)?) => {$(
        impl Response for wire::$call::Response {
            fn with_diagnostics(mut self, diagnostics: Vec<wire::Diagnostic>) -> Self {
                self.diagnostics = diagnostics;
                self
            }
        }
    )+};
}

responses!(
    apply_resource_change,
    configure_provider,
    import_resource_state,
    plan_resource_change,
    read_data_source,
    read_resource,
    upgrade_resource_state,
    validate_data_resource_config,
    validate_provider_config,
    validate_resource_config,
);

/// The answer of a call that either succeeds with warnings or fails with nothing but diagnostics.
fn answer<R: Response>(outcome: Result<(R, Diagnostics), Diagnostics>) -> R {
    match outcome {
        Ok((response, diagnostics)) => response.with_diagnostics(encode_diagnostics(&diagnostics)),
        Err(diagnostics) => R::default().with_diagnostics(encode_diagnostics(&diagnostics)),
    }
}
