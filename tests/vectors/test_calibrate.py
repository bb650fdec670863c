"""The map from cosine to probability: monotone, within 0 and 1, fitted where the classes cross."""

from pathlib import Path

import numpy as np
import pytest

from biglog.errors import BadInput
from biglog.vectors.calibrate import (
    fit_calibration,
    fit_logistic,
    read_calibration,
    unit,
    write_calibration,
)


def test_the_map_crosses_a_half_between_the_classes() -> None:
    values = np.concatenate([np.linspace(0.6, 1.0, 50), np.linspace(-0.2, 0.5, 500)])
    truth = np.concatenate([np.ones(50), np.zeros(500)])
    slope, intercept = fit_logistic(values, truth)
    assert 0.45 < -intercept / slope < 0.65


def test_worthless_cosines_still_give_a_rising_map() -> None:
    slope, _ = fit_logistic(np.array([0.9, 0.1, 0.8, 0.2]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert slope >= 1


def fitted():
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(20, 16)) + 5
    rows = np.repeat(centres, 2, axis=0) + 0.1 * rng.normal(size=(40, 16))
    same = [(2 * i, 2 * i + 1) for i in range(20)]
    other = [(2 * i, (2 * i + 7) % 40) for i in range(20)]
    return fit_calibration(rows, same, other, weights="w", background="b"), rows


def test_centring_takes_the_common_direction_off() -> None:
    calibration, rows = fitted()
    before = unit(rows) @ unit(rows).T
    after = calibration.centre(rows) @ calibration.centre(rows).T
    assert before.mean() > 0.9
    assert abs(after.mean()) < 0.1


def test_similarity_rises_from_0_to_1() -> None:
    calibration, _ = fitted()
    said = calibration.similarity(np.linspace(-1.2, 1.2, 101))
    assert (np.diff(said) >= 0).all()
    assert 0 <= said[0] < 0.2
    assert said[-1] == 1


def test_it_survives_the_disk(tmp_path: Path) -> None:
    calibration, _ = fitted()
    write_calibration(calibration, tmp_path / "calibration.json")
    assert read_calibration(tmp_path / "calibration.json") == calibration
    assert [path.name for path in tmp_path.iterdir()] == ["calibration.json"]


def test_without_pairs_there_is_no_calibration() -> None:
    with pytest.raises(BadInput, match="0 pairs of one kind"):
        fit_calibration(np.ones((2, 3)), [], [(0, 1)], weights="w", background="b")
