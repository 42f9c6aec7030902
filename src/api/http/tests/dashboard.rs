//! The way to the dashboard; what its files look like is tested beside it.

use super::*;

#[tokio::test]
async fn the_root_leads_to_the_dashboard() {
    let world = World::new().await;
    let (status, headers) = world.raw("/").await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (307, "/dashboard"));
    for (path, status) in [("/dashboard", 200), ("/dashboard/instances", 200), ("/dashboard/no.js", 404)] {
        assert_eq!(world.raw(path).await.0, status, "{path}");
    }
    world.get("http://host:7071/dashboards").await.is_empty(404);
}
