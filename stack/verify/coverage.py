"""Which metrics of the specification Prometheus has samples of."""

from influencegen_telemetry.business import SPECIFICATION, catalogue
from stack.system import System
from stack.verify.reconcile import query


def missing(system: System) -> dict[str, str]:
    """Return the specification's metrics of which a series, or the recording rule, has no sample now.

    Each has its producer as the value. requests.RequestException if Prometheus does not answer.
    """
    wanted = {
        name: {_sample(series) for series in requirement.series} | ({requirement.rule} - {""})
        for name, requirement in SPECIFICATION.items()
    }
    names = "|".join(set().union(*wanted.values()))
    found = {sample["metric"]["__name__"] for sample in query(system, f'count by (__name__) ({{__name__=~"{names}"}})')}
    return {name: SPECIFICATION[name].producer for name, series in wanted.items() if not series <= found}


def _sample(series: str) -> str:
    """Return the name of a sample of a metric: for a histogram, that of its count."""
    metric = catalogue.METRICS.get(series)
    return f"{series}_count" if metric and metric.kind == "histogram" else series
