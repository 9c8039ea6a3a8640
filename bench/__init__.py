"""Measurements against real peers, in one run: what a figure means depends on the machine.

Each group is a module with `measure()`; `python -m bench` runs them.
"""
