"""`python -m antiphon_client.terminal ROOM_URL`; `antiphon join` runs it."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Sequence

from antiphon_client.address import Address
from antiphon_client.errors import ClientError


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 when the room could not be joined or was left for a reason, which is printed."""
    parser = argparse.ArgumentParser(prog="antiphon join", description="Join a room in the terminal.")
    parser.add_argument("room", help="an invite link: http://host:8080/r/ROOM#TOKEN")
    parser.add_argument("--name", default=getpass.getuser()[:48], help="what the others see")
    options = parser.parse_args(arguments)
    try:
        address = Address.parse(options.room)
        from antiphon_client.terminal.app import RoomApp
    except ModuleNotFoundError as error:
        print(f"antiphon: {error.name} is not installed: pip install 'antiphon[terminal]'", file=sys.stderr)
        return 1
    except ClientError as error:
        print(f"antiphon: {error}", file=sys.stderr)
        return 1
    reason = RoomApp(address, options.name).run()
    if reason:
        print(f"antiphon: {reason}", file=sys.stderr)
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main())
