Access tokens, the roles reader, publisher, maintainer and owner on channels, owners and domains, private channels, and uploads by CI jobs with their own identity.
