"""What the training of any network needs: devices, processes, run folders, checkpoints, the loop."""
