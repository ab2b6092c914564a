"""A study: its configuration, what it is crossed with, what it has to train, and what came out."""
