use super::{page::page, spec::Spec, *};
use prose::{blocks, escape, inline};

#[test]
fn the_page_shows_every_operation_parameter_status_and_schema() {
    let spec = Spec::parse(DESCRIPTION).unwrap();
    let page = page(&spec, STYLE);
    for operation in spec.operations() {
        let id = spec::text(operation.told, "operationId").unwrap();
        let article = page.split_once(&format!("<article id=\"{id}\">")).map(|(_, rest)| rest);
        let article =
            article.and_then(|rest| rest.split("</article>").next()).unwrap_or_else(|| panic!("no {id}"));
        assert!(article.contains(&escape(operation.path)), "{id}");
        assert!(article.contains("curl -i"), "{id}");
        for parameter in &operation.parameters {
            let name = spec::text(parameter, "name").unwrap();
            assert!(article.contains(&format!("<td><code>{name}</code></td>")), "{id}: {name}");
        }
        for (status, _) in spec::entries(operation.told.get("responses")) {
            assert!(article.contains(&format!("\">{status}</td>")), "{id}: {status}");
        }
        assert!(page.contains(&format!("<a href=\"#{id}\">")), "{id} is not in the contents");
    }
    for (name, _) in spec.schemas() {
        assert!(page.contains(&format!("id=\"schema-{name}\"")), "{name}");
    }
    for link in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(page.contains(&format!("id=\"{link}\"")), "#{link} leads nowhere");
    }
}

#[test]
fn the_page_asks_for_nothing_else_and_runs_nothing() {
    let page = page(&Spec::parse(DESCRIPTION).unwrap(), STYLE);
    for word in ["<script", "<img", "<link", "<iframe", " src=", " style=", "@import", "url(", "href=\"http"]
    {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn command_lines_make_the_request_with_its_examples() {
    let page = page(&Spec::parse(DESCRIPTION).unwrap(), STYLE);
    for line in [
        "curl -i -X POST -H 'content-type: application/json' -d '{\"city\":\"Tokyo\"}' \
         'http://127.0.0.1:7071/runtime/webhooks/durabletask/orchestrators/HelloCities/order-7'",
        "curl -i 'http://127.0.0.1:7071/runtime/webhooks/durabletask/instances/order-7'",
        "curl -i -X DELETE \
         'http://127.0.0.1:7071/runtime/webhooks/durabletask/instances?createdTimeFrom=2026-01-02T03%3A04%3A05Z'",
    ] {
        assert!(page.contains(&escape(line)), "{line}");
    }
}

#[test]
fn text_is_never_markup() {
    assert_eq!(inline("a <b> & `x < \"y\"`"), "a &lt;b&gt; &amp; <code>x &lt; &quot;y&quot;</code>");
    assert_eq!(
        blocks("one\nline\n\n- a\n  b\n- c\n"),
        "<p>one\nline</p>\n<ul><li>a\n  b</li><li>c</li></ul>\n"
    );
    let spec = "info: {title: '<t>'}\ntags: [{name: g}]\npaths: {/p: {get: {operationId: o, tags: [g], summary: '<s>', \
                responses: {'200': {description: \"it's\"}}}}}";
    let page = page(&Spec::parse(spec).unwrap(), "");
    assert!(
        page.contains("<h1>&lt;t&gt;") && page.contains("<h3>&lt;s&gt;") && page.contains("it&#39;s"),
        "{page}"
    );
}

#[test]
fn the_policy_permits_exactly_the_style_of_the_page() {
    let policy = POLICY.to_str().unwrap();
    let style = PAGE.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).unwrap().0;
    let hash = STANDARD.encode(Sha256::digest(style));
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
}
