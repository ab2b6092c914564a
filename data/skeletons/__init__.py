"""What a skeleton is, wherever it comes from: layouts of joints, the clip store, gaps, and the errors of poses."""
