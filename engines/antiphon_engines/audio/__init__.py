"""The embedded music model: its tokens, its files, and the band that plays them. Nothing here imports torch."""
