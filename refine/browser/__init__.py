"""`steady` in a browser: a page that refines keypoint files where they are."""
