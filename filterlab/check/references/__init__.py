"""The reference answers, one module a lesson: the contract of every exercise as code that others are compared with."""
