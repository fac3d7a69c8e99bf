"""The native client APIs: one thin module per dialect over the same ingest and commit."""
