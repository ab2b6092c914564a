"""Pose benchmarks: which there are, their files, and the representations that their poses come in."""
