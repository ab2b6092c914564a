"""The one kind of error that is the user's to mend; whatever else is raised is a fault of ours."""


class InputError(ValueError):
    """A mistake in what the user gave: a path, a file's content, a configuration value.

    The message is one line that says which file, line or key, what was found, what was expected and what to do.
    The command line prints it on standard error, without a traceback, and exits with status 2.
    """
