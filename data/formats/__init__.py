"""Other people's files of NTU RGB+D clips: writing them from a clip store, and reading them into one.

One module per format; `docs/formats.md` says what each keeps and loses.
"""
