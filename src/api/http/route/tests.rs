//! The route table, line by line: `METHOD path => what it means`.

use super::*;

/// `lines`: one `METHOD path => route` each; the route as `name part part`.
fn check(lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (request, expected) = line.split_once(" => ").unwrap();
        let (method, path) = request.trim().split_once(' ').unwrap();
        let route = matches(&method.parse().unwrap(), path.trim());
        assert_eq!(show(&route), expected.trim(), "{line}");
    }
}

fn show(route: &Route) -> String {
    let parts: Vec<&str> = match route {
        Route::Start { function, id } => {
            [Some(function), id.as_ref()].map(|part| part.map(String::as_str)).into_iter().flatten().collect()
        }
        Route::RaiseEvent { id, event } => vec![id, event],
        Route::ListEntities { name } => name.iter().map(String::as_str).collect(),
        Route::ReadEntity { name, key } => vec![name, key],
        Route::SignalEntity { name, key, delete } => {
            let parts = name.iter().chain(key).map(String::as_str);
            parts.chain(delete.then_some("(delete)")).collect()
        }
        other => other.instance().into_iter().collect(),
    };
    parts.into_iter().fold(route.name().to_owned(), |text, part| format!("{text} {part}"))
}

#[test]
fn every_template_has_its_operation() {
    check(
        "POST   /orchestrators/f                  => start f
         POST   /orchestrators/f/i                => start f i
         GET    /instances                        => list
         DELETE /instances                        => purge_many
         GET    /instances/i                      => status i
         DELETE /instances/i                      => purge i
         POST   /instances/i/raiseEvent/e         => raise_event i e
         POST   /instances/i/terminate            => terminate i
         POST   /instances/i/suspend              => suspend i
         POST   /instances/i/resume               => resume i
         POST   /instances/i/rewind               => rewind i
         POST   /instances/i/restart              => restart i
         GET    /entities                         => list_entities
         GET    /entities/n                       => list_entities n
         GET    /entities/n/k                     => read_entity n k
         POST   /entities                         => signal_entity
         POST   /entities/n                       => signal_entity n
         DELETE /entities/n/k                     => signal_entity n k (delete)
         DELETE /entities                         => signal_entity (delete)
         GET    /makeprimary                      => make_primary
         POST   /MakePrimary/                     => make_primary",
    );
}

#[test]
fn literals_fold_case_and_parameters_keep_it() {
    check(
        "POST   /ORCHESTRATORS/f/                 => start f
         POST   /Orchestrators/HelloCities/Order  => start HelloCities Order
         POST   /INSTANCES/Id/RAISEEVENT/Go       => raise_event Id Go
         POST   /instances/i/Terminate            => terminate i
         get    /instances/i                      => unknown",
    );
}

#[test]
fn slashes_at_the_ends_do_not_matter_and_inner_ones_do() {
    check(
        "GET    instances                         => list
         GET    ///instances//                    => list
         GET    /instances/i///                   => status i
         GET    /instances/i%2F                   => status i
         GET    /instances//i                     => unknown
         POST   /orchestrators//f                 => unknown
         POST   /instances/i//terminate           => unknown
         GET    /                                 => unknown",
    );
    assert_eq!(matches(&Method::GET, ""), Route::Unknown);
}

#[test]
fn the_path_is_form_decoded_exactly_once() {
    check(
        "GET    /instances/a%20b                  => status a b
         GET    /instances/a+b                    => status a b
         GET    /instances/a%2Bb                  => status a+b
         GET    /instances/a%2541                 => status a%41
         GET    /instances/%40counter%40k         => status @counter@k
         GET    /instances/%C3%BC                 => status ü
         GET    /inst%61nces/i                    => status i
         GET    /instances/a%2Fb                  => unknown
         GET    /instances/a%2Fterminate          => unknown
         POST   /instances/a%2Fterminate          => terminate a
         GET    /instances/a%3Fb                  => status a?b",
    );
}

#[test]
fn what_cannot_be_decoded_matches_nothing() {
    check(
        "GET    /instances/a%                     => unknown
         GET    /instances/a%4                    => unknown
         GET    /instances/a%zz                   => unknown
         GET    /instances/a%FF                   => unknown",
    );
}

#[test]
fn wrong_methods_extra_segments_and_unknown_operations_match_nothing() {
    check(
        "GET    /orchestrators/f                  => unknown
         PUT    /orchestrators/f                  => unknown
         POST   /orchestrators                    => unknown
         POST   /orchestrators/f/i/x              => unknown
         POST   /instances                        => unknown
         PUT    /instances/x                      => unknown
         HEAD   /instances/x                      => unknown
         OPTIONS /instances/x                     => unknown
         POST   /instances/x                      => unknown
         GET    /instances/x/terminate            => unknown
         POST   /instances/x/foo                  => unknown
         POST   /instances/x/raiseEvent           => unknown
         POST   /instances/x/raiseEvent/e/f       => unknown
         POST   /instances/x/terminate/now        => unknown
         PUT    /entities/n/k                     => unknown
         GET    /entities/n/k/x                   => unknown
         GET    /makeprimary/x                    => unknown
         GET    /elsewhere                        => unknown",
    );
}

#[test]
fn a_base_path_is_matched_in_any_case_and_only_as_whole_segments() {
    let base = "/runtime/webhooks/durabletask";
    for (path, rest) in [
        ("/runtime/webhooks/durabletask/instances", Some("/instances")),
        ("/Runtime/WebHooks/durableTask/Instances/A", Some("/Instances/A")),
        ("/runtime/webhooks/durabletask", Some("")),
        ("/runtime/webhooks/durabletaskx/instances", None),
        ("/runtime/webhooks", None),
        ("/runtime/webhooks/durabletasü", None),
        ("/", None),
    ] {
        assert_eq!(below(base, path), rest, "{path}");
    }
}
