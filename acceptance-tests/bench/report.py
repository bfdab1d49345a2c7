"""How figures are computed and printed. Every figure has a baseline that was measured in the same run."""

import math
import statistics


def median(values):
    return statistics.median(values)


def percentile(values, percent):
    """Nearest rank: the smallest measured value that `percent` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def span(values, digits=2):
    return f"{min(values):.{digits}f}..{max(values):.{digits}f}"


def note(text):
    print(f"# {text}", flush=True)


class Report:
    """Prints the figures that were asked for, as `name value unit baseline ratio`, and says which miss their target."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.missed = []

    def figure(self, name, value, unit, baseline, about, target=None, met=None):
        """`about` says what was measured against what; `met` whether the value reaches `target`."""
        if name not in self.wanted:
            return
        ratio = f"{value / baseline:.2f}" if baseline else "-"
        print(f"{name} {value:.3g} {unit} {baseline:.3g} {ratio}", flush=True)
        verdict = "" if met is None else " (met)" if met else " (MISSED)"
        wanted = f"; target {target}{verdict}" if target else ""
        note(f"  {about}{wanted}")
        if met is False:
            self.missed.append(name)
