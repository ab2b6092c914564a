"""Steady Skeletons: the one package of an installed wheel, which holds all others, as `steady.refine` or `steady.data`.

In a checkout those stand side by side and are imported as `refine` or `data`; `setup.py` makes the one of the other.
"""
