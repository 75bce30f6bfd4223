"""`python -m antiphon_client.mcp ROOM_URL`; `antiphon mcp` runs it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from antiphon_client.address import Address
from antiphon_client.errors import ClientError


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 when the room could not be joined, which is printed to standard error."""
    parser = argparse.ArgumentParser(
        prog="antiphon mcp", description="Serve a room to an agent over the Model Context Protocol."
    )
    parser.add_argument("room", help="an invite link: http://host:8080/r/ROOM#TOKEN")
    parser.add_argument("--name", default="Agent", help="what the others see")
    parser.add_argument(
        "--http",
        type=int,
        metavar="PORT",
        help="serve streamable HTTP on this port of loopback instead of stdio",
    )
    options = parser.parse_args(arguments)
    try:
        Address.parse(options.room)
        from antiphon_client.mcp.serve import serve
    except ModuleNotFoundError as error:
        print(f"antiphon: {error.name} is not installed: pip install 'antiphon[mcp]'", file=sys.stderr)
        return 1
    except ClientError as error:
        print(f"antiphon: {error}", file=sys.stderr)
        return 1
    try:
        asyncio.run(serve(options.room, options.name, options.http))
    except (ClientError, OSError) as error:
        print(f"antiphon: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
