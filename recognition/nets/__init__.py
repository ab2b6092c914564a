"""The kinds of recognisers, and the layers that they are made of."""
