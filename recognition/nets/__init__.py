"""Networks: each kind of recogniser is one file, and so is each operator that they are made of."""
