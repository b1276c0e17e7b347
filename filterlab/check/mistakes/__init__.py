"""The bank of mistakes, one module a lesson: wrong answers that we expect, each with its hint, and right ones in other styles."""
