"""Rounds: contenders take turns, so that what else the machine does meets all of them alike."""

from collections.abc import Callable, Mapping
from statistics import median


def interleaved(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Call each of ``contenders`` once a round, every other round in reverse order; return their results by name."""
    results: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            results[name].append(contenders[name]())
    return results


def ratio(results: Mapping[str, list[float]], name: str, baseline: str) -> float:
    """Return the median over the rounds of ``name``'s result divided by the baseline's in the same round."""
    return median(ours / theirs for ours, theirs in zip(results[name], results[baseline], strict=True))
