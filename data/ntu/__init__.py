"""NTU RGB+D 60: its `.skeleton` files, names, splits and actors, and how a clip store is made of them."""
