from . import browser, metrics
