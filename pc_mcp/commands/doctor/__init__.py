"""`pc-mcp doctor`: what a person needs to know when an answer does not come, each with its mend.

Every check has a bounded time, signs nobody in, changes nothing at Partner Center, and tells no
secret. A check whose ground another one found missing is not made.
"""
