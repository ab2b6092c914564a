"""Refining skeletons: SmoothNet and the filters it is compared with, their training, errors and use on stores."""
