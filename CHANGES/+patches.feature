Repodata patches (`patch_instructions.json`, versions 1 and 2) can be uploaded, alone or in a package, and are part of a channel's versions.
