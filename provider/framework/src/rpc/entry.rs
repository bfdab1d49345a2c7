//! The table entries of resources and data sources: the implementation with its schema, built once.
//!
//! Called by the calls that work on one type. Invariant: `ty` is the type of `schema`.

use tfplugin_proto::tfplugin6 as wire;

use super::values::{decode_value, encode_value};
use crate::consistency::{self, Violation};
use crate::data_source::DataSource;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::private::Private;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::value::{Object, Type, Value};

pub(crate) struct ResourceEntry<C> {
    pub(crate) resource: Box<dyn Resource<C>>,
    pub(crate) schema: Schema,
    pub(crate) ty: Type,
}

impl<C: Send + Sync> ResourceEntry<C> {
    pub(super) fn new(resource: Box<dyn Resource<C>>) -> Self {
        let schema = resource.schema();
        Self { ty: schema.object_type(), schema, resource }
    }

    /// The object in a value; `None` when it is null.
    pub(super) fn decode(&self, value: Option<&wire::DynamicValue>) -> Result<Option<Object>, Diagnostics> {
        decode_object(value, &self.ty)
    }

    /// The object in a value that must not be null.
    pub(super) fn decode_present(&self, value: Option<&wire::DynamicValue>, what: &str) -> Result<Object, Diagnostics> {
        self.decode(value)?.ok_or_else(|| absent(what))
    }

    pub(super) fn encode(&self, object: Option<Object>) -> Result<wire::DynamicValue, Diagnostics> {
        encode_value(object.map_or(Value::Null, Value::Object), &self.ty)
    }

    /// Brings an object made by the provider into the schema's shape.
    pub(super) fn conform(&self, object: Object) -> Result<Object, Diagnostics> {
        match self.ty.conform(Value::Object(object)) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => unreachable!("an object conforms to an object type as an object"),
            Err(mismatch) => {
                let detail = format!("`{}` made a value that does not fit its schema: {mismatch}.", self.resource.type_name());
                Err(Diagnostic::error("Provider bug").detail(detail).at(mismatch.path).into())
            }
        }
    }

    /// Violations as diagnostics.
    pub(super) fn report(&self, during: &str, violations: &[Violation], diagnostics: &mut Diagnostics) {
        for violation in violations {
            diagnostics.push(consistency::provider_bug(self.resource.type_name(), during, violation));
        }
    }
}

pub(crate) struct DataSourceEntry<C> {
    pub(crate) data_source: Box<dyn DataSource<C>>,
    pub(crate) schema: Schema,
    pub(crate) ty: Type,
}

impl<C: Send + Sync> DataSourceEntry<C> {
    pub(super) fn new(data_source: Box<dyn DataSource<C>>) -> Self {
        let schema = data_source.schema();
        Self { ty: schema.object_type(), schema, data_source }
    }
}

pub(super) fn decode_object(value: Option<&wire::DynamicValue>, ty: &Type) -> Result<Option<Object>, Diagnostics> {
    match decode_value(value, ty)? {
        Value::Null => Ok(None),
        Value::Object(object) => Ok(Some(object)),
        Value::Unknown(_) => {
            Err(Diagnostic::error("Value does not fit the schema").detail("An object is unknown as a whole.").into())
        }
        Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::List(_)
        | Value::Set(_)
        | Value::Tuple(_)
        | Value::Map(_)
        | Value::Dynamic(_) => unreachable!("an object type decodes to an object, null or unknown"),
    }
}

pub(super) fn absent(what: &str) -> Diagnostics {
    Diagnostic::error("Malformed request").detail(format!("The host sent no {what}.")).into()
}

pub(super) fn decode_private(bytes: &[u8]) -> Result<Private, Diagnostics> {
    Private::decode(bytes).map_err(|error| {
        let detail = format!("The resource's private data was not written by this provider: {error}.");
        Diagnostic::error("Private data cannot be read").detail(detail).into()
    })
}
