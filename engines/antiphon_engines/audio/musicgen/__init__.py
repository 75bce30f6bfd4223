"""MusicGen behind the jam."""
