"""Studies: what refining skeletons is worth to recognition, and the report that says so."""
