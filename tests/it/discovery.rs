//! What gRPC tools find without knowing durahub: health checks and server reflection.

use crate::support::{Inside, channel, soon};
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

fn asked(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_checks_tell_what_readyz_tells() {
    let server = Inside::start().await;
    server.is_well().await;
    let mut health = HealthClient::new(channel(&server.url).await);
    for service in ["", "TaskHubSidecarService"] {
        let answer = health.check(asked(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    assert_eq!(health.check(asked("Other")).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_watcher_learns_of_the_shutdown_and_does_not_delay_it() {
    let inside = Inside::start().await;
    inside.is_well().await;
    let mut health = HealthClient::new(channel(&inside.url).await);
    let mut watched = health.watch(asked("")).await.unwrap().into_inner();
    assert_eq!(watched.next().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let Inside { server, .. } = inside;
    let down = tokio::spawn(server.shutdown());
    let told = soon("the end of service", watched.next()).await.unwrap().unwrap();
    assert_eq!(told.status(), ServingStatus::NotServing);
    assert!(soon("the end of the stream", watched.next()).await.is_none());
    soon("the shutdown", down).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_describes_every_service() {
    let server = Inside::start().await;
    let mut reflection = ServerReflectionClient::new(channel(&server.url).await);
    let ask = |question| ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let questions = tokio_stream::iter([
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol("TaskHubSidecarService".to_owned())),
    ]);
    let mut answers = reflection.server_reflection_info(questions).await.unwrap().into_inner();
    let listed = answers.next().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(listed) = listed else { panic!("{listed:?}") };
    let names: Vec<_> = listed.service.into_iter().map(|service| service.name).collect();
    for name in ["TaskHubSidecarService", "grpc.health.v1.Health"] {
        assert!(names.iter().any(|known| known == name), "{names:?}");
    }
    let described = answers.next().await.unwrap().unwrap().message_response.unwrap();
    assert!(matches!(described, MessageResponse::FileDescriptorResponse(_)), "{described:?}");
}
