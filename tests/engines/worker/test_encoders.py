"""Files beside the loop: bounded, in threads that end, and each one told."""

from __future__ import annotations

import threading
from concurrent.futures import Future

import pytest

from antiphon_engines.api import Image
from antiphon_engines.worker.encoders import MOST, Encoders, File, threads

PICTURE = Image(b"p", 1, 1, 7)


def test_a_file_is_written_on_another_thread_and_told() -> None:
    told = threading.Event()
    encoders = Encoders(1, told.set)
    writers: list[int] = []

    def write() -> Image:
        writers.append(threading.get_ident())
        return PICTURE

    assert encoders.submit(write).result(timeout=30) == PICTURE
    assert told.wait(timeout=30)
    assert writers != [threading.get_ident()]
    encoders.close()


def test_who_brings_one_too_many_waits_until_another_is_there() -> None:
    encoders = Encoders(1, lambda: None, bound=2)
    go_on, third = threading.Event(), threading.Event()
    futures: list[Future[File]] = []

    def held() -> Image:
        assert go_on.wait(timeout=30)
        return PICTURE

    def bring() -> None:
        futures.extend(encoders.submit(held) for _ in range(2))
        third.set()
        futures.append(encoders.submit(held))

    bringer = threading.Thread(target=bring)
    bringer.start()
    assert third.wait(timeout=30)
    assert len(futures) == 2, "the third has no place while nothing is done"
    go_on.set()
    bringer.join(timeout=30)
    assert [future.result(timeout=30) for future in futures] == [PICTURE] * 3
    encoders.close()


def test_what_cannot_be_written_frees_its_place_and_is_told_too() -> None:
    told = threading.Semaphore(0)
    encoders = Encoders(1, told.release, bound=1)

    def fails() -> Image:
        raise OSError("no room")

    for _ in range(3):
        with pytest.raises(OSError, match="no room"):
            encoders.submit(fails).result(timeout=30)
        assert told.acquire(timeout=30)
    encoders.close()


def test_half_of_the_cores_write_and_never_too_many() -> None:
    assert [threads(cores) for cores in (1, 2, 4, 64)] == [1, 1, 2, MOST]
