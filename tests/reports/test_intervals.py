"""Wilson's interval, held against published figures and against what defines it."""

from __future__ import annotations

from math import sqrt

import pytest

from reports.intervals import Z_95, wilson


# R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17
# (1998), table I, method 3.
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_it_agrees_with_what_was_published(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("successes", "trials"), [(1, 10), (5, 10), (250, 1000), (1, 1_000_000)])
def test_each_end_is_a_rate_that_the_count_just_does_not_refute(successes: int, trials: int) -> None:
    for end in wilson(successes, trials):
        assert abs(successes / trials - end) == pytest.approx(Z_95 * sqrt(end * (1 - end) / trials))


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (2, 1), (-1, 1)])
def test_what_is_no_share_has_no_interval(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(successes, trials)
