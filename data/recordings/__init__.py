"""Files of other tools that hold one recording each: read as poses, given back with nothing but the poses changed."""
