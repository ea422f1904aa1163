"""What a client's variables mean."""

from __future__ import annotations

import pytest

from app.domain.notice import NoticeCode
from app.errors import KnownError
from app.network.environment import DEFAULT_ENDPOINT, NetworkEnvironment


def test_without_variables_it_is_the_public_hub(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://not.asked")
    monkeypatch.setenv("HTTPS_PROXY", "http://not.asked")
    environment = NetworkEnvironment.of({})
    assert environment.endpoint == DEFAULT_ENDPOINT
    assert (environment.token, environment.is_offline, environment.host) == ("", False, "huggingface.co")
    assert environment.proxy_for("https", "huggingface.co", None) == ""


def test_the_hub_s_variables_are_understood():
    environment = NetworkEnvironment.of(
        {"HF_ENDPOINT": " http://mirror:8080/ ", "HF_TOKEN": " hf_x\n", "HF_HUB_OFFLINE": "yes"}
    )
    assert environment.endpoint == "http://mirror:8080"
    assert (environment.host, environment.token, environment.is_offline) == ("mirror:8080", "hf_x", True)
    assert not NetworkEnvironment.of({"HF_HUB_OFFLINE": "0"}).is_offline


def test_secrets_are_not_in_its_text():
    environment = NetworkEnvironment.of({"HF_TOKEN": "hf_secret", "HTTPS_PROXY": "http://me:word@proxy"})
    assert "hf_secret" not in repr(environment)
    assert "word" not in repr(environment)


@pytest.mark.parametrize("endpoint", ["mirror", "ftp://mirror", "http://", "http://a:99999", "http://[::1"])
def test_an_endpoint_must_be_an_address(endpoint: str):
    with pytest.raises(KnownError) as caught:
        NetworkEnvironment.of({"HF_ENDPOINT": endpoint})
    assert caught.value.notice.code is NoticeCode.NETWORK_UNREACHABLE
    assert caught.value.notice.facts == {"host": endpoint.rstrip("/"), "detail": "HF_ENDPOINT"}


@pytest.mark.parametrize(
    ("variables", "scheme", "proxy"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "https", "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, "http", ""),
        ({"HTTP_PROXY": "p:1"}, "http", "http://p:1"),
        ({"https_proxy": "http://low", "HTTPS_PROXY": "http://up"}, "https", "http://low"),
        ({"ALL_PROXY": "http://all"}, "https", "http://all"),
        ({"ALL_PROXY": "http://all", "HTTPS_PROXY": "http://p"}, "https", "http://p"),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "hub.test"}, "https", ""),
        ({"HTTPS_PROXY": "http://p", "no_proxy": ".test, x"}, "https", ""),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "*"}, "https", ""),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "hub.test:8443"}, "https", ""),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "other.test"}, "https", "http://p"),
    ],
)
def test_proxies_are_chosen_as_everywhere(variables: dict[str, str], scheme: str, proxy: str):
    assert NetworkEnvironment.of(variables).proxy_for(scheme, "hub.test", 8443) == proxy
