"""Sync: a channel takes what an upstream channel has.

`look` asks for the upstream's documents, `names` finds what changed, `staging` saves the records of
changed names, `difference` compares them with the channel, and `apply` makes the version.
"""
