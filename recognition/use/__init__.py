"""Trained recognisers at work on clips: predictions, explanations, and networks for other programs."""
