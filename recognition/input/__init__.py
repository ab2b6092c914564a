"""From the clips of a store to batches: which clips, which frames, which view of them, and what training draws."""
