"""Refining files of other tools: any tracker's file in, the same file out, with nothing but its positions changed."""
