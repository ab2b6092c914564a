"""`steady`, live: one pose after the other, of any skeleton, on NumPy, with a fixed delay."""
