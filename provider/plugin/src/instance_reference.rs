//! The attribute `instance` of things that belong to one.
//!
//! Owns its schema, its two spellings and the `project` and `location` beside it. Backups, backup policies and their data
//! sources use it. Invariant: an id and the full name that it stands for are one instance, so that no plan differs by
//! spelling alone.

use provider_framework::{Attribute, Diagnostic, Diagnostics, MaybeKnown, Object, PlannedChange, Schema, validators};

use crate::client::Defaults;
use crate::instance::{InstanceName, rules};

/// What `instance` may be.
enum Reference {
    Id(String),
    Full(InstanceName),
}

impl Reference {
    fn parse(text: &str) -> Option<Self> {
        if rules::is_instance_id(text) {
            return Some(Self::Id(text.to_owned()));
        }
        InstanceName::from_full(text).map(Self::Full)
    }

    /// The instance, with the project and location of `object` where the reference has none.
    fn within(self, object: &Object) -> Option<InstanceName> {
        let part = |attribute: &str| object.value(attribute).as_str().map(str::to_owned);
        match self {
            Self::Full(name) => Some(name),
            Self::Id(instance_id) => Some(InstanceName { project: part("project")?, location: part("location")?, instance_id }),
        }
    }
}

/// The attribute, without flags.
pub(crate) fn attribute() -> Attribute {
    Attribute::string().validate(validators::pattern(
        "an instance id such as \"cache\", or the full name \"projects/<project>/locations/<location>/instances/<instance_id>\"",
        |text| Reference::parse(text).is_some(),
    ))
}

/// Adds `instance`, `project` and `location` to a resource; `noun` is what a change replaces.
pub(crate) fn add_attributes(schema: Schema, noun: &str) -> Schema {
    let part = || Attribute::string().optional().computed().stable().replaces();
    schema
        .attribute(
            "instance",
            attribute().required().replaces().description(format!(
                "The instance: its `instance_id`, or its full name, such as `valkyard_instance.cache.name`. Another one \
                 replaces the {noun}; another spelling changes nothing."
            )),
        )
        .attribute(
            "location",
            part()
                .validate(rules::location())
                .description("Region of the instance. Default: that of its full name, else the provider's `location`."),
        )
        .attribute(
            "project",
            part()
                .validate(rules::project())
                .description("Project of the instance. Default: that of its full name, else the provider's `project`."),
        )
}

/// A full name beside a project or location that it is not in.
pub(crate) fn contradiction(config: &Object) -> Option<Diagnostic> {
    let name = InstanceName::from_full(config.value("instance").as_str()?)?;
    let parts = [("project", &name.project), ("location", &name.location)];
    let is_other = |attribute: &str, part: &str| config.value(attribute).as_str().is_some_and(|configured| configured != part);
    let (attribute, part) = parts.into_iter().find(|(attribute, part)| is_other(attribute, part))?;
    let detail = format!(
        "`instance` is {name}, whose {attribute} is {part:?}, and `{attribute}` says something else. Remove `{attribute}`: the \
         full name has it."
    );
    Some(Diagnostic::error("Instance elsewhere").detail(detail).at(attribute))
}

/// Plans `project` and `location`, keeps the spelling of an `instance` that stays the same, and gives its name if it is
/// known.
pub(crate) fn plan(change: &mut PlannedChange, defaults: &Defaults) -> Option<InstanceName> {
    let reference = Reference::parse(change.planned.value("instance").as_str()?)?;
    match &reference {
        Reference::Full(name) => {
            for (attribute, part) in [("project", &name.project), ("location", &name.location)] {
                if change.config().value(attribute).is_null() {
                    change.planned.set(attribute, part.as_str());
                }
            }
        }
        Reference::Id(_) => {
            for (attribute, default) in [("project", &defaults.project), ("location", &defaults.location)] {
                if let MaybeKnown::Known(default) = default {
                    change.fill(attribute, default.as_str());
                }
            }
        }
    }
    let name = reference.within(&change.planned)?;
    if let Some(prior) = change.prior()
        && named(prior).is_ok_and(|before| before == name)
    {
        let prior = prior.value("instance").clone();
        change.planned.set("instance", prior);
    }
    Some(name)
}

/// The instance of a plan or state.
pub(crate) fn named(object: &Object) -> Result<InstanceName, Diagnostics> {
    let text: String = object.read("instance")?;
    let name = Reference::parse(&text).and_then(|reference| reference.within(object));
    name.ok_or_else(|| unknown(&text))
}

/// The instance of a data source's configuration.
pub(crate) fn chosen(config: &Object, defaults: &Defaults) -> Result<InstanceName, Diagnostics> {
    let text: String = config.read("instance")?;
    match Reference::parse(&text) {
        Some(Reference::Full(name)) => Ok(name),
        Some(Reference::Id(instance_id)) => Ok(InstanceName {
            project: part_or_default(config, "project", &defaults.project)?,
            location: part_or_default(config, "location", &defaults.location)?,
            instance_id,
        }),
        None => Err(unknown(&text)),
    }
}

fn unknown(text: &str) -> Diagnostics {
    let detail = format!("{text:?} leads to no instance: it is not a full name, or `project` or `location` is missing.");
    Diagnostic::error("Unclear instance").detail(detail).at("instance").into()
}

/// What the configuration says, or else the provider block.
pub(crate) fn part_or_default(config: &Object, attribute: &str, default: &MaybeKnown<String>) -> Result<String, Diagnostics> {
    match (config.read::<Option<String>>(attribute)?, default) {
        (Some(value), _) => Ok(value),
        (None, MaybeKnown::Known(default)) => Ok(default.clone()),
        (None, MaybeKnown::Unknown) => Err(Diagnostic::error("Not known yet")
            .detail(format!("`{attribute}` is not set here, and that of the provider block is known only after apply."))
            .at(attribute)
            .into()),
    }
}
