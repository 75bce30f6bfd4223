"""A room as a Model Context Protocol server: any agent joins it as a participant. Needs the extra `mcp`."""
