"""Figures about speed, memory and size, each as a ratio to a baseline of the same run (`make bench`)."""
