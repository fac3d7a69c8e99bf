A channel's page recommends a `.condarc` that every client understands, and shows for each file when it was built and when it was uploaded.
