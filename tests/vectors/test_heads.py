"""Networks over vectors: they learn, they are kept as arrays, and the encoder stays as it was."""

import hashlib

import numpy as np
import pytest

from biglog.samples import Kinds, Samples
from biglog.vectors.encoder import load_encoder
from biglog.vectors.heads import head, sequence, tuned

TEXTS = ("job started", "job finished", "connection refused", "disk full", "user login")


@pytest.fixture
def encoder(release):
    return load_encoder(release)


@pytest.fixture
def kinds(encoder):
    return Kinds(TEXTS, TEXTS, TEXTS, encoder.encode(TEXTS), 5, np.arange(5), np.ones(5))


def jobs(count=60):
    """Every third one ends with a full disk."""
    rows = [(0, 4, 3) if n % 3 == 0 else (0, 4, 1) for n in range(count)]
    starts = np.arange(0, 3 * count + 1, 3, dtype=np.int64)
    events = np.array(rows, np.int64).ravel()
    return (
        Samples(events, starts, ("",) * count, np.ones(count), of_lines=False),
        np.array([int(n % 3 == 0) for n in range(count)]),
    )


def weights(encoder):
    digest = hashlib.sha256()
    for name, one in sorted(encoder.model.state_dict().items()):
        digest.update(name.encode() + one.numpy().tobytes())
    return digest.hexdigest()


def fit(kind, encoder, kinds):
    samples, odd = jobs()
    if kind == "tuned":
        return tuned.fit_tuned(samples, kinds, odd, encoder, cut=45, seed=3)
    made = {"head": head.fit_head, "lstm": sequence.fit_sequence}[kind]
    return made(samples, kinds, odd, cut=45, seed=3)


def score(made, samples, kinds, encoder):
    given = (encoder,) if isinstance(made, tuned.Tuned) else ()
    return made.score(samples, kinds, *given)


READS = {"head": head.from_arrays, "lstm": sequence.from_arrays, "tuned": tuned.from_arrays}


@pytest.mark.parametrize("kind", sorted(READS))
def test_it_learns_is_kept_and_leaves_the_encoder_alone(kind, encoder, kinds):
    before = weights(encoder)
    samples, odd = jobs()
    made = fit(kind, encoder, kinds)
    scores = score(made, samples, kinds, encoder)
    assert scores[odd == 1].min() > scores[odd == 0].max()
    assert ((scores >= 0) & (scores <= 1)).all()
    again = READS[kind](made.arrays())
    np.testing.assert_allclose(score(again, samples, kinds, encoder), scores, atol=1e-6)
    assert weights(encoder) == before


@pytest.mark.parametrize("kind", ["head", "lstm"])
def test_the_same_seed_gives_the_same_network(kind, encoder, kinds):
    one, two = (fit(kind, encoder, kinds).arrays() for _ in range(2))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


def test_fine_tuning_changes_its_own_copy(encoder, kinds):
    made = fit("tuned", encoder, kinds)
    own = made.embed(TEXTS, encoder)
    np.testing.assert_allclose(np.linalg.norm(own, axis=1), 1, atol=1e-5)
    assert np.abs(own - kinds.vectors).max() > 1e-3


def test_order_matters_to_the_lstm_only(encoder, kinds):
    """The same events, turned round, are what was labelled."""
    rows = [(0, 1, 4) if n % 2 else (4, 1, 0) for n in range(60)]
    samples = Samples(
        np.array(rows, np.int64).ravel(), np.arange(0, 181, 3), ("",) * 60, np.ones(60), False
    )
    odd = np.array([n % 2 for n in range(60)])
    ordered = sequence.fit_sequence(samples, kinds, odd, cut=45, seed=3).score(samples, kinds)
    assert ordered[odd == 1].min() > ordered[odd == 0].max()
    bag = head.fit_head(samples, kinds, odd, cut=45, seed=3).score(samples, kinds)
    assert np.ptp(bag) < 1e-6


def test_a_long_session_is_read_up_to_a_limit(encoder, kinds):
    made = fit("lstm", encoder, kinds)
    long = Samples(np.zeros(5_000, np.int64), np.array([0, 5_000]), ("",), np.ones(1), False)
    assert np.isfinite(made.score(long, kinds)).all()
