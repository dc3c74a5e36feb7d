"""The one exception that is meant for the reader of the terminal."""


class InputError(ValueError):
    """Something the user gave (a parameter, a file, a network) cannot be used.

    The message is one sentence that names the parameter or file, says what is wrong and what to do.
    """
