The role `conda.channel_writer` uploads, creates channels and deletes packages, as a Forgejo team does that writes packages, and changes no settings or roles.
