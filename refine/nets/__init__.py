"""The networks that refine, and the loss that they learn by."""
