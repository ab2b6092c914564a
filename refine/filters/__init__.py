"""The classical filters that SmoothNet is compared with: one file each, and what is common to them."""
