"""Skeletons: in memory and in stores, from and to other people's files, and the data set NTU RGB+D."""
