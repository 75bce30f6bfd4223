"""Recipe of the embedded music model: every stage is ``python -m training.music.<stage>``.

The stages, in order, are ``data``, ``build_tokens``, ``train``, ``pack`` and ``evaluate``; README.md gives commands.
Nothing here is imported by the server: the recipe only produces the folder of weights that it loads.
"""
