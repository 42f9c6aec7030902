use super::*;

const SOME: &[(&str, &[u8])] = &[
    ("assets/app-AB12.js", b"let a"),
    ("assets/icon-AB12.svg", b"<svg/>"),
    ("index.html", br#"<script src="/dashboard/assets/app-AB12.js"></script>"#),
];

async fn asked(files: &[(&str, &'static [u8])], base: Option<&str>, path: &str) -> (u16, Response, String) {
    let settings = HttpSettings { public_base_url: base.map(str::to_owned), ..HttpSettings::default() };
    let (parts, body) = answer(files, &settings, path).into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let status = parts.status.as_u16();
    (
        status,
        Response::from_parts(parts, axum::body::Body::empty()),
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn addresses_of_pages_are_the_index_and_missing_files_are_missing() {
    for (path, status, kind, keep) in [
        ("", 200, "text/html; charset=utf-8", "no-cache"),
        ("index.html", 200, "text/html; charset=utf-8", "no-cache"),
        ("instances", 200, "text/html; charset=utf-8", "no-cache"),
        ("whatever/there/is", 200, "text/html; charset=utf-8", "no-cache"),
        ("assets/app-AB12.js", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("assets/icon-AB12.svg", 200, "image/svg+xml", "public, max-age=31536000, immutable"),
        ("assets/app-OLD1.js", 404, "", ""),
        ("assets/app", 404, "", ""),
        ("favicon.ico", 404, "", ""),
        ("../Cargo.toml", 404, "", ""),
    ] {
        let (told, answer, _) = asked(SOME, None, path).await;
        assert_eq!(told, status, "{path}");
        if status == 200 {
            assert_eq!(answer.headers()["content-type"], kind, "{path}");
            assert_eq!(answer.headers()["cache-control"], keep, "{path}");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            let policy = answer.headers()["content-security-policy"].to_str().unwrap();
            assert!(
                policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
                "{policy}"
            );
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }
}

#[tokio::test]
async fn without_a_build_the_page_says_how_to_build() {
    let (status, _, body) = asked(&[], None, "instances").await;
    assert_eq!(status, 200);
    assert!(body.contains("npm run build") && body.contains("/docs"), "{body}");
}

#[tokio::test]
async fn below_a_path_of_a_proxy_the_index_finds_its_files() {
    for (base, src) in [
        (None, "=\"/dashboard/assets"),
        (Some("https://example.org"), "=\"/dashboard/assets"),
        (Some("https://example.org/flows/"), "=\"/flows/dashboard/assets"),
    ] {
        let (_, _, body) = asked(SOME, base, "").await;
        assert!(body.contains(src), "{base:?}: {body}");
    }
}
