"""The glossary finds the words that are not used, in all that a person reads, and nothing else."""

import pytest

from stack.verify import glossary

TERMS, UNCHECKED = glossary.read()


def lines(text, path="page.md"):
    return [(hit.line, hit.found) for hit in glossary.hits(path, text, TERMS)]


@pytest.mark.parametrize(
    "text",
    [
        "3 Alerts fire",
        "own_metrics = []",
        "class OwnMetricCase:",
        "# what is\n    # told",
        'text = ("the alerts "\n        "that fire")',
        "It is no\nJSON object",
        "The figures: 85 % of the calls",
        "folded = {}",
        "the hop",
    ],
)
def test_a_word_is_found_in_texts_comments_and_names(text):
    assert lines(text)


@pytest.mark.parametrize(
    "text",
    [
        "firing alerts; when an alert fires",
        "odoo_telemetry_labels_folded_total",
        'env.ref("odoo_telemetry.own_metric_reader")',
        "there is no job; it is no longer there",
        "the back office",
        "print(60 % 7, '%d' % 5)",
        "Shop, photoshop and headroom",
    ],
)
def test_what_is_right_is_not_found(text):
    assert not lines(text)


def test_a_hit_has_its_line_and_what_to_use():
    [hit] = glossary.hits("docs/page.md", "One.\n\nThe result is\ntold.\n", TERMS)
    assert str(hit) == "docs/page.md:4: 'told': use notification, notify; report, show, distinguish"


def test_names_of_files_are_checked():
    assert lines("", "docs/own_metrics.md") == [(0, "own metrics")]


def test_a_translation_is_not_checked():
    assert UNCHECKED.search("odoo_telemetry/i18n/fr.po")
