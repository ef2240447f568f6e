"""Files as the clients themselves and their users write them."""

from pc_mcp.commands.install.clients import CLIENTS

CLAUDE_DESKTOP = """{
  "globalShortcut": "Alt+Space",
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": [
        "-y",
        "@modelcontextprotocol/server-filesystem",
        "/Users/adele/Documents"
      ]
    }
  },
  "preferences": {
    "menuBarEnabled": true,
    "coworkScheduledTasksEnabled": false
  }
}
"""

CLAUDE_CODE = """{
  "numStartups": 34,
  "autoUpdates": true,
  "tipsHistory": {"new-user-warmup": 3, "shift-enter": 12},
  "projects": {
    "/home/adele/work": {
      "allowedTools": [],
      "mcpServers": {},
      "hasTrustDialogAccepted": true
    }
  },
  "userID": "6f1ed002ab5595859014ebf0951522d9",
  "mcpServers": {
    "notion": {
      "type": "http",
      "url": "https://mcp.notion.com/mcp"
    }
  },
  "oauthAccount": {
    "emailAddress": "adele.vance@bellowscloud.com"
  }
}"""

VSCODE = """// Servers of my profile
{
\t"inputs": [
\t\t{
\t\t\t"type": "promptString", // asked for once
\t\t\t"id": "token",
\t\t\t"description": "A \\"token\\" // of GitHub",
\t\t\t"password": true,
\t\t},
\t],
\t"servers": {
\t\t/* Playwright is for the
\t\t   test team. */
\t\t"playwright": {
\t\t\t"type": "stdio",
\t\t\t"command": "npx",
\t\t\t"args": ["-y", "@microsoft/mcp-server-playwright"],
\t\t}, // keep
\t\t"github": {
\t\t\t"type": "http",
\t\t\t"url": "https://api.githubcopilot.com/mcp/",
\t\t\t"headers": { "Authorization": "Bearer ${input:token}" }
\t\t}, // the last one
\t}
}
"""

CURSOR = """{
    "mcpServers": {
        // Zoë's own
        "postgres": { "command": "uvx", "args": ["mcp-server-postgres"], "env": { "PGPASSWORD": "hunter2" } } // local
    }
}
"""

CODEX = """# ~/.codex/config.toml
model = "gpt-5.2-codex"
notify = [
  "notify-send",
  "[mcp_servers.pc-mcp]",  # only looks like a table
]

[mcp_servers.context7]
command = "npx"
args = ["-y", "@upstash/context7-mcp"]
env = { "KEY" = "c7" }

# What I trust
[projects."/home/adele/work"]
trust_level = "trusted"

[tui]
banner = \"\"\"
[mcp_servers.pc-mcp]
not this one
\"\"\"
"""

EXAMPLES = {
    "claude-desktop": CLAUDE_DESKTOP,
    "claude-code": CLAUDE_CODE,
    "vscode": VSCODE,
    "cursor": CURSOR,
    "codex": CODEX,
}
assert set(EXAMPLES) == set(CLIENTS)
