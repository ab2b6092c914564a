"""Recognising actions: what a network sees of a clip, the networks, their training, and their use."""
