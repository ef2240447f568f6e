"""How it is read: the lists, the walk, what is kept for the next question."""
