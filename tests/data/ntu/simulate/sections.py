"""A small stand-in."""

from data.ntu.simulate import SimulateSection


def section(folder, **changes):
    values = {"clips": 36, "performers": 6, "actions": (6, 23, 58), "severity": 2.0, **changes}
    return SimulateSection(folder=folder, **values)
