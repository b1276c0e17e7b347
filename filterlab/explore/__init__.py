"""Widgets to explore filters with. They show; they never hold a test, because Jupyter swallows what a callback raises."""
