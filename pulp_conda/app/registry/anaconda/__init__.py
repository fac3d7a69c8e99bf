"""The API of anaconda.org, as far as uploading takes it, below `/api/anaconda`.

A login is an owner, all of whose channels are meant, or `owner/channel`. Labels are channels:
`main` is the default one, or the one that the login names.
"""
