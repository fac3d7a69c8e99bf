"""Sync: a channel takes what an upstream channel has.

`look` finds the upstream's newest documents, `read` has the records of changed names staged,
`staging` saves them as content units, `files` fetches their files if the policy says so,
`difference` compares them with the channel, and `apply` makes the version.
"""
