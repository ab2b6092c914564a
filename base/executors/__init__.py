"""Where work is done: in this process, in others of this machine, on a cluster; each is one file that adds itself."""
