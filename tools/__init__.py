"""Tools for authors and instructors: they turn lesson texts into notebooks and back."""
