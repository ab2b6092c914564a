"""The classical filters that SmoothNet is compared with."""
