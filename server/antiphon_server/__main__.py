"""`python -m antiphon_server` is the `antiphon` command."""

from antiphon_server.cli.main import main

main()
