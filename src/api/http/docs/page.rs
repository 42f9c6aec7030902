//! The reference page: operations by tag, each with its parameters, bodies, statuses and a command line that makes the request.

use super::{
    prose::{blocks, escape, inline},
    schemas::{self, kind, shown},
    spec::{Operation, Spec, entries, json, list, text},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use yaml_serde::Value;

/// The whole page.
pub fn page(spec: &Spec, style: &str) -> String {
    let root = spec.root();
    let info = root.get("info").unwrap_or(&Value::Null);
    let told = |name: &str| text(info, name).unwrap_or_default();
    let server = list(root, "servers").next().and_then(|server| text(server, "url")).unwrap_or_default();
    let operations = spec.operations();
    let (mut contents, mut sections) = (String::new(), String::new());
    for tag in list(root, "tags") {
        let name = text(tag, "name").unwrap_or_default();
        contents.push_str(&format!("<li><a href=\"#tag-{0}\">{0}</a><ul>\n", escape(name)));
        let description = text(tag, "description").map(blocks).unwrap_or_default();
        sections.push_str(&format!("<section id=\"tag-{0}\"><h2>{0}</h2>\n{description}", escape(name)));
        let tagged =
            |operation: &&Operation<'_>| list(operation.told, "tags").any(|tag| tag.as_str() == Some(name));
        for operation in operations.iter().filter(tagged) {
            let (id, summary) = (id(operation), inline(text(operation.told, "summary").unwrap_or_default()));
            contents.push_str(&format!("<li><a href=\"#{}\">{summary}</a></li>\n", escape(id)));
            sections.push_str(&section(spec, operation, server));
        }
        contents.push_str("</ul></li>\n");
        sections.push_str("</section>\n");
    }
    let schemas: String = spec.schemas().map(|(name, schema)| schemas::section(spec, name, schema)).collect();
    format!(
        "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>{title} {version}: HTTP API</title>
<style>{style}</style>
</head>
<body>
<nav aria-label=\"Contents\"><p><a href=\"#top\">{title} {version}</a></p>
<ul>
{contents}<li><a href=\"#schemas\">schemas</a></li>
</ul></nav>
<main id=\"top\">
<h1>{title} <small>{version}</small></h1>
<p class=\"summary\">{summary}</p>
{description}<p>As a file: <a href=\"/openapi.yaml\">openapi.yaml</a></p>
{sections}<section id=\"schemas\"><h2>schemas</h2>
{schemas}</section>
</main>
</body>
</html>
",
        title = escape(told("title")),
        version = escape(told("version")),
        summary = inline(told("summary")),
        description = blocks(told("description")),
    )
}

fn id<'a>(operation: &Operation<'a>) -> &'a str {
    text(operation.told, "operationId").unwrap_or_default()
}

fn section(spec: &Spec, operation: &Operation<'_>, server: &str) -> String {
    let told = |name: &str| text(operation.told, name);
    let mut out = format!(
        "<article id=\"{id}\"><h3>{summary}</h3>\n<p class=\"request\"><b class=\"{class}\">{method}</b> <code>{path}</code></p>\n",
        id = escape(id(operation)),
        summary = inline(told("summary").unwrap_or_default()),
        class = operation.method.to_lowercase(),
        method = operation.method,
        path = escape(operation.path),
    );
    out.push_str(&told("description").map(blocks).unwrap_or_default());
    out.push_str(&parameters(operation));
    let body = operation.told.get("requestBody").map(|body| spec.follow(body));
    if let Some(body) = body {
        out.push_str("<h4>Body</h4>\n");
        out.push_str(&text(body, "description").map(blocks).unwrap_or_default());
        out.push_str(&content(body));
    }
    out.push_str(&answers(spec, operation));
    out.push_str(&format!(
        "<h4>Try it</h4>\n<pre><code>{}</code></pre>\n</article>\n",
        escape(&curl(operation, body, server))
    ));
    out
}

fn parameters(operation: &Operation<'_>) -> String {
    let row = |parameter: &&Value| {
        let schema = parameter.get("schema").unwrap_or(&Value::Null);
        let required = parameter.get("required").and_then(Value::as_bool).unwrap_or_default();
        let default =
            schema.get("default").map(|value| format!("default <code>{}</code>", escape(&shown(value))));
        format!(
            "<tr><td><code>{name}</code></td><td>{place}</td><td>{kind}</td><td>{need}</td><td>{told}</td></tr>\n",
            name = escape(text(parameter, "name").unwrap_or_default()),
            place = escape(text(parameter, "in").unwrap_or_default()),
            kind = kind(schema),
            need = if required { "required".to_owned() } else { default.unwrap_or_default() },
            told = inline(text(parameter, "description").unwrap_or_default()),
        )
    };
    let rows: String = operation.parameters.iter().map(row).collect();
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<h4>Parameters</h4>\n<table><thead><tr><th>Name</th><th>In</th><th>Type</th><th></th><th></th></tr></thead><tbody>\n{rows}</tbody></table>\n"
    )
}

/// The kinds of body that there are, with their examples.
fn content(holder: &Value) -> String {
    entries(holder.get("content"))
        .map(|(content_type, told)| {
            let schema = told.get("schema").unwrap_or(&Value::Null);
            let example = told
                .get("example")
                .map(|example| format!("<pre><code>{}</code></pre>", escape(&shown(example))));
            format!(
                "<p><code>{}</code>: {}</p>{}\n",
                escape(content_type),
                kind(schema),
                example.unwrap_or_default()
            )
        })
        .collect()
}

fn answers(spec: &Spec, operation: &Operation<'_>) -> String {
    let rows: String = entries(operation.told.get("responses"))
        .map(|(status, response)| {
            let response = spec.follow(response);
            let headers: String = entries(response.get("headers"))
                .map(|(name, header)| {
                    let told = text(spec.follow(header), "description").unwrap_or_default();
                    format!("<p><code>{}</code>: {}</p>", escape(name), inline(told))
                })
                .collect();
            format!(
                "<tr><td class=\"s{class}\">{status}</td><td>{told}{headers}{content}</td></tr>\n",
                class = escape(status.get(..1).unwrap_or_default()),
                status = escape(status),
                told = blocks(text(response, "description").unwrap_or_default()),
                content = content(response),
            )
        })
        .collect();
    format!("<h4>Answers</h4>\n<table class=\"answers\"><tbody>\n{rows}</tbody></table>\n")
}

/// A command line that makes the request, with the examples of the description.
fn curl(operation: &Operation<'_>, body: Option<&Value>, server: &str) -> String {
    let mut path = operation.path.to_owned();
    let (mut query, mut options) = (Vec::new(), String::new());
    for parameter in &operation.parameters {
        let (Some(name), Some(place)) = (text(parameter, "name"), text(parameter, "in")) else { continue };
        let Some(example) = parameter.get("example").map(|example| match example.as_sequence() {
            Some(several) => several.iter().map(shown).collect::<Vec<_>>().join(","),
            None => shown(example),
        }) else {
            continue;
        };
        let required = parameter.get("required").and_then(Value::as_bool).unwrap_or_default();
        match place {
            "path" => path = path.replace(&format!("{{{name}}}"), &encoded(&example)),
            "query" if required => query.push(format!("{name}={}", encoded(&example))),
            "header" if required => {
                options.push_str(&format!(" -H {}", quoted(&format!("{name}: {example}"))));
            }
            _ => {}
        }
    }
    let content = body.and_then(|body| entries(body.get("content")).next());
    if let Some((content_type, example)) = content.and_then(|(name, told)| Some((name, told.get("example")?)))
    {
        let data = if content_type == "application/json" { json(example) } else { shown(example) };
        options.push_str(&format!(
            " -H {} -d {}",
            quoted(&format!("content-type: {content_type}")),
            quoted(&data)
        ));
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let method = if operation.method == "GET" { String::new() } else { format!(" -X {}", operation.method) };
    format!("curl -i{method}{options} {}", quoted(&format!("{server}{path}{query}")))
}

/// What need not be escaped in any part of a URL.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// One word for a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
