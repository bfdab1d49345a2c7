//! Where in an object something is.
//!
//! Owns [`AttributePath`]. Diagnostics, plans and codecs carry it. Invariant: it has no step for a set's
//! element, since the protocol has none; a path into a set ends at the set.

use std::fmt;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into an attribute of an object, or a block.
    Attribute(String),
    /// Into an entry of a map.
    Key(String),
    /// Into an element of a list or tuple.
    Index(usize),
}

/// A path from the root of a resource, data source or provider configuration; shown as `labels["a"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributePath(Vec<Step>);

impl AttributePath {
    /// The whole object.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// An attribute of the root.
    #[must_use]
    pub fn new(attribute: impl Into<String>) -> Self {
        Self::root().attribute(attribute)
    }

    /// This path, one attribute further.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>) -> Self {
        self.0.push(Step::Attribute(name.into()));
        self
    }

    /// This path, one map key further.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(Step::Key(key.into()));
        self
    }

    /// This path, one list index further.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// The steps from the root.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this is the whole object.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn prepend(&mut self, step: Step) {
        self.0.insert(0, step);
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("(root)");
        }
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if place == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl From<&str> for AttributePath {
    fn from(attribute: &str) -> Self {
        Self::new(attribute)
    }
}
