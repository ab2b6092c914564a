"""Refiners whose weights are shipped, one file for each; their names stand wherever a checkpoint can be named."""
