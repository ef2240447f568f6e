"""`python -P -m pc_mcp` is the `pc-mcp` command."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # Without -P the folder that one happens to be in comes first: nothing there is a part of this program.
    del sys.path[0]

from pc_mcp.commands.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
