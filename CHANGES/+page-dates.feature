A channel's page recommends a `.condarc` that works in every client, and shows when each file was built and when it was uploaded.
