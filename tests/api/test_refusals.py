"""What a refusal blames, whom it ends, and what is said about it."""

from __future__ import annotations

import pytest

from sandbox import Fault
from tap_contentstack.api.responses import decode_json
from tap_contentstack.errors import AccessError, ApiError, NotFoundError, RefusedError, TokenRefusedError
from tests.api.clients import CONTENT_TYPES, SYNC, connect


@pytest.mark.parametrize(
    ("config", "error", "sentence"),
    [
        ({"api_key": "blt-other"}, AccessError, "check api_key, and region"),
        ({"access_token": "cs-other"}, AccessError, "check access_token"),
        ({"environment": "nowhere"}, AccessError, "environment 'nowhere' is unknown"),
        ({"branch": "nowhere"}, AccessError, "branch 'nowhere' is unknown"),
    ],
    ids=["api key", "token", "environment", "branch"],
)
def test_wrong_settings_are_named_at_once(sandbox, config, error, sentence):
    with pytest.raises(error, match=sentence) as caught:
        connect(sandbox, **config).get(SYNC, {"init": "true"}, decode_json)
    assert len(sandbox.requests) == 1
    for secret in ("api_key", "access_token"):
        assert config.get(secret, sandbox.settings[secret]) not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "fields", "named"),
    [
        (109, (), "api_key"),
        (105, (), "access_token"),
        (901, (), "check branch"),
        (7, ("branch",), "check branch"),
        (118, ("branch",), "check branch"),
        (118, ("environment",), "check environment"),
        (7, ("environment",), "check environment"),
    ],
)
def test_the_apis_own_words_name_the_setting_and_end_all_streams(sandbox, code, fields, named):
    sandbox.faults.add(Fault(status=422, code=code, fields=fields))
    with pytest.raises(AccessError, match=named):
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)


def test_a_refused_token_is_told_from_other_refusals(sandbox):
    client = connect(sandbox)
    for name in ("sync_token", "pagination_token"):
        with pytest.raises(TokenRefusedError):
            client.get(SYNC, {name: "blt-unknown"}, decode_json)


def test_a_content_type_that_is_gone_is_told_from_other_refusals(sandbox):
    with pytest.raises(NotFoundError):
        connect(sandbox).get(f"{CONTENT_TYPES}/nothing", {}, decode_json)


FOREIGN = [400, 401, 403, 404, 410, 412]


@pytest.mark.parametrize("status", FOREIGN)
@pytest.mark.parametrize(
    "body", [None, '{"message": "Forbidden"}', "[]", ""], ids=["a page", "other JSON", "a list", "nothing"]
)
def test_an_answer_that_is_not_the_apis_blames_no_setting(sandbox, status, body):
    sandbox.faults.add(Fault(kind="html", status=status, body=body))
    with pytest.raises(ApiError, match=rf"answered HTTP {status} with something other than the API's JSON") as raised:
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)
    assert not isinstance(raised.value, AccessError)
    assert "request " in str(raised.value)


@pytest.mark.parametrize("status", FOREIGN)
def test_a_status_alone_blames_no_setting_in_the_apis_own_json_either(sandbox, status):
    sandbox.faults.add(Fault(status=status, code=5))
    with pytest.raises(RefusedError):
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)


@pytest.mark.parametrize(
    ("api_key", "access_token", "said"),
    [
        ("blt12345", "a", "… has no access"),
        ("a", "blt12345", "… has no access"),
        ("a", "blt", "blt12345 has no access"),
    ],
)
def test_a_credential_is_masked_unless_it_is_too_short_to_be_one(sandbox, api_key, access_token, said):
    sandbox.faults.add(Fault(status=422, code=999, fields=None, message="blt12345 has no access"))
    with pytest.raises(RefusedError) as caught:
        connect(sandbox, api_key=api_key, access_token=access_token).get(CONTENT_TYPES, {}, decode_json)
    assert said in str(caught.value)


def test_secrets_that_an_answer_repeats_are_not_logged(sandbox, caplog):
    secret = sandbox.settings["access_token"]
    sandbox.faults.add(Fault(kind="html", status=200, headers={"Content-Type": f"text/{secret}"}))
    connect(sandbox).get(CONTENT_TYPES, {}, decode_json)
    assert "waiting" in caplog.text
    assert secret not in caplog.text


def test_texts_from_outside_stay_on_one_line(sandbox):
    message = "no\n2026-01-01 | INFO | Done: \x1b[2J all is well " + "x" * 5000
    sandbox.faults.add(Fault(status=422, code=5, message=message, fields=("a\nb",)))
    with pytest.raises(ApiError) as raised:
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)
    text = str(raised.value)
    assert text.isprintable()
    assert len(text) < 1000


@pytest.mark.parametrize("body", ['{"errors": ' + "[" * 100_000 + "]" * 100_000 + "}", "[" * 100_000])
def test_an_answer_that_is_nested_without_end_is_one_sentence(sandbox, body):
    sandbox.faults.add(Fault(kind="html", status=422, body=body))
    with pytest.raises(ApiError, match="something other than the API's JSON"):
        connect(sandbox).get(CONTENT_TYPES, {}, decode_json)
