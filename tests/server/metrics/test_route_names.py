import pytest

from mixvllm.server.metrics.route_names import OTHER, route_of


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/health", "/health"),
        ("/v1/responses/resp_1", "/v1/responses/{response_id}"),
        ("/v1/responses/resp_1/cancel", "/v1/responses/{response_id}/cancel"),
        ("/v1/responses/a/b/c", OTHER),
        ("/no/such/route", OTHER),
        ("", OTHER),
        ("/V1/models", OTHER),
    ],
)
def test_a_path_is_counted_under_a_route_that_clients_cannot_invent(path: str, route: str) -> None:
    assert route_of(path) == route
