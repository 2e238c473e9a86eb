"""What one scrape shows."""

from prometheus_client.parser import text_string_to_metric_families


class Samples:
    """The samples of an exposition.

    :param str text: in the text format 0.0.4
    """

    def __init__(self, text):
        self.text = text
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]  # fmt: skip

    def value(self, name, **labels):
        """Return the sum of the samples ``name`` that have these ``labels``; 0 where there is none."""
        return sum(sample.value for sample in self.of(name, **labels))

    def values(self, name, label, **labels):
        """Return {value of ``label``: sum} of the samples ``name`` that have ``label`` and these ``labels``."""
        values = {}
        for sample in self.of(name, **labels):
            values[sample.labels[label]] = values.get(sample.labels[label], 0) + sample.value
        return values

    def of(self, name, **labels):
        """Return the samples ``name`` (as prometheus_client's ``Sample``) that have these ``labels``."""
        return [
            sample for sample in self._samples if sample.name == name and labels.items() <= sample.labels.items()
        ]  # fmt: skip

    def names(self):
        """Return the set of the samples' names."""
        return {sample.name for sample in self._samples}
