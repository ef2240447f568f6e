"""What the tools share: how a function becomes a tool, what a call is, how arguments are read."""
