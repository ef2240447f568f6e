"""Numbers by which a list that has changed is told from what it was."""

from itertools import count

new_generation = count(1).__next__
"""A number that no list had before; a list takes one whenever it changes, and a cursor names it."""
