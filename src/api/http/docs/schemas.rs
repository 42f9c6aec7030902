//! Schemas as HTML: what a value is, in a few words, and the fields of the named ones.

use super::{
    prose::{blocks, escape, inline},
    spec::{Spec, entries, json, list, schema_name, text},
};
use yaml_serde::Value;

/// What kind of value this is, such as `string (date-time)` or `array of InstanceStatus`, with links to named schemas.
pub fn kind(schema: &Value) -> String {
    if let Some(name) = schema_name(schema) {
        return format!("<a href=\"#schema-{0}\">{0}</a>", escape(name));
    }
    for choice in ["oneOf", "anyOf"] {
        let choices: Vec<_> = list(schema, choice).map(kind).collect();
        if !choices.is_empty() {
            return choices.join(" or ");
        }
    }
    if let Some(value) = schema.get("const") {
        return format!("<code>{}</code>", escape(&json(value)));
    }
    let named = match schema.get("type") {
        Some(Value::String(one)) => one.clone(),
        Some(Value::Sequence(several)) => {
            several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        _ => text(schema, "format").unwrap_or("any JSON").to_owned(),
    };
    let values: Vec<_> =
        list(schema, "enum").map(|value| format!("<code>{}</code>", escape(&shown(value)))).collect();
    match (schema.get("items"), text(schema, "format")) {
        (Some(items), _) => format!("array of {}", kind(items)),
        _ if !values.is_empty() => values.join(", "),
        (None, Some(format)) if format != named => format!("{} ({})", escape(&named), escape(format)),
        (None, _) => escape(&named),
    }
}

/// Text as it is, anything else as JSON.
pub fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| json(value), str::to_owned)
}

/// The section of one named schema.
pub fn section(spec: &Spec, name: &str, schema: &Value) -> String {
    let mut out = format!("<section class=\"schema\" id=\"schema-{0}\"><h3>{0}</h3>\n", escape(name));
    out.push_str(&text(schema, "description").map(blocks).unwrap_or_default());
    let required: Vec<_> = list(schema, "required").filter_map(Value::as_str).collect();
    let fields: String = entries(schema.get("properties"))
        .map(|(field, told)| {
            let told_of = text(told, "description").or_else(|| text(spec.follow(told), "description"));
            let always = if required.contains(&field) { "always" } else { "" };
            let told_of = told_of.map(inline).unwrap_or_default();
            format!(
                "<tr><td><code>{}</code></td><td>{}</td><td>{always}</td><td>{told_of}</td></tr>\n",
                escape(field),
                kind(told)
            )
        })
        .collect();
    if fields.is_empty() {
        out.push_str(&format!("<p>{}</p>", kind(schema)));
    } else {
        out.push_str(&format!("<table><thead><tr><th>Field</th><th>Type</th><th></th><th></th></tr></thead><tbody>\n{fields}</tbody></table>\n"));
    }
    out.push_str("</section>\n");
    out
}
