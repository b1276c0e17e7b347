"""Compares an answer with a reference and explains the difference.

A test cell reads: `expect(response, image, kernel, 0, 2).like(reference.response)`. The rooms behind it:
`outcome` calls an answer and notes all that happened, `compare` finds the first difference, `diagnose` looks through
the bank of `mistakes` for the one that gives the same result, `scratch` refuses borrowed answers, `inputs` draws pictures
and filters that tell mistakes apart, `references` holds the answers everything is compared with.
"""

from filterlab.check.expectation import expect
from filterlab.check.inputs import many, many_refused, random_filters, random_picture, random_seed, shapes_of_memory

__all__ = ["expect", "many", "many_refused", "random_filters", "random_picture", "random_seed", "shapes_of_memory"]
