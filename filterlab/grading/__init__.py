"""What nbgrader_config.py puts in the place of nbgrader's own way to run a submission."""
