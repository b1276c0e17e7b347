"""What the lessons import: filters, convolution, pictures, and the checks that explain mistakes.

Each module has one job; nothing is imported here, so that a lesson pays only for what it uses.
"""

__version__ = "0.1.0"
