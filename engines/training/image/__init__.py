"""Recipe of the embedded image model: every stage is ``python -m training.image.<stage>``.

The stages, in order, are ``data``, ``autoencoder``, ``text``, ``denoiser``, ``evaluate`` and ``pack``; README.md gives
the commands. Nothing here is imported by the server: the recipe only produces the folder of weights that it loads.
"""
