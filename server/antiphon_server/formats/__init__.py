"""Manuscripts in and out: Markdown, HTML, docx, EPUB, plain text, Fountain, and PDF out.

All of them are read into and written from a `manuscript`. Files of strangers are read by `python -m
antiphon_server.formats` in a process of its own with bounds on time and memory; the gateway imports `manuscript`,
`report` and `desk` only.
"""
