The role `conda.channel_writer` may upload, create channels and delete packages, like a Forgejo team with write access to packages. It may not change settings or roles.
