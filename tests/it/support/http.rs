//! An HTTP client for the management API.

use super::eventually;
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;
use std::fmt::Write as _;

/// Talks to one server. Every call makes its own request; connections are reused.
#[derive(Clone)]
pub struct Http {
    /// The server's URL, without a slash at the end.
    pub url: String,
    client: reqwest::Client,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Http {
    pub fn new(url: String) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(2 * super::PATIENCE).build().unwrap();
        Self { url, client }
    }

    /// `target`: a whole URL, an absolute path, or a path below the base of the API.
    pub async fn ask(&self, method: &str, target: &str, json: Option<&str>) -> Answer {
        let content_type = json.map(|_| "application/json");
        self.ask_with(method, target, content_type, json.unwrap_or_default().to_owned()).await
    }

    pub async fn ask_with(
        &self,
        method: &str,
        target: &str,
        content_type: Option<&str>,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        self.try_ask(method, target, content_type, body).await.unwrap()
    }

    pub async fn try_ask(
        &self,
        method: &str,
        target: &str,
        content_type: Option<&str>,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Result<Answer> {
        let content_type = content_type.map(|content_type| ("content-type", content_type));
        self.ask_with_headers(method, target, content_type.as_slice(), body).await
    }

    /// A `POST` that may be repeated.
    pub async fn post_with_key(&self, target: &str, key: &str, body: &str) -> reqwest::Result<Answer> {
        self.ask_with_headers("POST", target, &[("idempotency-key", key)], body.to_owned()).await
    }

    pub async fn ask_with_headers(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Result<Answer> {
        let mut request =
            self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), self.at(target));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, body: response.text().await? })
    }

    /// With headers of the test's choice. A body that is not text is shown as well as it can be.
    pub async fn ask_headers(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let request = self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), self.at(target));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.body(body).send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// The head of an answer whose body does not end.
    pub async fn ask_head(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.client.request(Method::from_bytes(method.as_bytes()).unwrap(), self.at(target));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: String::new(),
        }
    }

    fn at(&self, target: &str) -> String {
        if target.starts_with("http://") {
            target.to_owned()
        } else if target.starts_with('/') {
            format!("{}{target}", self.url)
        } else {
            format!("{}/runtime/webhooks/durabletask/{target}", self.url)
        }
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, None).await
    }

    pub async fn post(&self, target: &str, json: &str) -> Answer {
        self.ask("POST", target, (!json.is_empty()).then_some(json)).await
    }

    /// Starts `function` as `id`, which must be taken.
    pub async fn start(&self, function: &str, id: &str, input: &str) -> Answer {
        let answer = self.post(&format!("orchestrators/{function}/{}", escaped(id)), input).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer
    }

    pub async fn raise(&self, id: &str, event: &str, json: &str) {
        let target = format!("instances/{}/raiseEvent/{event}", escaped(id));
        let answer = self.ask("POST", &target, Some(json)).await;
        assert_eq!((answer.status, answer.body.as_str()), (202, ""), "{answer:?}");
    }

    /// `terminate`, `suspend`, `resume` or `rewind`, which must be accepted. It has happened then, or soon will have.
    pub async fn control(&self, id: &str, verb: &str, reason: &str) {
        let target = format!("instances/{}/{verb}?reason={}", escaped(id), escaped(reason));
        let answer = self.post(&target, "").await;
        assert_eq!((answer.status, answer.body.as_str()), (202, ""), "{answer:?}");
        eventually(&format!("{verb} {id}"), async || {
            let seen = self.get(&format!("instances/{}", escaped(id))).await;
            let status =
                if seen.status == 404 { Value::from("Gone") } else { seen.json()["runtimeStatus"].take() };
            let ended = ["Completed", "Failed", "Terminated", "Gone"].contains(&status.as_str().unwrap());
            let done = match verb {
                "terminate" => ended,
                "suspend" => ended || status == "Suspended",
                "resume" => status != "Suspended",
                _ => true,
            };
            done.then_some(())
        })
        .await;
    }

    /// The status object; panics if there is no such instance.
    pub async fn status(&self, id: &str) -> Value {
        let answer = self.get(&format!("instances/{}", escaped(id))).await;
        assert!(matches!(answer.status, 200 | 202), "{answer:?}");
        answer.json()
    }

    /// Waits until the instance has this status, and no other end.
    pub async fn until(&self, id: &str, status: &str) -> Value {
        eventually(&format!("{id} {status}"), async || {
            let seen = self.status(id).await;
            if seen["runtimeStatus"] == status {
                return Some(seen);
            }
            let ended = matches!(seen["runtimeStatus"].as_str(), Some("Completed" | "Failed" | "Terminated"));
            assert!(!ended, "waiting for {status}: {seen}");
            None
        })
        .await
    }

    /// The output of an instance that completes.
    pub async fn output(&self, id: &str) -> Value {
        self.until(id, "Completed").await["output"].take()
    }

    /// Waits until the custom status fits.
    pub async fn until_custom(&self, id: &str, fits: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("custom status of {id}"), async || {
            let seen = self.status(id).await;
            fits(&seen["customStatus"]).then_some(seen)
        })
        .await
    }

    /// Whether the server lives, is ready, and runs an orchestration.
    pub async fn is_well(&self) {
        assert_eq!(self.get("/healthz").await.status, 200);
        // A server within the process is there before it has read all of its work.
        eventually("readiness", async || (self.get("/readyz").await.status == 200).then_some(())).await;
        let hello = self.post("orchestrators/HelloCities?timeout=60", "").await;
        assert_eq!(hello.body, r#"["Hello, Tokyo!","Hello, Seattle!","Hello, London!"]"#, "{hello:?}");
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {self:?}"),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn location(&self) -> &str {
        self.header("location").unwrap()
    }

    /// E0: no body, length 0, no content type.
    #[track_caller]
    pub fn is_empty(&self, status: u16) {
        let got =
            (self.status, self.body.as_str(), self.header("content-length"), self.header("content-type"));
        assert_eq!(got, (status, "", Some("0"), None));
    }

    /// E2: the four fields in order, the same text twice, holding `part`.
    #[track_caller]
    pub fn is_error(&self, status: u16, part: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json; charset=utf-8"));
        let told = self.json();
        let message = told["Message"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
        let exception = told["ExceptionType"].as_str().unwrap();
        assert!(exception.contains('.'), "{exception}");
        let text = Value::from(message);
        let expected = format!(
            r#"{{"Message":{text},"ExceptionMessage":{text},"ExceptionType":"{exception}","StackTrace":null}}"#
        );
        assert_eq!(self.body, expected);
    }

    /// Accepted and refused are both fine, failed is not.
    #[track_caller]
    pub fn is_no_failure(&self) {
        assert!(StatusCode::from_u16(self.status).is_ok_and(|status| !status.is_server_error()), "{self:?}");
    }
}

/// `text` as a part of a URL's path: everything but letters and digits as `%XX`.
pub fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").unwrap(),
        }
        out
    })
}
