import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image, ImageFile

from tests.waiting import until

ORDER = {"model": "flux", "prompt": "a fox in the snow", "parameters": {"width": 320, "height": 200}}


@pytest.fixture
def ai(start):
    ai = start("ai_service")
    ai.control()
    return ai


def test_the_prompt_becomes_an_image(ai):
    response = ai.post("/v1/images", ORDER)
    assert response.headers["Content-Type"] == "image/png"
    image = Image.open(io.BytesIO(response.content))
    assert image.size == (320, 200)
    assert image.getcolors(10) is None, "neither a gradient nor text"


def test_the_same_order_gives_the_same_image_and_another_another(ai):
    images = [ai.post("/v1/images", {**ORDER, "prompt": prompt}).content for prompt in ("fox", "fox", "owl")]
    assert images[0] == images[1] != images[2]


def test_size_has_a_default(ai):
    response = ai.post("/v1/images", {"model": "flux", "prompt": "a fox", "parameters": None})
    assert Image.open(io.BytesIO(response.content)).size == (512, 512)


@pytest.mark.parametrize(
    "change",
    [
        {"model": ""},
        {"model": "m" * 65},
        {"prompt": ""},
        {"prompt": None},
        {"prompt": "p" * 2001},
        {"parameters": []},
        {"parameters": {"width": 63}},
        {"parameters": {"height": 2049}},
        {"parameters": {"width": "9"}},
    ],
)
def test_what_is_out_of_bounds_is_refused(ai, change):
    assert ai.post("/v1/images", {**ORDER, **change}).status_code == 400


def test_the_gpu_is_as_busy_as_the_service(start, tmp_path):
    ai = start("ai_service", NVML_STUB=str(tmp_path))
    images = tmp_path / "images"
    assert images.stat().st_size == 0
    ai.control(timeout_rate=1)
    ai.abandon("/v1/images", ORDER)
    until(lambda: images.stat().st_size == 0, "the request to be given up")
    ai.control(timeout_rate=0, slow_rate=1, slow_seconds=2)
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(ai.post, "/v1/images", ORDER) for _ in range(3)]
        until(lambda: images.stat().st_size == 3, "three requests in progress")
        assert [answer.result().status_code for answer in answers] == [200, 200, 200]
    assert images.stat().st_size == 0


def test_the_log_shows_how_each_try_ended(ai):
    def order(try_id, post=ai.post):
        post("/v1/images", ORDER, headers={"X-Request-Id": "one", "X-Try-Id": try_id})

    order("first")
    ai.control(fail_rate=1)
    order("second")
    ai.control(fail_rate=0, timeout_rate=1)
    order("third", ai.abandon)
    assert until(lambda: len(tries := ai.get("/log")["tries"]) == 3 and tries, "the try without an answer") == {
        "first": "200",
        "second": "500",
        "third": "none",
    }


def test_tries_outlive_a_restart(start, tmp_path):
    for try_id, log in (("first", {"first": "200"}), ("second", {"first": "200", "second": "200"})):
        ai = start("ai_service", "--state-dir", str(tmp_path))
        ai.control()
        ai.post("/v1/images", ORDER, headers={"X-Try-Id": try_id})
        assert ai.get("/log")["tries"] == log
        ai.stop()


@pytest.mark.parametrize(
    "header, status", [(None, 401), ("Bearer other", 401), ("Bearer töken", 401), ("token", 401), ("Bearer token", 200)]
)
def test_with_a_token_only_who_has_it_gets_an_image(start, header, status):
    ai = start("ai_service", AI_SERVICE_TOKEN="token")
    ai.control()
    response = ai.post("/v1/images", ORDER, headers={"Authorization": header and header.encode()})
    assert response.status_code == status
    assert ("AI_SERVICE_TOKEN" in response.text) == (status == 401)


def test_a_slow_answer_is_an_image_all_the_same(ai):
    ai.control(slow_rate=1, slow_seconds=1)
    response = ai.post("/v1/images", ORDER)
    assert response.elapsed.total_seconds() >= 1
    assert Image.open(io.BytesIO(response.content)).size == (320, 200)


def test_a_truncated_image_ends_before_its_end(ai):
    whole = ai.post("/v1/images", ORDER).content
    ai.control(truncated_rate=1)
    response = ai.post("/v1/images", ORDER)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/png")
    assert response.content == whole[: len(whole) // 2]


def test_a_web_page_can_come_in_place_of_an_image(ai):
    ai.control(html_rate=1)
    response = ai.post("/v1/images", ORDER)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_a_huge_image_has_50_megabytes(ai):
    ai.control(huge_rate=1)
    response = ai.post("/v1/images", ORDER)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/png")
    assert len(response.content) == 50 * 2**20


def test_garbage_is_not_an_image(ai, monkeypatch):
    # Odoo's own tests, which may run in this process, let Pillow accept what is cut short
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
    ai.control(garbage_rate=1)
    kinds = set()
    for _ in range(30):
        response = ai.post("/v1/images", ORDER)
        kinds.add(response.headers["Content-Type"])
        with pytest.raises(OSError):
            Image.open(io.BytesIO(response.content)).load()
    assert len(kinds) == 3
