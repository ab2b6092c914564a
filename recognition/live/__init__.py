"""Recognising actions while they happen: `from recognition import Live`, and `python run.py watch`."""
