"""The arms of a study, one file for each way to come by skeletons."""
