"""What the cache holds is made once, and never half."""

import threading
import time

import pytest

from stack.provide.once import made_once


def test_several_who_ask_at_once_get_what_one_of_them_made(tmp_path):
    made = []

    def make(place):
        place.mkdir()
        made.append(place)
        time.sleep(0.05)

    threads = [threading.Thread(target=made_once, args=(tmp_path / "thing", make)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [tmp_path / "thing"]


def test_what_an_interrupted_one_left_is_made_again_from_nothing(tmp_path):
    def interrupted(place):
        place.mkdir()
        (place / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made_once(tmp_path / "thing", interrupted)
    assert not (made_once(tmp_path / "thing", lambda place: place.mkdir()) / "half").exists()
