"""The parts of anaconda.org's API that uploading clients use, below `/api/anaconda`.

A login is `owner`, which means all channels of that owner, or `owner/channel`. A label is a
channel: `main` is the channel of the login, or else the owner's default channel.
"""
