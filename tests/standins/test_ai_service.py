import io

import pytest
from PIL import Image, ImageFile

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


@pytest.mark.parametrize("change", [
    {"model": ""}, {"model": "m" * 65}, {"prompt": ""}, {"prompt": None}, {"prompt": "p" * 2001},
    {"parameters": []}, {"parameters": {"width": 63}}, {"parameters": {"height": 2049}}, {"parameters": {"width": "9"}},
])
def test_what_is_out_of_bounds_is_refused(ai, change):
    assert ai.post("/v1/images", {**ORDER, **change}).status_code == 400


def test_the_log_counts_the_tries_of_each_request(ai):
    ai.post("/v1/images", ORDER, headers={"X-Request-Id": "one"})
    ai.control(fail_rate=1)
    for request_id in ("one", "one", "two"):
        ai.post("/v1/images", ORDER, headers={"X-Request-Id": request_id})
    assert ai.get("/log")["request_ids"] == {"one": {"200": 1, "500": 2}, "two": {"500": 1}}


def test_garbage_is_no_image(ai, monkeypatch):
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
