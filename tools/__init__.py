"""Commands behind the Makefile, and those that try the pipeline on damaged files."""
