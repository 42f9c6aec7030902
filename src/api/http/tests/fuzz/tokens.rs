//! Continuation tokens.

use super::*;
use crate::{api::http::form, model::HubName};

/// A list in pages of one, and how its token is read and sent.
#[derive(Clone, Copy, Debug)]
enum List {
    /// In a header, both ways.
    Header(&'static str),
    /// In the body, and back in the query as `after`.
    Query(&'static str),
}

const LISTS: [List; 7] = [
    List::Header("/runtime/webhooks/durabletask/instances?top=1"),
    List::Header("/runtime/webhooks/durabletask/instances?top=1&taskHub=other"),
    List::Header("/runtime/webhooks/durabletask/instances?top=1&runtimeStatus=Pending"),
    List::Query("/api/v1/entities?top=1"),
    List::Query("/api/v1/instances?top=1&order=name"),
    List::Query("/api/v1/instances?top=1&order=id"),
    List::Query("/api/v1/instances?top=1&order=name&taskHub=other"),
];

const PIECES: &[&str] = &["0", "f", "F", "00", "03", "zz", " ", "%", "+", "é", "-", "ffffffffffffffff"];

impl List {
    /// The page behind `token`; the first one without.
    fn page(self, server: &Target, token: Option<&str>) -> Told {
        let ask = match self {
            Self::Header(target) => {
                let request = request("GET", target);
                match token {
                    Some(token) => request.header("x-ms-continuation-token", token),
                    None => request,
                }
            }
            Self::Query(target) => {
                let after = token.map_or(String::new(), |token| format!("&after={}", form::encode(token)));
                request("GET", &format!("{target}{after}"))
            }
        };
        server.ask(ask.body(Body::empty()).unwrap())
    }

    fn token(self, page: &Told) -> String {
        match self {
            Self::Header(_) => page.header("x-ms-continuation-token").map(str::to_owned),
            Self::Query(_) => page.json().unwrap()["next"].as_str().map(str::to_owned),
        }
        .filter(|token| !token.is_empty())
        .unwrap_or_else(|| panic!("{self:?} has no second page: {page:?}"))
    }
}

fn server() -> Target {
    let server = Target::new(HttpSettings::default());
    server.runtime.block_on(async {
        let world = &server.world;
        let other = HubName::parse("other").unwrap();
        world.manager.create_hub(Some(other.as_str()), false).await.unwrap();
        for path in
            ["/orchestrators/G/x?taskHub=other", "/orchestrators/F/y?taskHub=other", "/orchestrators/G/c"]
        {
            assert_eq!(world.post(path, "1").await.status, 202);
        }
        assert_eq!(world.post("/entities/counter/other?op=add", "1").await.status, 202);
    });
    server
}

#[test]
fn a_changed_token_is_refused() {
    let server = server();
    let tokens = LISTS.map(|list| list.token(&list.page(&server, None)));
    let pages: Vec<_> =
        LISTS.iter().zip(&tokens).map(|(list, token)| list.page(&server, Some(token))).collect();
    proptest!(fuzz::config(1_500), |(which in 0..LISTS.len(), edits in fuzz::edits(PIECES))| {
        let (list, token) = (LISTS[which], &tokens[which]);
        let changed = fuzz::edited(token.as_bytes(), &edits);
        let changed = String::from_utf8_lossy(&changed).into_owned();
        prop_assume!(axum::http::HeaderValue::try_from(&changed).is_ok() && !changed.trim().is_empty());
        let told = list.page(&server, Some(&changed));
        // Hex has two ways to write a letter.
        if changed.trim().eq_ignore_ascii_case(token) {
            prop_assert_eq!((told.status, &told.body), (200, &pages[which].body));
        } else {
            prop_assert!(told.status == 400 && told.text().contains("continuation token"), "{changed}: {told:?}");
            told.is_fair()?;
        }
    });
}

#[test]
fn a_token_of_one_list_opens_no_other() {
    let server = server();
    let tokens = LISTS.map(|list| list.token(&list.page(&server, None)));
    for (here, list) in LISTS.into_iter().enumerate() {
        for (there, token) in tokens.iter().enumerate() {
            let told = list.page(&server, Some(token));
            let expected = if here == there { 200 } else { 400 };
            assert_eq!(told.status, expected, "{list:?} with the token of {:?}: {told:?}", LISTS[there]);
        }
    }
}
