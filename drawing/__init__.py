"""All that draws: skeletons, curves, animations, and the look that figures share."""
