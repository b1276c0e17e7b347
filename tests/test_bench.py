"""The benchmark's book-keeping: parts can be run again alone, and no row is lost by it."""

import json

import pytest

from tools import bench


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Two quick parts, and a file for their rows; the values are those of `values`."""
    values = {"slow_s": 4.0, "right": 0.9, "gain": 6.0}

    def first_part():
        yield "slow_s", values["slow_s"], "s", 8.0
        yield "right", values["right"], "share", 0.3

    def second_part():
        yield "gain", values["gain"], "times", 2.0

    monkeypatch.setattr(bench, "PARTS", (first_part, second_part))
    monkeypatch.setattr(bench, "FILE", tmp_path / "build" / "bench.json")
    return values


def rows() -> dict[str, tuple[float, float]]:
    return {row["name"]: (row["value"], round(row["ratio"], 6)) for row in json.loads(bench.FILE.read_text())}


def test_ratios_say_how_many_times_better(parts, capsys):
    bench.main([])
    assert rows() == {"slow_s": (4.0, 2.0), "right": (0.9, 3.0), "gain": (6.0, 3.0)}
    assert "gain                                   6.000 times      2.000    3.00" in capsys.readouterr().out


def test_a_part_alone_replaces_its_own_rows_and_keeps_the_others(parts):
    bench.main([])
    parts.update(slow_s=2.0, gain=8.0)
    bench.main(["second"])
    assert rows() == {"slow_s": (4.0, 2.0), "right": (0.9, 3.0), "gain": (8.0, 4.0)}


def test_what_was_measured_before_an_error_is_kept(parts, monkeypatch):
    bench.main([])
    parts.update(slow_s=2.0, gain=0)

    def failing():
        raise OSError("no browser")
        yield

    monkeypatch.setattr(bench, "PARTS", (bench.PARTS[0], failing, bench.PARTS[1]))
    with pytest.raises(OSError):
        bench.main([])
    assert rows() == {"slow_s": (2.0, 4.0), "right": (0.9, 3.0), "gain": (6.0, 3.0)}


def test_rows_that_no_part_gives_any_more_go_with_a_run_of_all(parts, monkeypatch):
    bench.main([])
    monkeypatch.setattr(bench, "PARTS", bench.PARTS[:1])
    bench.main([])
    assert set(rows()) == {"slow_s", "right"}


def test_an_unknown_part_is_refused_with_the_names(parts):
    with pytest.raises(SystemExit, match="no part begins with 'third': first_part, second_part"):
        bench.main(["second", "third"])
    assert not bench.FILE.exists()


def test_parts_have_names_of_their_own():
    names = [part.__name__ for part in bench.PARTS]
    assert len(set(names)) == len(names) and {"feature_rows", "training_cifar10", "notebook_time"} <= set(names)
