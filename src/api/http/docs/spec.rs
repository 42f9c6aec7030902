//! Reading an OpenAPI description: what the page is made of, with references followed. Lenient, because tests and validators look
//! after the description itself: what is missing is not shown.

use yaml_serde::{Mapping, Value};

/// The whole document.
pub struct Spec(Value);

/// One method of one path.
pub struct Operation<'a> {
    /// In upper case.
    pub method: String,
    /// As a template.
    pub path: &'a str,
    /// What stands below the method.
    pub told: &'a Value,
    /// Those of the path and of the method, references followed.
    pub parameters: Vec<&'a Value>,
}

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

impl Spec {
    /// Reads YAML with its anchors.
    pub fn parse(text: &str) -> Result<Self, yaml_serde::Error> {
        yaml_serde::from_str(text).map(Self)
    }

    /// The document itself.
    pub fn root(&self) -> &Value {
        &self.0
    }

    /// What `value` is, or refers to.
    pub fn follow<'a>(&'a self, value: &'a Value) -> &'a Value {
        let mut value = value;
        // A reference to itself would lead nowhere, so there is an end to it.
        for _ in 0..8 {
            match reference(value).and_then(|path| self.at(path)) {
                Some(target) => value = target,
                None => break,
            }
        }
        value
    }

    fn at(&self, reference: &str) -> Option<&Value> {
        reference.strip_prefix("#/")?.split('/').try_fold(&self.0, |value, name| value.get(name))
    }

    /// Every operation, in the order of the document.
    pub fn operations(&self) -> Vec<Operation<'_>> {
        let mut operations = Vec::new();
        for (path, item) in entries(self.0.get("paths")) {
            for (method, told) in entries(Some(item)).filter(|(name, _)| METHODS.contains(name)) {
                let parameters = list(item, "parameters").chain(list(told, "parameters"));
                let parameters = parameters.map(|parameter| self.follow(parameter)).collect();
                operations.push(Operation { method: method.to_uppercase(), path, told, parameters });
            }
        }
        operations
    }

    /// Named schemas, in the order of the document.
    pub fn schemas(&self) -> impl Iterator<Item = (&str, &Value)> {
        entries(self.0.get("components").and_then(|components| components.get("schemas")))
    }
}

/// Where `value` points, if it is a reference.
pub fn reference(value: &Value) -> Option<&str> {
    text(value, "$ref")
}

/// The name of the schema that `value` refers to.
pub fn schema_name(value: &Value) -> Option<&str> {
    reference(value)?.strip_prefix("#/components/schemas/")
}

/// The text at `name`.
pub fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// The elements of the list at `name`.
pub fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_sequence).into_iter().flatten()
}

/// The entries of a mapping, in order. Numbers as keys become text.
pub fn entries(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let mapping: Option<&Mapping> = value.and_then(Value::as_mapping);
    mapping.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str()?, value)))
}

/// An example, as JSON on one line.
pub fn json(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
