"""`steady`: a refiner that keeps the motion, for any skeleton; it runs on NumPy and its weights are shipped."""
